//! Requests as bytes, with what their answers must be.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use watershed::clock;
use watershed::ingest::{parse_json, upsert};
use watershed::types::{Change, Command};
use watershed::wal::Batch;

use super::client::Connection;
use crate::support::{Hub, Start, Workload};

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

/// A GET.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\naccept: */*\r\n\r\n").into_bytes()
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
    asks.iter().map(|ask| Ask { request: with_line(&ask.request, &line), ..ask.clone() }).collect()
}

/// A request with one more line in its head, in the place of an `accept` where it is one.
fn with_line(request: &[u8], line: &str) -> Vec<u8> {
    let end = request.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("it has a head") + 2;
    let mut head = request[..end].to_vec();
    if line.starts_with("accept:") {
        let text = std::str::from_utf8(&head).expect("a head is text");
        head = text
            .split_inclusive("\r\n")
            .filter(|line| !line.starts_with("accept:"))
            .collect::<String>()
            .into();
    }
    [&head, line.as_bytes(), &request[end..]].concat()
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

/// A report.
pub(crate) fn post(body: &str) -> Vec<u8> {
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

/// The queries of all starts.
pub(crate) fn starts(workload: &Workload) -> Asks {
    let ask = |start: &Start| Ask { request: get(&path(start)), status: 200, body_bytes: None };
    workload.starts.iter().map(ask).collect()
}

/// The same with a key, once each has the answer that the generator computed.
pub(crate) async fn verified(address: SocketAddr, workload: &Workload, key: &str) -> Result<Asks> {
    let mut connection = Connection::open(address).await?;
    let line = format!("authorization: Bearer {key}\r\n");
    for hub in &workload.hubs {
        let request = get(&format!("/api/v1/services/{}", hub.service_id));
        connection.exchange(&with_line(&request, &line)).await?;
        let answer: Value = serde_json::from_slice(&connection.body())?;
        ensure!(answer["direct_callers"] == hub.callers, "{}: {answer}", hub.service_id);
    }
    let mut asks = Vec::new();
    for start in &workload.starts {
        let request = with_line(&get(&path(start)), &line);
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
pub(crate) async fn conditional(address: SocketAddr, asks: &Asks) -> Result<Asks> {
    let mut connection = Connection::open(address).await?;
    let mut conditional = Vec::new();
    for ask in asks.iter() {
        connection.exchange(&ask.request).await?;
        let etag = connection.header("etag").context("an answer has no tag")?;
        let request = with_line(&ask.request, &format!("if-none-match: {etag}\r\n"));
        conditional.push(Ask { request, status: 304, body_bytes: Some(0) });
    }
    Ok(conditional.into())
}

/// How long their answers are on average, as far as that is known.
pub(crate) fn mean_bytes(asks: &Asks) -> usize {
    asks.iter().filter_map(|ask| ask.body_bytes).sum::<usize>() / asks.len().max(1)
}

/// So many variants of each query, all with the same answer, that were never asked in another round.
pub(crate) fn never_asked(asks: &Asks, variants: usize, round: usize) -> Asks {
    const AT_LEAST: usize = 10_000;
    let variant = |variant: usize, ask: &Ask| {
        let target = format!("&max_nodes={} HTTP/1.1\r\n", AT_LEAST + (round * variants + variant) % 900_000);
        let end = ask.request.windows(11).position(|bytes| bytes == b" HTTP/1.1\r\n").expect("it has a line");
        let mut request = ask.request.clone();
        request.splice(end..end + 11, target.into_bytes());
        Ask { request, ..ask.clone() }
    };
    (0..variants).flat_map(|number| asks.iter().map(move |ask| variant(number, ask))).collect()
}

/// Variants of each query that are each other's reason not to be kept: an answer is kept for one `Accept` at a time.
pub(crate) fn never_kept(asks: &Asks) -> Asks {
    let variant = |variant: usize, ask: &Ask| Ask {
        request: with_line(&ask.request, &format!("accept: application/json;n={variant}\r\n")),
        ..ask.clone()
    };
    (0..100).flat_map(|number| asks.iter().map(move |ask| variant(number, ask))).collect()
}

/// Three hops upstream of the services with most callers.
pub(crate) fn upstream(workload: &Workload, view: &str) -> Asks {
    let ask = |hub: &Hub| {
        let path = format!(
            "/api/v1/services/{}/dependencies?depth=3&direction=upstream&max_nodes=1000000&view={view}",
            hub.service_id
        );
        Ask { request: get(&path), status: 200, body_bytes: None }
    };
    workload.hubs.iter().map(ask).collect()
}

/// The same queries with the lengths of their answers.
pub(crate) async fn measured(address: SocketAddr, asks: &Asks) -> Result<Asks> {
    let mut connection = Connection::open(address).await?;
    let mut measured = Vec::new();
    for ask in asks.iter() {
        let reply = connection.exchange(&ask.request).await?;
        ensure!(reply.status == ask.status, "a query was answered with {}", reply.status);
        measured.push(Ask { body_bytes: Some(reply.body_bytes), ..ask.clone() });
    }
    Ok(measured.into())
}

/// Sends a file as a stream and returns the last line of the answer. Blocks.
pub(crate) fn import(address: SocketAddr, file: &Path) -> Result<Value> {
    let mut file = File::open(file)?;
    let length = file.metadata()?.len();
    let stream = TcpStream::connect(address)?;
    let (mut writer, mut reader) = (stream.try_clone()?, stream);
    let head = format!(
        "POST /api/v1/graph/import HTTP/1.1\r\nhost: bench\r\ncontent-type: application/x-ndjson\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    // Progress comes while it is sent, and would fill the pipe if nobody took it.
    let answer = thread::spawn(move || {
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).map(|_| answer)
    });
    writer.write_all(head.as_bytes())?;
    io::copy(&mut file, &mut writer)?;
    let answer = answer.join().map_err(|_| anyhow::anyhow!("the reader broke down"))??;
    let answer = String::from_utf8(answer).context("the answer is no text")?;
    let mut lines = answer.lines().filter(|line| line.starts_with('{'));
    let last = lines.next_back().with_context(|| format!("the import was answered with {answer:.300}"))?;
    serde_json::from_str(last).with_context(|| format!("the import ended with {last:.300}"))
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
