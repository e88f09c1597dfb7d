//! A request of any length, sent piece by piece, and the lines that come back meanwhile.
//!
//! - Pieces are asked for when the connection takes them: nothing but what is under way is held.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::{Body, Frame};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};

use super::{ANSWER_BYTES_MAX, Client, ClientError, WORK_TIMEOUT, has_type};

const NDJSON: &str = "application/x-ndjson";

/// Pieces as a body. Reading one may block: there is nothing else that this program should do.
struct Pieces<I>(I);

impl<I: Iterator<Item = io::Result<Bytes>> + Unpin> Body for Pieces<I> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.0.next().map(|piece| piece.map(Frame::data)))
    }
}

impl Client {
    /// Sends pieces of NDJSON to a path and gives each line that comes back to `each`.
    pub(in crate::cli) fn upload(
        &self,
        path: &str,
        pieces: impl Iterator<Item = io::Result<Bytes>> + Send + Unpin + 'static,
        mut each: impl FnMut(&[u8]) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let (mut head, ()) = self.request(Method::POST, path, Bytes::new())?.map(drop).into_parts();
        head.headers.insert(ACCEPT, HeaderValue::from_static(NDJSON));
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(NDJSON));
        let request = hyper::Request::from_parts(head, Pieces(pieces).boxed_unsync());
        self.runtime.block_on(async {
            let response = self.head(request, WORK_TIMEOUT).await?;
            if !has_type(response.headers(), NDJSON) {
                return Err(self.foreign(format!("it is no {NDJSON}")));
            }
            let (mut body, mut buffer) = (response.into_body(), BytesMut::new());
            while let Some(piece) = self.piece_within(&mut body, WORK_TIMEOUT).await? {
                buffer.extend_from_slice(&piece);
                while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                    each(&buffer.split_to(end + 1))?;
                }
                if buffer.len() > ANSWER_BYTES_MAX {
                    return Err(self.foreign("a line without an end".to_owned()));
                }
            }
            Ok(())
        })
    }
}
