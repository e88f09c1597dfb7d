//! Clients that hold on: resting, slow to ask, slow to send, slow to read.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::watch::pause;
use crate::support::{Connection, Server, request_bytes};

/// Open files that this process may have, less some for everything else.
fn room() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace()
        .nth(3)
        .and_then(|number| number.parse::<usize>().ok())
        .unwrap_or(1024)
        .saturating_sub(200)
}

fn grown_kib(server: &Server, before: u64) -> u64 {
    server.memory_kib().saturating_sub(before)
}

/// Connections up to the limit that rest after a request each; those above it are closed at once.
pub(super) fn idle(server: &Server, _factor: usize) -> usize {
    let (count, before) = (2_900.min(room()), server.memory_kib());
    let mut resting = Vec::new();
    for _ in 0..count {
        let mut connection = server.connect();
        assert_eq!(connection.exchange("GET", "/api/v1/health", &[], &[]).unwrap().status, 200);
        resting.push(connection);
    }
    let grown = grown_kib(server, before);
    assert!(grown < 26 * count as u64, "{grown} KiB for {count} connections: more than 256 MiB for 10,000");
    if count == 2_900 {
        let more: Vec<_> = (0..150).filter_map(|_| Connection::open(server.address()).ok()).collect();
        let closed = more.into_iter().filter_map(|mut connection| connection.closed().then_some(())).count();
        assert!((30..=150).contains(&closed), "{closed} of 150 above the limit were closed");
    }
    let still_there = resting.iter_mut().take(50);
    for connection in still_there {
        assert_eq!(connection.exchange("GET", "/api/v1/health", &[], &[]).unwrap().status, 200);
    }
    count
}

/// A byte of a head now and then: closed when the time for a head is over.
pub(super) fn slow_heads(server: &Server, factor: usize) -> usize {
    let count = (500 * factor).min(room() / 2);
    let begun = Instant::now();
    let mut slow: Vec<TcpStream> =
        (0..count).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    let head = b"GET /api/v1/health HTTP/1.1\r\nhost: a\r\nx-slow: yes\r\n\r\n";
    for byte in head.iter().take(3) {
        for stream in &mut slow {
            // The last of them may be over the limit already.
            let _ = stream.write_all(&[*byte]);
        }
        pause(Duration::from_millis(300));
    }
    for mut stream in slow {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"),
            "{:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    let took = begun.elapsed();
    assert!(
        took > Duration::from_secs(2) && took < Duration::from_secs(5),
        "closed after {took:?}, not 2 s ± 2 s"
    );
    count
}

/// A byte of a body now and then: 408 when the time for a body is over.
pub(super) fn slow_bodies(server: &Server, factor: usize) -> usize {
    let count = (200 * factor).min(room() / 2);
    let begun = Instant::now();
    let mut slow: Vec<Connection> = (0..count).map(|_| server.connect()).collect();
    let body = vec![b' '; 1_000];
    let request = request_bytes("POST", "/api/v1/services/dependencies", &[], &body);
    let head = request.len() - body.len();
    for connection in &mut slow {
        connection.write(&request[..=head]).unwrap();
    }
    for _ in 0..4 {
        pause(Duration::from_millis(300));
        for connection in &mut slow {
            let _ = connection.write(b" ");
        }
    }
    for connection in &mut slow {
        assert_eq!(connection.reply("POST").unwrap().status, 408);
    }
    let took = begun.elapsed();
    assert!(
        took > Duration::from_secs(3) && took < Duration::from_secs(6),
        "answered after {took:?}, not 3 s"
    );
    count
}

/// Long answers that nobody takes: given up when a piece is not taken in time, and never held whole.
pub(super) fn slow_readers(server: &Server, factor: usize) -> usize {
    let (count, before) = ((40 * factor).min(room() / 2), server.memory_kib());
    let begun = Instant::now();
    let target = "/api/v1/services/hub/dependencies?max_nodes=30000&direction=upstream";
    let mut slow: Vec<Connection> = (0..count).map(|_| server.connect()).collect();
    for connection in &mut slow {
        connection.send("GET", target, &[], &[]).unwrap();
    }
    pause(Duration::from_secs(4));
    let grown = grown_kib(server, before);
    assert!(grown < 4 * 1024 * count as u64, "{grown} KiB for {count} answers of 10 MB each");
    let mut cut_off = 0;
    for connection in &mut slow {
        connection.socket().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        cut_off += usize::from(connection.reply("GET").is_err());
    }
    assert_eq!(cut_off, count, "of those who took nothing for longer than the time-out");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    count
}
