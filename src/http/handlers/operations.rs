//! Health, readiness, metrics and the entry point.

use hyper::StatusCode;
use serde_json::json;

use crate::clock;
use crate::http::answer::{Answer, Content};
use crate::http::limit::RedisState;
use crate::http::metrics::CONTENT_TYPE;
use crate::http::state::App;
use crate::writer::Health;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Name, version and where to go on.
pub(in crate::http) fn index() -> Answer {
    let body = json!({
        "name": "watershed",
        "version": VERSION,
        "links": {
            "services": "/api/v1/services",
            "health": "/api/v1/health",
            "ready": "/api/v1/health/ready",
            "metrics": "/api/v1/metrics",
            "snapshots": "/api/v1/admin/snapshots",
            "documentation": "/docs",
            "openapi": "/openapi.json",
        },
    });
    Answer::json(body.to_string().into_bytes())
}

/// Healthy while the process lives.
pub(in crate::http) fn health() -> Answer {
    let body = json!({"status": "healthy", "service": "watershed", "version": VERSION});
    Answer::json(body.to_string().into_bytes())
}

/// Whether queries are answered and writes are taken.
pub(in crate::http) fn ready(app: &App) -> Answer {
    let database = match app.live_if_ready().map(|live| live.reader.health()) {
        None => "replaying",
        Some(Health::Healthy) => "healthy",
        Some(Health::Full) => "full",
        Some(Health::Blocked) => "blocked",
        Some(Health::Failed) => "failed",
    };
    let is_ready = database == "healthy" && !app.is_draining();
    let status = if is_ready { "ready" } else { "not_ready" };
    let mut checks =
        json!({"database": database, "server": if app.is_draining() { "draining" } else { "healthy" }});
    // Without Redis each server limits for itself: a reason to look, none to send requests elsewhere.
    match app.limiter.redis() {
        Some(RedisState::Shared) => checks["redis"] = "healthy".into(),
        Some(RedisState::Local) => checks["redis"] = "unavailable".into(),
        None => {}
    }
    // The same for a source that does not answer: what it said before is still the best that is known.
    for source in app.live_if_ready().map(|live| live.discovery.statuses()).unwrap_or_default() {
        let last = source.last_run.as_ref().map_or("pending", |run| run.outcome.as_str());
        checks[source.source.as_str()] = last.into();
    }
    // And for a copy that is behind: reports are old, answers are not.
    if let Some(exports) = app.live_if_ready().and_then(|live| live.exports.as_ref()) {
        let standing = exports.standing();
        checks["postgres_export"] = match (standing.failure(), standing.exported) {
            (Some(_), _) => "failing".into(),
            (None, Some(_)) => "healthy".into(),
            (None, None) => "pending".into(),
        };
    }
    let body = json!({"status": status, "checks": checks});
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Answer::new(status, Content::Whole(body.to_string().into()))
}

/// The figures for a scrape; there while the log is replayed, too.
pub(in crate::http) fn metrics(app: &App) -> Answer {
    app.metrics.work.follow_door(app.limiter.redis() == Some(RedisState::Shared), app.auth.lookups());
    let live = app.live_if_ready();
    let sources = live.map(|live| live.discovery.statuses()).unwrap_or_default();
    let exports = live.and_then(|live| live.exports.as_ref());
    let text = app.metrics.text(live.map(|live| &live.reader), &sources, exports, clock::now());
    Answer { content_type: CONTENT_TYPE, ..Answer::json(text.into_bytes()) }
}
