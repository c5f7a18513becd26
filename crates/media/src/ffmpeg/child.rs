//! A child process that cannot outlive its owner, talk without end or stand still.

use std::{
    io::{ErrorKind, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use sori_contracts::MediaFault;

/// The end of what FFmpeg says is what matters.
const MAX_STDERR_BYTES: usize = 8 << 10;

/// A running FFmpeg. Killed when dropped.
pub(super) struct Running {
    child: Arc<Mutex<Child>>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    watchdog: Watchdog,
    patience: Duration,
}

impl Running {
    /// `patience`: how long one read, one write or the end may take.
    pub(super) fn start(command: Command, patience: Duration) -> Result<Self, MediaFault> {
        Self::start_with(command, Stdio::piped(), patience)
    }

    /// The same with a file in the place of what [`write`](Self::write) sends.
    pub(super) fn start_with(
        mut command: Command,
        input: Stdio,
        patience: Duration,
    ) -> Result<Self, MediaFault> {
        let mut child = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(
            |e| match e.kind() {
                ErrorKind::NotFound | ErrorKind::PermissionDenied => MediaFault::FfmpegMissing,
                _ => MediaFault::Io { doing: "starting FFmpeg", source: e },
            },
        )?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stderr = child.stderr.take().map(|stderr| thread::spawn(move || read_tail(stderr)));
        let child = Arc::new(Mutex::new(child));
        Ok(Self { watchdog: Watchdog::start(Arc::clone(&child)), child, stdin, stdout, stderr, patience })
    }

    /// Writes to FFmpeg's standard input.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), MediaFault> {
        let Some(stdin) = &mut self.stdin else {
            return Err(MediaFault::Ffmpeg("its input is closed".into()));
        };
        self.watchdog.expect_within(self.patience);
        let written = stdin.write_all(bytes);
        self.watchdog.relax();
        // It closed the pipe: how it ended says why.
        written.map_err(|_| self.failure())
    }

    /// Reads from FFmpeg's standard output; 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, MediaFault> {
        let Some(stdout) = &mut self.stdout else { return Ok(0) };
        self.watchdog.expect_within(self.patience);
        let read = loop {
            match stdout.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.watchdog.relax();
        read.map_err(|source| MediaFault::Io { doing: "reading from FFmpeg", source })
    }

    pub(super) fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Closes the pipes and waits for success.
    pub(super) fn finish(&mut self) -> Result<(), MediaFault> {
        self.stdin = None;
        self.stdout = None;
        match self.wait()? {
            status if status.success() => Ok(()),
            status => Err(self.explain(status)),
        }
    }

    fn failure(&mut self) -> MediaFault {
        self.stdin = None;
        match self.wait() {
            Ok(status) => self.explain(status),
            Err(fault) => fault,
        }
    }

    fn wait(&mut self) -> Result<ExitStatus, MediaFault> {
        let deadline = Instant::now() + self.patience;
        let mut pause = Duration::from_millis(1);
        loop {
            let ended = lock(&self.child).try_wait();
            match ended.map_err(|source| MediaFault::Io { doing: "waiting for FFmpeg", source })? {
                Some(status) => return Ok(status),
                None if Instant::now() > deadline => {
                    return Err(MediaFault::Ffmpeg("it did not end in time".into()));
                }
                None => thread::sleep(pause),
            }
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    fn explain(&mut self, status: ExitStatus) -> MediaFault {
        let said = self.stderr.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        if said.contains("No space left on device") || said.contains("Disk quota exceeded") {
            return MediaFault::StorageFull;
        }
        if self.watchdog.has_barked() {
            return MediaFault::Ffmpeg("it stood still and was stopped".into());
        }
        MediaFault::Ffmpeg(format!("{status}: {}", said.trim()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        if !matches!(child.try_wait(), Ok(Some(_))) {
            // Nothing can be done when killing fails: then it has ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Kills the child when it blocks its owner for too long.
struct Watchdog {
    state: Arc<(Mutex<Watch>, Condvar)>,
}

#[derive(Default)]
struct Watch {
    deadline: Option<Instant>,
    has_barked: bool,
    is_over: bool,
}

impl Watchdog {
    fn start(child: Arc<Mutex<Child>>) -> Self {
        let state = Arc::new((Mutex::new(Watch::default()), Condvar::new()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            let (watch, changed) = &*shared;
            let mut watch = lock(watch);
            while !watch.is_over {
                // Looking twice a second is enough, and spares the owner a signal per write.
                let (guard, _) = changed
                    .wait_timeout(watch, Duration::from_millis(500))
                    .unwrap_or_else(PoisonError::into_inner);
                watch = guard;
                if watch.deadline.is_some_and(|deadline| Instant::now() > deadline) {
                    watch.has_barked = true;
                    watch.is_over = true;
                    let _ = lock(&child).kill();
                }
            }
        });
        Self { state }
    }

    fn expect_within(&self, patience: Duration) {
        lock(&self.state.0).deadline = Some(Instant::now() + patience);
    }

    fn relax(&self) {
        lock(&self.state.0).deadline = None;
    }

    fn has_barked(&self) -> bool {
        lock(&self.state.0).has_barked
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        lock(&self.state.0).is_over = true;
        self.state.1.notify_all();
    }
}

/// A panic elsewhere leaves nothing half-done in these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_tail(mut stderr: impl Read) -> Vec<u8> {
    let mut tail = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
        tail.extend_from_slice(&buffer[..count]);
        let excess = tail.len().saturating_sub(MAX_STDERR_BYTES);
        tail.drain(..excess);
    }
    tail
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(program: &str, arguments: &[&str], patience_ms: u64) -> Running {
        let mut command = Command::new(program);
        command.args(arguments);
        Running::start(command, Duration::from_millis(patience_ms)).unwrap()
    }

    #[test]
    fn a_child_that_does_not_read_is_stopped() {
        let mut child = start("sleep", &["60"], 300);
        let fault = child.write(&vec![0; 1 << 20]).unwrap_err();
        assert!(fault.to_string().contains("stood still"), "{fault}");
    }

    #[test]
    fn a_child_that_does_not_answer_is_stopped() {
        let mut child = start("sleep", &["60"], 300);
        assert_eq!(child.read(&mut [0; 8]).unwrap(), 0);
        assert!(child.finish().unwrap_err().to_string().contains("stood still"));
    }

    #[test]
    fn a_child_that_does_not_end_is_reported() {
        let mut child = start("sleep", &["60"], 100);
        assert!(child.finish().unwrap_err().to_string().contains("did not end in time"));
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let mut child = start("dd", &["if=/dev/zero", "of=/dev/full", "bs=4k", "count=1"], 5_000);
        assert!(matches!(child.finish(), Err(MediaFault::StorageFull)));
    }

    #[test]
    fn a_missing_program_is_a_fault_of_its_own() {
        let started = Running::start(Command::new("no-such-program-here"), Duration::from_secs(1));
        assert!(matches!(started, Err(MediaFault::FfmpegMissing)));
    }

    #[test]
    fn what_a_failing_child_says_is_passed_on() {
        let mut child = start("ls", &["--no-such-option"], 5_000);
        assert!(child.finish().unwrap_err().to_string().contains("no-such-option"));
    }
}
