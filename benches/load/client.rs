//! A keep-alive HTTP/1.1 client that does as little as possible: the load must not become what is
//! measured.
//!
//! - One request at a time on a connection; what is read of a body is its length, unless asked for.
//! - A connection that ends early is an error that says so.

use std::net::SocketAddr;
use std::ops::Range;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const READ_BYTES: usize = 64 * 1024;

/// A connection to a server.
pub(crate) struct Connection {
    stream: TcpStream,
    /// What was read of the answer.
    buffer: Vec<u8>,
    /// Where in the buffer its body stands.
    pieces: Vec<Range<usize>>,
}

/// What an answer's head says, and how long its body was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body_bytes: usize,
}

#[derive(Clone, Copy)]
enum Length {
    Known(usize),
    Chunked,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(READ_BYTES), pieces: Vec::new() })
    }

    /// Sends a request and reads its answer to the end.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Reply> {
        self.buffer.clear();
        self.pieces.clear();
        self.stream.write_all(request).await.context("the request could not be sent")?;
        let head_bytes = self.head_end().await?;
        let (status, length) = parse_head(&self.buffer[..head_bytes])?;
        let end = match length {
            Length::Known(bytes) => self.whole(head_bytes, bytes).await?,
            Length::Chunked => self.chunks(head_bytes).await?,
        };
        ensure!(self.buffer.len() == end, "{} bytes follow an answer", self.buffer.len() - end);
        Ok(Reply { status, body_bytes: self.pieces.iter().map(Range::len).sum() })
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> Vec<u8> {
        self.pieces.iter().flat_map(|piece| &self.buffer[piece.clone()]).copied().collect()
    }

    /// A header of the last answer, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let head = self.buffer.get(..find(&self.buffer, 0, b"\r\n\r\n")?)?;
        headers(std::str::from_utf8(head).ok()?)
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    async fn head_end(&mut self) -> Result<usize> {
        let mut searched = 0;
        loop {
            if let Some(at) = find(&self.buffer, searched, b"\r\n\r\n") {
                return Ok(at + 4);
            }
            searched = self.buffer.len().saturating_sub(3);
            self.read().await?;
        }
    }

    async fn whole(&mut self, start: usize, bytes: usize) -> Result<usize> {
        let end = start + bytes;
        self.read_to(end).await?;
        self.pieces.push(start..end);
        Ok(end)
    }

    async fn chunks(&mut self, mut at: usize) -> Result<usize> {
        loop {
            let line_end = loop {
                match find(&self.buffer, at, b"\r\n") {
                    Some(line_end) => break line_end,
                    None => self.read().await?,
                }
            };
            let digits = std::str::from_utf8(&self.buffer[at..line_end])?;
            let bytes =
                usize::from_str_radix(digits, 16).with_context(|| format!("the chunk size {digits:?}"))?;
            let start = line_end + 2;
            self.read_to(start + bytes + 2).await?;
            at = start + bytes + 2;
            if bytes == 0 {
                return Ok(at);
            }
            self.pieces.push(start..start + bytes);
        }
    }

    async fn read_to(&mut self, end: usize) -> Result<()> {
        while self.buffer.len() < end {
            self.read().await?;
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<()> {
        self.buffer.reserve(READ_BYTES);
        let bytes = self.stream.read_buf(&mut self.buffer).await.context("the answer could not be read")?;
        ensure!(bytes > 0, "the server closed the connection after {} bytes of an answer", self.buffer.len());
        Ok(())
    }
}

fn parse_head(head: &[u8]) -> Result<(u16, Length)> {
    let text = std::str::from_utf8(head).context("the head is not text")?;
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("no status line: {text:.40}"))?;
    let mut length = Length::Known(0);
    for (name, value) in headers(text) {
        if name.eq_ignore_ascii_case("content-length") {
            length = Length::Known(value.parse().with_context(|| format!("the content length {value:?}"))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            length = Length::Chunked;
        }
    }
    // A 304 may say how long its body would be.
    Ok((status, if status == 304 { Length::Known(0) } else { length }))
}

fn headers(head: &str) -> impl Iterator<Item = (&str, &str)> {
    head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "))
}

fn find(text: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    text[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
}
