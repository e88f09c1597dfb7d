//! Answers in gzip: for those who ask, of those that are long, and the same when unpacked.

use std::io::Read as _;

use crate::support::{Reply, Server, upsert};

const GZIP: (&str, &str) = ("accept-encoding", "gzip");

fn get(server: &Server, target: &str, headers: &[(&str, &str)]) -> Reply {
    server.request("GET", target, headers, &[])
}

fn unpacked(reply: &Reply) -> Vec<u8> {
    assert_eq!(reply.header("content-encoding"), Some("gzip"), "{:?}", reply.headers);
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&*reply.body).read_to_end(&mut bytes).unwrap();
    bytes
}

fn varies_by_encoding(reply: &Reply) -> bool {
    let varies = reply.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("vary"));
    varies.flat_map(|(_, value)| value.split(',')).any(|name| name.trim() == "Accept-Encoding")
}

/// A hub with so many callers.
fn with_hub(callers: u32) -> Server {
    let server = Server::start();
    let edges = (0..callers).map(|number| (format!("caller-{number:05}"), "hub".to_owned()));
    server.ingest(&upsert("manual").edges(edges));
    server
}

#[test]
fn whole_and_streamed_answers_unpack_to_what_they_are() {
    let server = with_hub(3_000);
    for target in [
        "/api/v1/services?limit=100",
        "/api/v1/services/hub/dependencies?max_nodes=50",
        "/api/v1/services/hub/dependencies",
        "/api/v1/services/hub/dependencies?format=dot",
        "/api/v1/services/hub/impact",
        "/api/v1/metrics",
    ] {
        let plain = get(&server, target, &[]);
        let packed = get(&server, target, &[GZIP]);
        assert_eq!((plain.status, plain.header("content-encoding")), (200, None), "{target}");
        assert!(varies_by_encoding(&plain) && varies_by_encoding(&packed), "{target}");
        assert!(packed.body.len() * 2 < plain.body.len(), "{target}");
        if target != "/api/v1/metrics" {
            assert!(unpacked(&packed) == plain.body, "{target}");
        }
    }
}

#[test]
fn short_answers_downloads_and_those_who_do_not_ask_get_the_bytes_as_they_are() {
    let server = with_hub(300);
    let cases: [(&str, &[(&str, &str)]); 6] = [
        ("/api/v1/health", &[GZIP]),
        ("/api/v1/services/hub", &[GZIP]),
        ("/api/v1/services?limit=100", &[]),
        ("/api/v1/services?limit=100", &[("accept-encoding", "br, deflate")]),
        ("/api/v1/services?limit=100", &[("accept-encoding", "gzip;q=0")]),
        ("/api/v1/services?limit=100", &[("accept-encoding", "identity, gzip;q=0.5")]),
    ];
    for (target, headers) in cases {
        let reply = get(&server, target, headers);
        assert_eq!((reply.status, reply.header("content-encoding")), (200, None), "{target} {headers:?}");
    }
    let snapshot = server.request("POST", "/api/v1/admin/snapshots", &[], &[]).json()["snapshot_id"].clone();
    let download = get(&server, &format!("/api/v1/admin/snapshots/{}", snapshot.as_str().unwrap()), &[GZIP]);
    assert_eq!((download.status, download.header("content-encoding")), (200, None));
}

#[test]
fn each_encoding_has_a_tag_of_its_own_and_either_is_known_again() {
    let server = with_hub(300);
    let target = "/api/v1/services/hub/dependencies";
    let [plain, packed] = [get(&server, target, &[]), get(&server, target, &[GZIP])];
    let [plain, packed] = [&plain, &packed].map(|reply| reply.header("etag").unwrap().to_owned());
    assert_ne!(plain, packed);
    for (tag, headers) in [(&plain, vec![]), (&packed, vec![GZIP]), (&plain, vec![GZIP])] {
        let headers = [&headers[..], &[("if-none-match", &**tag)]].concat();
        let reply = get(&server, target, &headers);
        assert_eq!((reply.status, reply.header("etag")), (304, Some(&**tag)));
        assert!(reply.body.is_empty() && reply.header("content-encoding").is_none());
    }
    server.ingest(&upsert("manual").edge("late", "hub"));
    assert_eq!(get(&server, target, &[GZIP, ("if-none-match", &packed)]).status, 200);
}
