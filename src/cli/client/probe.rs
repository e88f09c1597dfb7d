//! Asking a server how it is: the one question whose answer is JSON even when its status is a failure.

use bytes::Bytes;
use hyper::Method;

use super::{Client, ClientError, HEAD_TIMEOUT, has_type};

impl Client {
    /// The JSON at a path, and whether its status is a success. Other refusals are errors, as everywhere.
    pub(in crate::cli) fn probe(&self, path: &str) -> Result<(bool, Bytes), ClientError> {
        let request = self.request(Method::GET, path, Bytes::new())?;
        self.runtime.block_on(async {
            let mut response = self.send(request, HEAD_TIMEOUT).await?;
            let is_success = response.status().is_success();
            if !has_type(response.headers(), "application/json") {
                response = self.accepted(response).await?;
            }
            Ok((is_success, self.json(response).await?))
        })
    }
}
