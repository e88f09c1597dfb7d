//! TLS 1.3: who is let in, what is negotiated, how a certificate is replaced, and what stops a start.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustls::version::TLS13;

use crate::support::tls::{Certificate, connect, get};
use crate::support::{Server, command, eventually, refused, run};

/// A server with a certificate; readiness is asked under TLS, so the usual start does not do.
fn start(certificate: &Certificate, directory: &Path, more: &[(&str, &str)]) -> Server {
    let [chain, key] = certificate.write(directory);
    let files = [("TLS_CERT_FILE", chain.to_str().unwrap()), ("TLS_KEY_FILE", key.to_str().unwrap())];
    let server = Server::start_unready(&[&files, more].concat(), &["--sample", "online-boutique"]);
    eventually("the server is ready", || {
        let mut stream = connect(server.address(), certificate, &[&TLS13], &[]).ok()?;
        get(&mut stream, "/api/v1/health/ready").ok().filter(|answer| answer.starts_with("HTTP/1.1 200"))
    });
    server
}

/// What a client says first that knows nothing newer (RFC 5246 §7.4.1.2).
fn hello_of_tls_1_2() -> Vec<u8> {
    let groups = [0, 10, 0, 4, 0, 2, 0, 23];
    let signatures = [0, 13, 0, 6, 0, 4, 4, 3, 8, 4];
    let extensions = [&groups[..], &signatures[..]].concat();
    let mut hello = vec![3, 3];
    hello.extend_from_slice(&[7; 32]);
    // No session, ECDHE with AES-128-GCM by ECDSA or RSA, no compression.
    hello.extend_from_slice(&[0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0, 0, extensions.len() as u8]);
    hello.extend_from_slice(&extensions);
    let handshake = [&[1, 0, 0, hello.len() as u8], &hello[..]].concat();
    [&[22, 3, 1, 0, handshake.len() as u8], &handshake[..]].concat()
}

fn signal(server: &Server, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &server.process().to_string()]).status();
    assert!(status.unwrap().success());
}

#[test]
fn tls_1_3_is_spoken_and_nothing_older() {
    let (certificate, directory) = (Certificate::new(), tempfile::tempdir().unwrap());
    let server = start(&certificate, directory.path(), &[]);
    let mut stream = connect(server.address(), &certificate, &[&TLS13], &[]).unwrap();
    let answer = get(&mut stream, "/api/v1/services/frontend").unwrap();
    let head = answer.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200") && answer.contains("\"service_id\":\"frontend\""), "{answer}");
    assert!(head.contains("\r\nstrict-transport-security: max-age=31536000"), "{head}");
    assert!(head.contains("\r\nx-content-type-options: nosniff"), "{head}");
    let mut old = TcpStream::connect(server.address()).unwrap();
    old.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    old.write_all(&hello_of_tls_1_2()).unwrap();
    let mut alert = [0; 7];
    old.read_exact(&mut alert).unwrap();
    assert_eq!((alert[0], alert[5], alert[6]), (21, 2, 70), "a fatal alert: protocol_version");
    connect(server.address(), &Certificate::new(), &[&TLS13], &[]).map(drop).unwrap_err();
}

#[test]
fn alpn_says_which_http_it_is() {
    let (certificate, directory) = (Certificate::new(), tempfile::tempdir().unwrap());
    let server = start(&certificate, directory.path(), &[]);
    let chosen = |alpn: &[&[u8]]| {
        let stream = connect(server.address(), &certificate, &[&TLS13], alpn)?;
        Ok::<_, std::io::Error>(stream.conn.alpn_protocol().map(<[u8]>::to_vec))
    };
    assert_eq!(chosen(&[b"h2", b"http/1.1"]).unwrap(), Some(b"h2".to_vec()));
    assert_eq!(chosen(&[b"http/1.1"]).unwrap(), Some(b"http/1.1".to_vec()));
    assert_eq!(chosen(&[]).unwrap(), None);
    chosen(&[b"smtp"]).unwrap_err();
    // What follows is HTTP/2: a server begins with its settings, without being asked.
    let mut stream = connect(server.address(), &certificate, &[&TLS13], &[b"h2"]).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4, "a SETTINGS frame: {frame:?}");
}

#[test]
fn a_certificate_is_replaced_on_sighup_and_a_bad_one_is_not_taken() {
    let (first, second, directory) = (Certificate::new(), Certificate::new(), tempfile::tempdir().unwrap());
    let server = start(&first, directory.path(), &[]);
    let mut old = connect(server.address(), &first, &[&TLS13], &[]).unwrap();
    second.write(directory.path());
    signal(&server, "HUP");
    eventually("the new certificate is shown", || connect(server.address(), &second, &[&TLS13], &[]).ok());
    assert!(get(&mut old, "/api/v1/health").unwrap().starts_with("HTTP/1.1 200"), "open connections go on");
    std::fs::write(directory.path().join("key.pem"), &first.key).unwrap();
    signal(&server, "HUP");
    server.log_line("it is said", |line| {
        line["level"] == "ERROR" && line["error"].as_str().is_some_and(|text| text.contains("TLS_KEY_FILE"))
    });
    let mut stream = connect(server.address(), &second, &[&TLS13], &[]).unwrap();
    assert!(get(&mut stream, "/api/v1/health").unwrap().starts_with("HTTP/1.1 200"));
}

#[test]
fn sighup_without_a_certificate_ends_nothing() {
    let server = Server::start();
    signal(&server, "HUP");
    server.log_line("it is said", |line| {
        line["message"].as_str().is_some_and(|text| text.starts_with("SIGHUP"))
    });
    let reply = server.get("/api/v1/health");
    assert_eq!((reply.status, reply.header("strict-transport-security")), (200, None));
}

#[test]
fn who_does_not_speak_tls_is_sent_away_in_time() {
    let (certificate, directory) = (Certificate::new(), tempfile::tempdir().unwrap());
    let server = start(&certificate, directory.path(), &[("HEADER_TIMEOUT_SECONDS", "1")]);
    let mut plain = server.connect();
    plain.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    assert!(plain.head().is_err(), "no answer in the clear");
    let begun = Instant::now();
    let mut silent = TcpStream::connect(server.address()).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert_eq!(silent.read(&mut [0; 16]).unwrap(), 0);
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(900) && took < Duration::from_secs(3), "{took:?}");
    let mut stream = connect(server.address(), &certificate, &[&TLS13], &[]).unwrap();
    assert!(get(&mut stream, "/api/v1/health").unwrap().starts_with("HTTP/1.1 200"));
}

#[test]
fn a_drain_ends_connections_under_tls() {
    let (certificate, directory) = (Certificate::new(), tempfile::tempdir().unwrap());
    let mut server = start(&certificate, directory.path(), &[("SHUTDOWN_GRACE_SECONDS", "20")]);
    let mut resting = connect(server.address(), &certificate, &[&TLS13], &[]).unwrap();
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let ended = resting.read(&mut [0; 16]);
    assert!(matches!(ended, Ok(0)) || ended.is_err());
}

#[test]
fn files_that_do_not_do_stop_the_start() {
    let (one, other, directory) = (Certificate::new(), Certificate::new(), tempfile::tempdir().unwrap());
    let [chain, key] = one.write(directory.path());
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let foreign = directory.path().join("foreign.pem");
    std::fs::write(&foreign, &other.key).unwrap();
    let missing = directory.path().join("missing.pem");
    let cases: [(&Path, &Path, &str); 6] = [
        (&missing, &key, "TLS_CERT_FILE is "),
        (&empty, &key, "TLS_CERT_FILE is "),
        (&key, &key, "TLS_CERT_FILE is "),
        (&chain, &missing, "TLS_KEY_FILE is "),
        (&chain, &empty, "TLS_KEY_FILE is "),
        (&chain, &foreign, "TLS_KEY_FILE is "),
    ];
    for (chain, key, expected) in cases {
        let settings = [("TLS_CERT_FILE", chain.to_str().unwrap()), ("TLS_KEY_FILE", key.to_str().unwrap())];
        let finished = refused(&directory.path().join("data"), &settings);
        assert_eq!((finished.code, finished.stderr.lines().count()), (Some(2), 1), "{}", finished.stderr);
        assert!(finished.stderr.contains(expected), "{}", finished.stderr);
        assert!(!finished.stderr.contains("PRIVATE KEY"), "{}", finished.stderr);
    }
}

#[test]
fn the_commands_speak_it_to_a_server_that_they_trust() {
    let (certificate, directory) = (Certificate::new(), tempfile::tempdir().unwrap());
    let server = start(&certificate, directory.path(), &[]);
    let ask = |host: &str, trusted: &Path| {
        let mut ask = command(["deps", "frontend", "--format", "json"]);
        ask.env("WATERSHED_URL", format!("https://{host}:{}", server.address().port()));
        run(ask.env("SSL_CERT_FILE", trusted))
    };
    let chain = directory.path().join("chain.pem");
    let answer = ask("localhost", &chain);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stdout.contains("redis-cart"), "{answer:?}");
    // Somebody else's certificate, one for another name, and no authorities at all.
    let other = Certificate::new().write(tempfile::tempdir_in(&directory).unwrap().keep().as_path());
    let none = directory.path().join("none.pem");
    std::fs::write(&none, "").unwrap();
    for (host, trusted, expected) in [
        ("localhost", &other[0], "invalid peer certificate"),
        ("127.0.0.1", &chain, "invalid peer certificate"),
        ("localhost", &none, "no root certificates"),
    ] {
        let answer = ask(host, trusted);
        assert_eq!((answer.code, answer.stdout.as_str()), (Some(1), ""), "{answer:?}");
        assert!(answer.stderr.contains(expected) && answer.stderr.contains("SSL_CERT_FILE"), "{answer:?}");
        assert_eq!(answer.stderr.lines().count(), 1, "{answer:?}");
    }
}
