//! What the tests of commands share: streams that can be read back, and a server that answers from a list.
//!
//! Not a mock of the server: it knows no paths. Each answer is used once, in order, and each request
//! is kept whole.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use crossbeam::channel::{Receiver, Sender, unbounded};

use super::console::{Console, Sink};

/// What a console wrote.
pub(super) struct Captured {
    out: Receiver<Vec<u8>>,
    err: Receiver<Vec<u8>>,
}

impl Captured {
    /// What went to standard output since the last call.
    pub(super) fn out(&self) -> String {
        String::from_utf8(self.out.try_iter().flatten().collect()).unwrap()
    }

    /// What went to standard error since the last call.
    pub(super) fn err(&self) -> String {
        String::from_utf8(self.err.try_iter().flatten().collect()).unwrap()
    }
}

/// A console whose output can be read back; `sink` is what standard output seems to be.
pub(super) fn capture(sink: Sink) -> (Console, Captured) {
    let ((out, out_read), (err, err_read)) = (unbounded(), unbounded());
    let console = Console::new(Box::new(Stream(out)), Box::new(Stream(err)), sink);
    (console, Captured { out: out_read, err: err_read })
}

struct Stream(Sender<Vec<u8>>);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Types a command to a server that gives these answers: the exit code, standard output, standard error and
/// the requests that came.
pub(super) fn ask(answers: Vec<String>, sink: Sink, line: &str) -> (u8, String, String, Vec<String>) {
    let server = StubServer::start(answers);
    let (mut console, captured) = capture(sink);
    let words = ["watershed"].into_iter().chain(line.split(' ')).chain(["--url", &server.url]);
    let code = super::run(words.map(Into::into), &mut console);
    (code, captured.out(), captured.err(), server.requests())
}

/// The lines of a table, words apart by one space.
pub(super) fn rows(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// A server on a free port that gives its answers in order and then goes away.
pub(super) struct StubServer {
    /// Where it listens.
    pub(super) url: String,
    requests: Receiver<String>,
}

impl StubServer {
    /// Starts a server with these answers, each a whole HTTP/1.1 response.
    pub(super) fn start(answers: Vec<String>) -> Self {
        Self::start_with_bytes(answers.into_iter().map(String::into_bytes).collect())
    }

    /// The same with answers that are no text.
    pub(super) fn start_with_bytes(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = unbounded();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                sender.send(read_request(&stream)).unwrap();
                stream.write_all(&answer).unwrap();
            }
        });
        Self { url, requests }
    }

    /// The requests so far, head and body.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.try_iter().collect()
    }
}

/// An answer with this status line, extra header lines and body.
pub(super) fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}

/// A successful JSON answer.
pub(super) fn json(body: &str) -> String {
    answer("200 OK", "content-type: application/json\r\n", body)
}

/// A problem with this status line.
pub(super) fn problem(status: &str, headers: &str, body: &str) -> String {
    answer(status, &format!("content-type: application/problem+json\r\n{headers}"), body)
}

fn read_request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let start = text.len();
        reader.read_line(&mut text).unwrap();
        let line = text[start..].trim_end();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let body = if text.contains("transfer-encoding: chunked") {
        read_chunks(&mut reader)
    } else {
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        body
    };
    text + &String::from_utf8(body).unwrap()
}

/// The chunks of a body, without what frames them.
fn read_chunks(reader: &mut impl BufRead) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).unwrap();
        let mut chunk = vec![0; usize::from_str_radix(size.trim_end(), 16).unwrap() + 2];
        reader.read_exact(&mut chunk).unwrap();
        if chunk.len() == 2 {
            return body;
        }
        body.extend_from_slice(&chunk[..chunk.len() - 2]);
    }
}
