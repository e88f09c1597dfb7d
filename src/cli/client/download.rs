//! An answer that is bytes, passed on piece by piece as it comes.
//!
//! - Whoever takes the pieces decides when they count: after an error some have been passed on.

use std::io;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{ACCEPT, CONTENT_LENGTH, HeaderValue};

use super::{Client, ClientError, HEAD_TIMEOUT, has_type};

const BYTES: &str = "application/octet-stream";

impl Client {
    /// Gives the bytes at a path to `keep`, with how many there will be in all where the server says so.
    pub(in crate::cli) fn download(
        &self,
        path: &str,
        mut keep: impl FnMut(&[u8], Option<u64>) -> io::Result<()>,
    ) -> Result<(), ClientError> {
        let mut request = self.request(Method::GET, path, Bytes::new())?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(BYTES));
        self.runtime.block_on(async {
            let response = self.head(request, HEAD_TIMEOUT).await?;
            if !has_type(response.headers(), BYTES) {
                return Err(self.foreign(format!("it is no {BYTES}")));
            }
            let length = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
            let length = length.and_then(|text| text.parse().ok());
            let mut body = response.into_body();
            while let Some(piece) = self.piece(&mut body).await? {
                keep(&piece, length).map_err(ClientError::Keep)?;
            }
            Ok(())
        })
    }
}
