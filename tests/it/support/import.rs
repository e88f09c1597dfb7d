//! Sends a stream to import in pieces, and reads the stream that comes back.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::{self, JoinHandle};

use serde_json::Value;

use super::client::{chunk, chunked_head};
use super::{Connection, Reply, Server};

/// Where streams go.
const TARGET: &str = "/api/v1/graph/import";

/// What a stream is.
const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");

/// An import under way.
pub(crate) struct Import {
    connection: Connection,
}

/// What an import answered, all of it.
#[derive(Debug)]
pub(crate) struct Imported {
    reply: Reply,
}

/// Imports a text in one go.
pub(crate) fn import(server: &Server, text: &str) -> Imported {
    let mut import = Import::begin(server);
    import.send(text.as_bytes()).unwrap();
    import.finish()
}

impl Import {
    /// Sends the head of the request.
    pub(crate) fn begin(server: &Server) -> Self {
        Self::begin_with(server, &[NDJSON])
    }

    /// Sends the head of the request with these headers, none added but for the chunks.
    pub(crate) fn begin_with(server: &Server, headers: &[(&str, &str)]) -> Self {
        let mut connection = server.connect();
        connection.write(&chunked_head("POST", TARGET, headers)).unwrap();
        Self { connection }
    }

    /// Sends one piece, which must not be empty.
    pub(crate) fn send(&mut self, piece: &[u8]) -> io::Result<()> {
        assert!(!piece.is_empty(), "an empty piece would be the end");
        self.connection.write(&chunk(piece))
    }

    /// Sends text in pieces of this size from a thread of its own, so that the answer can be read meanwhile.
    pub(crate) fn send_meanwhile(&self, text: Vec<u8>, size: usize) -> JoinHandle<io::Result<()>> {
        let mut socket: TcpStream = self.connection.socket().try_clone().unwrap();
        thread::spawn(move || text.chunks(size).try_for_each(|piece| socket.write_all(&chunk(piece))))
    }

    /// Waits for the first line that comes back, and gives it with the connection behind it.
    pub(crate) fn first_line(mut self) -> (Value, Self) {
        let head = self.connection.head().unwrap();
        assert_eq!(head.status, 200, "{head:?}");
        let mut line = Vec::new();
        while !line.contains(&b'\n') {
            line.extend(self.connection.next_chunk().unwrap().expect("the answer goes on"));
        }
        let end = line.iter().position(|byte| *byte == b'\n').unwrap();
        (serde_json::from_slice(&line[..end]).unwrap(), self)
    }

    /// Ends the stream and reads the lines that [`Import::first_line`] left.
    pub(crate) fn rest(mut self) -> Vec<Value> {
        self.connection.write(&chunk(b"")).unwrap();
        let mut text = Vec::new();
        while let Some(piece) = self.connection.next_chunk().unwrap() {
            text.extend(piece);
        }
        lines(&text)
    }

    /// Ends the stream and reads the whole answer.
    pub(crate) fn finish(mut self) -> Imported {
        // A server that refuses early may have closed its reading side; its answer is there.
        let _ = self.connection.write(&chunk(b""));
        Imported { reply: self.connection.reply("POST").unwrap() }
    }

    /// Sends all of a text in pieces of this size, ends the stream, and reads the whole answer meanwhile.
    pub(crate) fn finish_with(mut self, text: Vec<u8>, size: usize) -> Imported {
        let mut socket = self.connection.socket().try_clone().unwrap();
        let sender = self.send_meanwhile(text, size);
        let end = thread::spawn(move || sender.join().unwrap().and_then(|()| socket.write_all(&chunk(b""))));
        let reply = self.connection.reply("POST");
        // A server that refuses early may have closed its reading side; its answer is there.
        let sent = end.join().unwrap();
        Imported { reply: reply.unwrap_or_else(|error| panic!("{error}; sent: {sent:?}")) }
    }

    /// Stops sending in the midst, without an end; what the server still says, which may be nothing.
    pub(crate) fn abandon(mut self) -> Option<Imported> {
        self.connection.socket().shutdown(Shutdown::Write).unwrap();
        self.connection.reply("POST").ok().map(|reply| Imported { reply })
    }
}

impl Imported {
    /// The status of the answer.
    pub(crate) fn status(&self) -> u16 {
        self.reply.status
    }

    /// The lines of a stream that began well.
    pub(crate) fn lines(&self) -> Vec<Value> {
        assert_eq!(self.reply.status, 200, "{}", self.reply.text());
        assert_eq!(self.reply.header("content-type"), Some(NDJSON.1), "the answer is a stream too");
        lines(&self.reply.body)
    }

    /// The last line of a stream that succeeded.
    pub(crate) fn done(&self) -> Value {
        let last = self.last();
        assert_eq!(last["done"], true, "{last}");
        assert!(last.get("error").is_none(), "{last}");
        last
    }

    /// The last line of a stream that failed after it had begun.
    pub(crate) fn failed(&self) -> Value {
        let last = self.last();
        assert!(last["error"].is_object() && last["applied"].is_object(), "{last}");
        assert!(last.get("done").is_none(), "{last}");
        last
    }

    /// The problem of a stream that failed at its start, as an answer of its own or as the last line.
    pub(crate) fn problem(&self) -> Value {
        if self.reply.status == 200 { self.failed()["error"].clone() } else { self.reply.json() }
    }

    fn last(&self) -> Value {
        self.lines().pop().expect("a stream has a last line")
    }
}

/// Each line as JSON.
fn lines(text: &[u8]) -> Vec<Value> {
    let parse = |line: io::Result<String>| {
        let line = line.unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
    };
    BufReader::new(text).lines().map(parse).collect()
}
