//! The bytes of an answer, piece by piece.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind},
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::{
    mapping::Mapped,
    multipart::Segment,
    object::{Object, State},
    send::SendMode,
    sessions::Watching,
    shelf::Found,
    wire::{Meter, Wire},
};

/// One slice of a mapping. Nothing is held for it but addresses; the disk is asked whether it is
/// there before it is handed on, so it is no longer than what a slow disk reads in a moment.
const MAPPED_BYTES: u64 = 1 << 20;
/// One read. A connection holds one at a time: 64 MB for a thousand listeners through TLS.
const READ_BYTES: u64 = 64 << 10;

pub(crate) struct ObjectBody {
    found: Found,
    segments: VecDeque<Segment>,
    left_bytes: u64,
    mode: SendMode,
    /// Where the pieces go; none when nobody told (the router called without a connection).
    wire: Option<Wire>,
    meters: [Option<Arc<Meter>>; 2],
    waiting: Option<Waiting>,
    /// What was just read for the page cache's sake: not asked for again, as the system may never
    /// say that it has it.
    warmed: Option<Range<u64>>,
    /// The session that this is for stays open as long as this does.
    held: Option<Arc<Watching>>,
    /// Nothing was sent yet: the file was looked at a moment ago.
    is_fresh: bool,
}

enum Waiting {
    Warming(JoinHandle<io::Result<()>>),
    Reading(JoinHandle<io::Result<Vec<u8>>>),
    Fetching(Pin<Box<dyn Future<Output = io::Result<Vec<u8>>> + Send>>),
}

impl ObjectBody {
    pub(crate) fn new(
        found: Found,
        segments: VecDeque<Segment>,
        mode: SendMode,
        wire: Option<Wire>,
        meters: [Option<Arc<Meter>>; 2],
        held: Option<Arc<Watching>>,
    ) -> Self {
        let left_bytes = segments.iter().map(Segment::length_bytes).sum();
        if let Some(held) = &held {
            held.begins();
        }
        let is_mapped = mode != SendMode::Read
            && wire.as_ref().is_some_and(Wire::takes_files)
            && matches!(&found, Found::Whole(object) if object.mapping().is_some());
        let mode = if is_mapped { mode } else { SendMode::Read };
        Self {
            found,
            segments,
            left_bytes,
            mode,
            wire,
            meters,
            waiting: None,
            warmed: None,
            held,
            is_fresh: true,
        }
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        loop {
            match &mut self.waiting {
                Some(Waiting::Warming(task)) => {
                    ready!(Pin::new(task).poll(cx)).map_err(io::Error::other)??;
                    self.waiting = None;
                }
                Some(Waiting::Reading(task)) => {
                    let bytes = ready!(Pin::new(task).poll(cx)).map_err(io::Error::other)??;
                    self.waiting = None;
                    return Poll::Ready(Ok(Some(self.read(bytes))));
                }
                Some(Waiting::Fetching(fetching)) => {
                    let bytes = ready!(fetching.as_mut().poll(cx))?;
                    self.waiting = None;
                    return Poll::Ready(Ok(Some(self.read(bytes))));
                }
                None => {}
            }
            let span = match self.segments.front() {
                None => return Poll::Ready(Ok(None)),
                Some(Segment::Span(span)) if span.is_empty() => {
                    self.segments.pop_front();
                    continue;
                }
                Some(Segment::Span(span)) => span.clone(),
                Some(Segment::Text(text)) => {
                    let text = text.clone();
                    self.segments.pop_front();
                    return Poll::Ready(Ok(Some(text)));
                }
            };
            let object = match &self.found {
                Found::Whole(object) => Arc::clone(object),
                Found::Parts(_, parts) => {
                    let (parts, span) = (Arc::clone(parts), until(&span, READ_BYTES));
                    self.waiting = Some(Waiting::Fetching(Box::pin(async move { parts.read(span).await })));
                    continue;
                }
            };
            let bytes = if self.mode == SendMode::Read {
                self.read_piece(object, until(&span, READ_BYTES))?
            } else {
                self.mapped_piece(object, until(&span, MAPPED_BYTES))?
            };
            if let Some(bytes) = bytes {
                return Poll::Ready(Ok(Some(bytes)));
            }
        }
    }

    /// `None`: something has to be waited for.
    fn mapped_piece(&mut self, object: Arc<Object>, span: Range<u64>) -> io::Result<Option<Bytes>> {
        // Looked at for every piece: pages behind the end of a file that was cut off could not be
        // sent, and the last one would be filled up with zeros.
        if !std::mem::take(&mut self.is_fresh) && object.state()? == State::Damaged {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if self.warmed.as_ref() != Some(&span) && !object.is_in_memory(&span) {
            self.warmed = Some(span.clone());
            self.waiting = Some(Waiting::Warming(spawn_blocking(move || object.warm(span))));
            return Ok(None);
        }
        let by_sendfile = match self.mode {
            SendMode::Mmap => false,
            SendMode::Sendfile => true,
            _ => !object.is_hot(&span),
        };
        let mapped = Mapped::of(&object, &span).zip(self.wire.as_ref());
        let Some((mapped, wire)) = mapped else { return Err(ErrorKind::UnexpectedEof.into()) };
        let bytes = wire.lend_mapped(mapped, span.start, by_sendfile, self.meters.clone());
        self.advance(bytes.len());
        Ok(Some(bytes))
    }

    fn read_piece(&mut self, object: Arc<Object>, span: Range<u64>) -> io::Result<Option<Bytes>> {
        match object.read_now(&span) {
            Ok(bytes) => Ok(Some(self.read(bytes))),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.waiting = Some(Waiting::Reading(spawn_blocking(move || object.read(&span))));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn read(&mut self, bytes: Vec<u8>) -> Bytes {
        self.advance(bytes.len());
        match &self.wire {
            Some(wire) => wire.lend(bytes, self.meters.clone()),
            None => bytes.into(),
        }
    }

    fn advance(&mut self, bytes: usize) {
        if let Some(Segment::Span(span)) = self.segments.front_mut() {
            span.start += bytes as u64;
        }
        if self.segments.front().is_some_and(|segment| segment.length_bytes() == 0) {
            self.segments.pop_front();
        }
    }
}

fn until(span: &Range<u64>, most_bytes: u64) -> Range<u64> {
    span.start..span.end.min(span.start + most_bytes)
}

impl Body for ObjectBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let next = ready!(this.next(cx));
        match &next {
            Ok(Some(bytes)) => this.left_bytes -= bytes.len() as u64,
            Ok(None) => {}
            Err(error) => {
                if let Some(held) = &this.held {
                    held.breaks();
                }
                let id = this.found.media().id;
                tracing::warn!(%id, %error, "an object could not be read to its end");
            }
        }
        if this.left_bytes == 0
            && let Some(held) = &this.held
        {
            held.is_whole();
        }
        Poll::Ready(next.transpose().map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left_bytes == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left_bytes)
    }
}
