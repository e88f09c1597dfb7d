//! A server that stands for a source: it answers what the test says, and remembers what it was asked.
//!
//! - One thread per connection, one request per connection.
//! - A stream goes on until the test drops its sender.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

/// What the double was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// The path with its query.
    pub(crate) target: String,
    /// In lower case, with their values.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }
}

/// What it answers.
pub(crate) enum Said {
    /// A status and JSON.
    Json(u16, String),
    /// 200 and plain text.
    Text(String),
    /// 200, and lines as they come.
    Lines(Receiver<String>),
    /// Nothing: the connection is closed.
    Hangup,
}

/// A running double.
pub(crate) struct Double {
    port: u16,
    asked: Receiver<Asked>,
}

impl Double {
    /// Starts one.
    pub(crate) fn start(answer: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, asked) = mpsc::channel();
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, tell) = (Arc::clone(&answer), tell.clone());
                // A client that breaks off is no matter of the test.
                thread::spawn(move || drop(serve(&stream.unwrap(), &*answer, &tell)));
            }
        });
        Self { port, asked }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.try_iter().collect()
    }
}

fn serve(
    stream: &TcpStream,
    answer: &(dyn Fn(&Asked) -> Said + Send + Sync),
    tell: &Sender<Asked>,
) -> std::io::Result<()> {
    let asked = read(stream)?;
    let said = answer(&asked);
    // The test may have ended.
    let _ = tell.send(asked);
    let mut stream = stream;
    let whole = |mut stream: &TcpStream, status: u16, media_type: &str, body: &str| {
        write!(stream, "HTTP/1.1 {status} said\r\ncontent-type: {media_type}\r\n")?;
        write!(stream, "content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    };
    match said {
        Said::Json(status, body) => whole(stream, status, "application/json", &body),
        Said::Text(body) => whole(stream, 200, "text/plain; version=0.0.4", &body),
        Said::Lines(lines) => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
            )?;
            for line in lines {
                write!(stream, "{:x}\r\n{line}\n\r\n", line.len() + 1)?;
            }
            write!(stream, "0\r\n\r\n")
        }
        Said::Hangup => Ok(()),
    }
}

fn read(stream: &TcpStream) -> std::io::Result<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Asked { method, target, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
