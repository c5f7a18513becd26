//! When the first byte of a body is handed to the connection, which for a slow origin is long after the
//! head of the answer.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use sori_metering::Metrics;

/// Tells the metrics how long after `started` the body begins; at once if there is none.
pub(super) fn timed(response: Response, started: Instant, metrics: Metrics) -> Response {
    if response.body().is_end_stream() {
        metrics.first_byte(started.elapsed().as_secs_f64());
        return response;
    }
    response.map(|body| Body::new(Timed { body, waiting: Some((started, metrics)) }))
}

/// Passes everything on as it is: the connection knows the pieces of a file by their address.
struct Timed {
    body: Body,
    waiting: Option<(Instant, Metrics)>,
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(_)) = frame
            && let Some((started, metrics)) = self.waiting.take()
        {
            metrics.first_byte(started.elapsed().as_secs_f64());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn the_first_byte_counts_once_and_nothing_else_changes() {
        let counted = |metrics: &Metrics| metrics.first_bytes();
        let metrics = Metrics::new();
        let chunks = ["one", "two"].map(|text| Ok::<_, std::io::Error>(Bytes::from(text)));
        let body = Body::from_stream(futures::stream::iter(chunks));
        let response = timed(Response::new(body), Instant::now(), metrics.clone());
        assert_eq!(counted(&metrics), 0);
        assert_eq!(to_bytes(response.into_body(), 99).await.unwrap(), "onetwo");
        assert_eq!(counted(&metrics), 1);
        let known = timed(Response::new(Body::from("sound")), Instant::now(), metrics.clone());
        assert_eq!(known.body().size_hint().exact(), Some(5));
        drop(known);
        assert_eq!(counted(&metrics), 1);
        let _empty = timed(Response::new(Body::empty()), Instant::now(), metrics.clone());
        assert_eq!(counted(&metrics), 2);
    }
}
