//! What has been done to servers over HTTP/2 (CVE-2023-44487 and its kin), in frames made by hand.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::Server;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `GET http://a/api/v1/health` in HPACK: two indexed fields and two literals.
const GET_HEALTH: &[u8] = b"\x82\x86\x41\x01a\x44\x0e/api/v1/health";
/// `POST http://a/api/v1/services/dependencies`.
const POST_REPORT: &[u8] = b"\x83\x86\x41\x01a\x44\x1d/api/v1/services/dependencies";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A connection after the preface.
fn open(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    stream
}

/// What came of a flood.
struct Poured {
    pieces: usize,
    /// Whether the server said that it will hear no more of this connection.
    is_ended: bool,
}

/// Sends pieces until the server says goodbye, or they are all sent.
fn pour(stream: &mut TcpStream, pieces: impl Iterator<Item = Vec<u8>>) -> Poured {
    let (mut taken, mut reader, is_ended) = (0, stream.try_clone().unwrap(), AtomicBool::new(false));
    // What it says is taken in beside, so that it never waits for us.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut head = [0; 9];
            while reader.read_exact(&mut head).is_ok() {
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
                if head[3] == GOAWAY {
                    is_ended.store(true, Ordering::Relaxed);
                }
                let mut payload = vec![0; length as usize];
                if reader.read_exact(&mut payload).is_err() {
                    break;
                }
            }
        });
        for piece in pieces {
            if is_ended.load(Ordering::Relaxed) || stream.write_all(&piece).is_err() {
                break;
            }
            taken += 1;
        }
        let _ = stream.shutdown(Shutdown::Both);
    });
    Poured { pieces: taken, is_ended: is_ended.into_inner() }
}

/// All of them, one after the other, each on a connection of its own.
pub(super) fn floods(server: &Server, factor: usize) -> usize {
    let before = server.memory_kib();
    let streams = || (0..).map(|number: u32| number * 2 + 1);
    let most = 100_000 * factor;
    // Opened and reset at once.
    let rapid = streams().take(most).map(|id| {
        let mut pair = frame(HEADERS, END_HEADERS | END_STREAM, id, GET_HEALTH);
        pair.extend(frame(RST_STREAM, 0, id, &8_u32.to_be_bytes()));
        pair
    });
    let resets = pour(&mut open(server), rapid);
    assert!(resets.is_ended && resets.pieces < most / 2, "{} streams opened and reset", resets.pieces);
    // A head that never ends.
    let endless = [frame(HEADERS, END_STREAM, 1, GET_HEALTH)].into_iter();
    let endless =
        endless.chain((0..most).map(|_| frame(CONTINUATION, 0, 1, &[0x40, 1, b'x', 1, b'y'].repeat(200))));
    let continuations = pour(&mut open(server), endless);
    assert!(
        continuations.is_ended && continuations.pieces < most / 2,
        "{} pieces of one head",
        continuations.pieces
    );
    // Data that is none.
    let empty = [frame(HEADERS, END_HEADERS, 1, POST_REPORT)].into_iter();
    let datas = pour(&mut open(server), empty.chain((0..most).map(|_| frame(DATA, 0, 1, &[]))));
    // Questions that need no answer but get one.
    let pings = pour(&mut open(server), (0..most).map(|_| frame(PING, 0, 0, &[7; 8])));
    let settings = pour(&mut open(server), (0..most).map(|_| frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])));
    // More requests at once than are allowed, none of which ends.
    let many = streams().take(5_000).map(|id| frame(HEADERS, END_HEADERS, id, POST_REPORT));
    let open_streams = pour(&mut open(server), many);
    let grown = server.memory_kib().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB more");
    [resets, continuations, datas, pings, settings, open_streams].iter().map(|poured| poured.pieces).sum()
}
