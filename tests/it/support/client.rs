//! A blocking HTTP/1.1 client over one socket, just enough to see what a server really sends.
//!
//! - It understands content-length and chunked bodies, and keeps the connection open.
//! - It never retries, never follows, never adds a header except `Host` and `Content-Length`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::DEADLINE;

/// One connection to a server.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The first header of that name, in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Fails the test unless this is a problem with one of these statuses; a 422 must name `field`, where a
    /// trailing `*` stands for anything below it, and `*` alone for any field.
    pub(crate) fn assert_problem(&self, statuses: &[u16], field: &str, what: &str) -> Value {
        let said = String::from_utf8_lossy(&self.body);
        assert!(statuses.contains(&self.status), "{what}: {} and not {statuses:?}: {said}", self.status);
        let media_type = self.header("content-type").unwrap_or_default();
        assert!(media_type.starts_with("application/problem+json"), "{what}: {media_type:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{what}: {problem}");
        if self.status == 422 {
            let named = problem["field"].as_str().unwrap_or_else(|| panic!("{what}: no field in {problem}"));
            let below = field.strip_suffix('*').is_some_and(|prefix| named.starts_with(prefix));
            assert!(named == field || below, "{what}: field {named:?} and not {field:?}: {problem}");
        }
        problem
    }

    /// The body as JSON; fails the test when it is not.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The graph version in the header.
    pub(crate) fn version(&self) -> u64 {
        self.header("x-graph-version")
            .unwrap_or_else(|| panic!("no X-Graph-Version in {:?}", self.headers))
            .parse()
            .unwrap()
    }
}

/// The bytes of a request with a `Host`, the given headers, and a `Content-Length` when there is a body.
pub(crate) fn request_bytes(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if !body.is_empty() {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// The head of a request whose body comes in chunks.
pub(crate) fn chunked_head(method: &str, target: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    request_bytes(method, target, &[headers, &[("Transfer-Encoding", "chunked")]].concat(), &[])
}

/// One chunk of a chunked body; an empty one is the end.
pub(crate) fn chunk(piece: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
}

impl Connection {
    /// Connects; reads give up after [`DEADLINE`].
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// The socket itself, to change its time-outs.
    pub(crate) fn socket(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    /// Puts bytes on the wire as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Sends a request without reading its reply.
    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<()> {
        self.write(&request_bytes(method, target, headers, body))
    }

    /// Waits for the next byte that comes; false when the connection ended instead.
    #[allow(dead_code, reason = "the campaigns use it")]
    pub(crate) fn answers(&mut self) -> bool {
        self.stream.fill_buf().is_ok_and(|bytes| !bytes.is_empty())
    }

    /// Sends a request and reads its reply.
    pub(crate) fn exchange(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Reply> {
        // A server that refuses early may close its reading side while we still write; its answer is there.
        let written = self.send(method, target, headers, body);
        self.reply(method).or_else(|error| written.and(Err(error)))
    }

    /// Reads one reply to a request with that method.
    pub(crate) fn reply(&mut self, method: &str) -> io::Result<Reply> {
        let mut reply = self.head()?;
        if method != "HEAD" && reply.status >= 200 && reply.status != 304 && reply.status != 204 {
            reply.body = self.body(&reply)?;
        }
        Ok(reply)
    }

    /// Reads a reply up to its body.
    pub(crate) fn head(&mut self) -> io::Result<Reply> {
        let status_line = self.line()?;
        let status = status_line
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3))
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("status line {status_line:?}"))
            })?;
        Ok(Reply { status, headers: self.headers()?, body: Vec::new() })
    }

    /// Reads the next chunk of a chunked body; nothing at its end.
    pub(crate) fn next_chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let size = usize::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
        let mut piece = vec![0; size];
        self.stream.read_exact(&mut piece)?;
        let end = self.line()?;
        if !end.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("chunk ends with {end:?}")));
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    /// True when the server closed the connection and left nothing to read.
    pub(crate) fn closed(&mut self) -> bool {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    fn headers(&mut self) -> io::Result<Vec<(String, String)>> {
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(headers);
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("header {line:?}")))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    fn body(&mut self, reply: &Reply) -> io::Result<Vec<u8>> {
        if reply.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return self.chunks();
        }
        let mut body = Vec::new();
        if let Some(length) = reply.header("content-length") {
            body.resize(length.parse().map_err(io::Error::other)?, 0);
            self.stream.read_exact(&mut body)?;
        } else {
            self.stream.read_to_end(&mut body)?;
        }
        Ok(body)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = self.next_chunk()? {
            body.extend(piece);
        }
        Ok(body)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}
