//! The lines of a body as it comes.
//!
//! - A line ends in a line feed, perhaps behind a carriage return; the last one may end with the body. Lines of
//!   white space are passed over, and counted.
//! - What is held is one line and the piece that its end came in. A line has at most
//!   [`limits::IMPORT_LINE_BYTES_MAX`].

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::http::problem::Problem;
use crate::limits;

/// A body that is read line by line.
pub(super) struct Lines {
    body: Incoming,
    /// How long a piece may take to come.
    patience: Duration,
    buffer: BytesMut,
    /// Bytes of the buffer in which there is no line feed.
    searched: usize,
    number: u64,
    is_over: bool,
}

impl Lines {
    pub(super) fn new(body: Incoming, patience: Duration) -> Self {
        Self { body, patience, buffer: BytesMut::new(), searched: 0, number: 0, is_over: false }
    }

    /// The number of the line that was read last, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line that is not empty; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            match self.take_line() {
                Some(line) if line.iter().all(u8::is_ascii_whitespace) => {}
                Some(line) => return Ok(Some(line)),
                None if self.is_over => return Ok(None),
                None => self.read_on().await?,
            }
        }
    }

    /// A line of what was read; at the end of the body what is left is one.
    fn take_line(&mut self) -> Option<Bytes> {
        let unsearched = &self.buffer[self.searched..];
        let end = unsearched.iter().position(|byte| *byte == b'\n').map(|place| self.searched + place + 1);
        let end = match end {
            Some(end) => end,
            None if self.is_over && !self.buffer.is_empty() => self.buffer.len(),
            None => {
                self.searched = self.buffer.len();
                return None;
            }
        };
        self.searched = 0;
        self.number += 1;
        let mut line = self.buffer.split_to(end);
        while line.ends_with(b"\n") || line.ends_with(b"\r") {
            line.truncate(line.len() - 1);
        }
        Some(line.freeze())
    }

    async fn read_on(&mut self) -> Result<(), Problem> {
        if self.buffer.len() > limits::IMPORT_LINE_BYTES_MAX {
            self.number += 1;
            let detail = format!("a line has at most {} bytes", limits::IMPORT_LINE_BYTES_MAX);
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        let Ok(frame) = timeout(self.patience, self.body.frame()).await else {
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the stream came too slowly"));
        };
        match frame {
            None => self.is_over = true,
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.buffer.extend_from_slice(data);
                }
            }
            Some(Err(_)) => return Err(Problem::bad_request("the stream could not be read to its end")),
        }
        Ok(())
    }
}
