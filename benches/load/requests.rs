//! Requests as bytes, with what their answers must be.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use watershed::clock;
use watershed::ingest::{parse_json, upsert};
use watershed::types::{Change, Command};
use watershed::wal::Batch;

use super::client::Connection;
use crate::support::{Start, Workload};

/// A request, and what its answer must be.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) request: Vec<u8>,
    pub(crate) status: u16,
    /// `None` where the length depends on the graph's version.
    pub(crate) body_bytes: Option<usize>,
}

/// Requests that are asked in turn.
pub(crate) type Asks = Arc<[Ask]>;

/// A GET, conditional where a tag is given.
pub(crate) fn get(path: &str, etag: Option<&str>) -> Vec<u8> {
    let condition = etag.map_or(String::new(), |etag| format!("if-none-match: {etag}\r\n"));
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\naccept: */*\r\n{condition}\r\n").into_bytes()
}

/// A key of role reader, made by the holder of an admin key.
pub(crate) async fn new_key(address: SocketAddr, admin_key: &str) -> Result<String> {
    let body = r#"{"name":"bench","role":"reader"}"#;
    let request = format!(
        "POST /api/v1/admin/api-keys HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {admin_key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = Connection::open(address).await?;
    let reply = connection.exchange(request.as_bytes()).await?;
    ensure!(reply.status == 201, "a key was refused with {}", reply.status);
    let answer: Value = serde_json::from_slice(&connection.body())?;
    Ok(answer["key"].as_str().context("an answer without a key")?.to_owned())
}

/// The same requests with a key.
pub(crate) fn with_key(asks: &Asks, key: &str) -> Asks {
    let line = format!("authorization: Bearer {key}\r\n");
    let keyed = |ask: &Ask| {
        let head_end =
            ask.request.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("it has a head") + 2;
        let mut request = ask.request.clone();
        request.splice(head_end..head_end, line.bytes());
        Ask { request, ..ask.clone() }
    };
    asks.iter().map(keyed).collect()
}

/// The first body of [`changes`] as the log keeps it: the bytes of its frame.
pub(crate) fn frame_bytes(workload: &Workload) -> Result<usize> {
    const FRAME_HEADER_BYTES: usize = 48;
    let body = workload.changes(clock::now()).next().context("the graph has no dependencies")?;
    let document = parse_json(body.as_bytes()).context("the report is no JSON")?;
    let upsert = upsert(&document, clock::now()).context("the report is not valid")?.upsert;
    let command = Command::new(clock::new_id(), clock::now(), Change::Upsert(upsert));
    Ok(FRAME_HEADER_BYTES + Batch::starting_at(1).push(&command)?)
}

/// A request without a body that changes something.
pub(crate) fn act(method: &str, path: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

fn post(body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST /api/v1/services/dependencies HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn path(start: &Start) -> String {
    format!("/api/v1/services/{}/dependencies?depth=3&direction=downstream", start.service_id)
}

/// Builds the graph in a server.
pub(crate) async fn fill(address: SocketAddr, workload: &Workload) -> Result<()> {
    fill_with(address, workload, None).await
}

/// The same in a server that wants a key.
pub(crate) async fn fill_with(address: SocketAddr, workload: &Workload, key: Option<&str>) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    for body in workload.batches(clock::now()) {
        let asks: Asks = [Ask { request: post(&body), status: 202, body_bytes: None }].into();
        let asks = key.map_or(Arc::clone(&asks), |key| with_key(&asks, key));
        let reply = connection.exchange(&asks[0].request).await?;
        let answer = String::from_utf8_lossy(&connection.body()).into_owned();
        ensure!(reply.status == 202, "a batch was refused with {}: {answer:.500}", reply.status);
    }
    Ok(())
}

/// The queries of all starts, once each has the answer that the generator computed.
pub(crate) async fn verified(address: SocketAddr, workload: &Workload) -> Result<Asks> {
    let mut connection = Connection::open(address).await?;
    for hub in &workload.hubs {
        connection.exchange(&get(&format!("/api/v1/services/{}", hub.service_id), None)).await?;
        let answer: Value = serde_json::from_slice(&connection.body())?;
        ensure!(answer["direct_callers"] == hub.callers, "{}: {answer}", hub.service_id);
    }
    let mut asks = Vec::new();
    for start in &workload.starts {
        let request = get(&path(start), None);
        let reply = connection.exchange(&request).await?;
        ensure!(reply.status == 200, "{} was answered with {}", start.service_id, reply.status);
        let answer: Value = serde_json::from_slice(&connection.body()).context("an answer is not JSON")?;
        let count = |list: &str| answer[list].as_array().map(Vec::len);
        let listed = (count("nodes"), count("edges"));
        ensure!(listed == (Some(start.nodes), Some(start.edges)), "{} lists {listed:?}", start.service_id);
        let statistics = &answer["statistics"];
        let agree = statistics["total_nodes"] == start.nodes && statistics["total_edges"] == start.edges;
        ensure!(agree, "{}: {statistics}", start.service_id);
        asks.push(Ask { request, status: 200, body_bytes: Some(reply.body_bytes) });
    }
    Ok(asks.into())
}

/// The same queries by a caller who has the answers already.
pub(crate) async fn conditional(address: SocketAddr, workload: &Workload) -> Result<Asks> {
    let mut connection = Connection::open(address).await?;
    let mut asks = Vec::new();
    for start in &workload.starts {
        connection.exchange(&get(&path(start), None)).await?;
        let etag = connection.header("etag").context("an answer has no tag")?;
        asks.push(Ask { request: get(&path(start), Some(etag)), status: 304, body_bytes: Some(0) });
    }
    Ok(asks.into())
}

/// Reports of ten dependencies that the graph has.
pub(crate) fn changes(workload: &Workload) -> Asks {
    let bodies = workload.changes(clock::now()).take(1_000);
    bodies.map(|body| Ask { request: post(&body), status: 202, body_bytes: None }).collect()
}

/// What the floor must answer to the same queries.
pub(crate) fn of_floor(asks: &Asks, body_bytes: usize) -> Asks {
    asks.iter()
        .map(|ask| Ask { request: ask.request.clone(), status: 200, body_bytes: Some(body_bytes) })
        .collect()
}

/// The same queries while the graph changes.
pub(crate) fn of_any_length(asks: &Asks) -> Asks {
    asks.iter().map(|ask| Ask { body_bytes: None, ..ask.clone() }).collect()
}
