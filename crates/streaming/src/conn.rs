//! A connection that can send files.

use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use crate::wire::{Step, Wire};

/// Bytes that the kernel takes beyond those on their way. Without this limit a thousand slow
/// listeners hold 2 GB of its memory, with it a tenth, and `sendfile` costs a fifth less (measured).
const UNSENT_BYTES: u32 = 128 << 10;
/// Whoever takes nothing for so long is gone (nginx waits as long: `send_timeout`). A player that
/// was paused asks for the rest by range.
const STALLED_AFTER: Duration = Duration::from_secs(60);

/// Put around every socket, with or without TLS.
#[derive(Debug)]
pub struct Conn<S> {
    io: S,
    wire: Wire,
    /// The socket, when what is written here is what it sends.
    socket: Option<fn(&S) -> &TcpStream>,
    stalled_after: Duration,
    /// Runs while somebody is awaited.
    alarm: Option<Pin<Box<Sleep>>>,
    moved: bool,
}

/// Sets what serves both big bodies and small answers. Failing does no harm. Without `send_buffer_bytes` the kernel lets
/// the buffer grow with the connection (tcp(7), `SO_SNDBUF`).
pub fn tune(socket: &TcpStream, send_buffer_bytes: Option<usize>) {
    // Small answers go out at once (they would wait for the client's acknowledgement otherwise).
    let _best_effort = socket.set_nodelay(true);
    if let Some(bytes) = send_buffer_bytes {
        let _best_effort = socket2::SockRef::from(socket).set_send_buffer_size(bytes);
    }
    #[cfg(target_os = "linux")]
    let _best_effort = socket2::SockRef::from(socket).set_tcp_notsent_lowat(UNSENT_BYTES);
}

impl Conn<TcpStream> {
    /// Straight to the socket.
    #[must_use]
    pub fn plain(io: TcpStream) -> Self {
        let takes_files = cfg!(target_os = "linux");
        Self::new(io, Wire::new(takes_files), takes_files.then_some(|io| io))
    }
}

impl<S> Conn<S> {
    /// Through something that changes the bytes, such as TLS.
    #[must_use]
    pub fn through(io: S) -> Self {
        Self::new(io, Wire::new(false), None)
    }

    fn new(io: S, wire: Wire, socket: Option<fn(&S) -> &TcpStream>) -> Self {
        Self { io, wire, socket, stalled_after: STALLED_AFTER, alarm: None, moved: false }
    }

    /// With another patience for clients that stop reading.
    #[must_use]
    pub fn with_patience(self, stalled_after: Duration) -> Self {
        Self { stalled_after, ..self }
    }

    /// For the requests of this connection.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.wire.clone()
    }
}

impl<S: AsyncWrite + Unpin> Conn<S> {
    fn write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let (written, slices) = match (self.wire.step(slices), self.socket) {
            #[cfg(target_os = "linux")]
            (Step::Send { object, offset, length }, Some(socket)) => {
                let socket = socket(&self.io);
                match linux::send_file(socket, cx, &object.file, offset, length) {
                    // A file system that cannot do this can be mapped nevertheless.
                    Poll::Ready(Err(error)) if error.kind() == ErrorKind::Unsupported => {
                        (Pin::new(&mut self.io).poll_write_vectored(cx, &slices[..1]), &slices[..1])
                    }
                    written => (written, &slices[..1]),
                }
            }
            #[cfg(target_os = "linux")]
            (Step::Write { slices: count, more: true }, Some(socket)) => {
                let slices = &slices[..count];
                (linux::send_with_more(socket(&self.io), cx, slices), slices)
            }
            _ => (Pin::new(&mut self.io).poll_write_vectored(cx, slices), slices),
        };
        if let Poll::Ready(Ok(bytes)) = written {
            self.wire.left(slices, bytes);
        }
        self.watched(cx, written)
    }

    /// Fails what has been waiting for too long.
    fn watched<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.moved = true;
            return outcome;
        }
        let deadline = || Instant::now() + self.stalled_after;
        if self.alarm.is_none() || std::mem::take(&mut self.moved) {
            match &mut self.alarm {
                Some(alarm) => alarm.as_mut().reset(deadline()),
                None => self.alarm = Some(Box::pin(sleep_until(deadline()))),
            }
        }
        let is_over = self.alarm.as_mut().is_some_and(|alarm| alarm.as_mut().poll(cx).is_ready());
        if is_over {
            tracing::debug!("a client stopped reading");
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Conn<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().write(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().write(cx, slices)
    }

    /// So `hyper` hands pieces over as they are; otherwise it would copy them together.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        this.watched(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Conn<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buffer)
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;

    use rustix::{
        fs::sendfile,
        io::Errno,
        net::{SendAncillaryBuffer, SendFlags, sendmsg},
    };

    use super::*;

    pub(super) fn send_file(
        socket: &TcpStream,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        length: usize,
    ) -> Poll<io::Result<usize>> {
        when_writable(socket, cx, || {
            let mut offset = offset;
            match sendfile(socket, file, Some(&mut offset), length) {
                // The file became shorter; its length is promised to the client already.
                Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
                Ok(sent) => Ok(sent),
                Err(Errno::INVAL | Errno::NOSYS) => Err(ErrorKind::Unsupported.into()),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// The head of an answer travels with the beginning of the file that follows it.
    pub(super) fn send_with_more(
        socket: &TcpStream,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        when_writable(socket, cx, || {
            let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
            Ok(sendmsg(socket, slices, &mut SendAncillaryBuffer::default(), flags)?)
        })
    }

    fn when_writable(
        socket: &TcpStream,
        cx: &mut Context<'_>,
        mut call: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(socket.poll_write_ready(cx))?;
            match socket.try_io(Interest::WRITABLE, &mut call) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }
}
