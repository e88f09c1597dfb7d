//! Snapshots over HTTP: taken, listed, downloaded, verified, removed.
//!
//! The thread of the snapshots does one thing at a time; a request waits for its reply, off no thread.
//! Bodies of requests are not looked at.

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::http::answer::{Answer, Content};
use crate::http::download::Download;
use crate::http::problem::Problem;
use crate::http::query_string::decode;
use crate::http::state::App;
use crate::writer::{SnapshotEntry, SnapshotError, SnapshotReply, Snapshots};

/// `POST /api/v1/admin/snapshots`
pub(in crate::http) async fn create_snapshot(app: &App) -> Result<Answer, Problem> {
    let entry = ask(app, Snapshots::create).await?;
    Ok(Answer { status: StatusCode::CREATED, ..json_answer(&item(&entry)) })
}

/// `GET /api/v1/admin/snapshots`
pub(in crate::http) async fn snapshots(app: &App) -> Result<Answer, Problem> {
    let entries = ask(app, Snapshots::list).await?;
    let items: Vec<Value> = entries.iter().map(item).collect();
    Ok(json_answer(&json!({"items": items, "next_cursor": null})))
}

/// `GET /api/v1/admin/snapshots/{snapshot_id}`: the file as it is.
pub(in crate::http) async fn snapshot(app: &App, encoded_id: &str) -> Result<Answer, Problem> {
    let id = snapshot_id(encoded_id)?;
    let turn = Arc::clone(&app.downloads)
        .try_acquire_owned()
        .map_err(|_| Problem::unavailable("too many snapshots are being downloaded; try again", 1))?;
    let (entry, file) = ask(app, |snapshots, reply| snapshots.open(id, reply)).await?;
    let download = Download::new(file, entry.bytes, turn);
    Ok(Answer {
        content_type: "application/octet-stream",
        file_name: Some(entry.file_name().as_str().to_owned()),
        ..Answer::new(StatusCode::OK, Content::Download(download))
    })
}

/// `POST /api/v1/admin/snapshots/{snapshot_id}/verify`
pub(in crate::http) async fn verify_snapshot(app: &App, encoded_id: &str) -> Result<Answer, Problem> {
    let id = snapshot_id(encoded_id)?;
    let (entry, fault) = ask(app, |snapshots, reply| snapshots.verify(id, reply)).await?;
    let mut body = json!({
        "snapshot_id": entry.id.to_string(),
        "version": entry.version,
        "valid": fault.is_none(),
    });
    if let Some(fault) = fault {
        body["error"] = fault.into();
    }
    Ok(json_answer(&body))
}

/// `DELETE /api/v1/admin/snapshots/{snapshot_id}`
pub(in crate::http) async fn delete_snapshot(app: &App, encoded_id: &str) -> Result<Answer, Problem> {
    let id = snapshot_id(encoded_id)?;
    ask(app, |snapshots, reply| snapshots.delete(id, reply)).await?;
    Ok(Answer::new(StatusCode::NO_CONTENT, Content::Empty))
}

/// Asks the thread of the snapshots and waits for what it says.
async fn ask<T: Send + 'static>(
    app: &App,
    submit: impl FnOnce(&Snapshots, SnapshotReply<T>) -> Result<(), SnapshotError>,
) -> Result<T, Problem> {
    let (reply, answer) = oneshot::channel();
    // The caller may have gone away by the time the reply comes.
    submit(&app.live()?.snapshots, Box::new(move |result| drop(reply.send(result))))?;
    // A thread that has ended took the reply with it.
    Ok(answer.await.unwrap_or(Err(SnapshotError::Stopped))?)
}

/// Only the usual form of a UUID names a snapshot.
fn snapshot_id(encoded: &str) -> Result<Uuid, Problem> {
    const HYPHENATED_BYTES: usize = 36;
    let text = decode(encoded)?;
    let id = if text.len() == HYPHENATED_BYTES { Uuid::try_parse(&text).ok() } else { None };
    Ok(id.ok_or(SnapshotError::Unknown)?)
}

fn item(entry: &SnapshotEntry) -> Value {
    json!({
        "snapshot_id": entry.id.to_string(),
        "version": entry.version,
        "bytes": entry.bytes,
        "nodes": entry.services,
        "edges": entry.dependencies,
        "duration_ms": entry.duration_ms,
        "created_at": entry.created_at.to_string(),
    })
}

fn json_answer(body: &Value) -> Answer {
    Answer::json(body.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uuids_name_snapshots() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let named = Uuid::try_parse(id).unwrap();
        for text in [id, &id.to_uppercase(), &id.replace('-', "%2D")] {
            assert_eq!(snapshot_id(text), Ok(named), "{text}");
        }
        let simple = named.simple().to_string();
        let braced = format!("{{{id}}}");
        let urn = format!("urn:uuid:{id}");
        let file = format!("snap-0000000000000001-{simple}");
        for text in [&simple, &braced, &urn, &file, "x", "..", "..%2Fmanifest", "%00", &id[1..]] {
            let problem = snapshot_id(text).unwrap_err();
            assert_eq!(problem.status, StatusCode::NOT_FOUND, "{text}");
        }
        assert_eq!(snapshot_id("%ff").unwrap_err().status, StatusCode::BAD_REQUEST);
    }
}
