//! Reads of the graph.
//!
//! Each loads the published graph once. Its parameters are checked first, then the service is looked
//! up, then a conditional read may end it, and only then is work done.

mod alerts;
mod audit;
mod critical;
mod dependencies;
mod divergence;
mod impact;
mod paths;
mod services;
mod slo;
mod stats;

pub(in crate::http) use alerts::{alert, alerts};
pub(in crate::http) use audit::audit;
pub(in crate::http) use critical::critical;
pub(in crate::http) use dependencies::dependencies;
pub(in crate::http) use divergence::divergence;
pub(in crate::http) use impact::{impact, joint_impact};
pub(in crate::http) use paths::paths;
pub(in crate::http) use services::{service, services};
pub(in crate::http) use slo::analyse_slo;
pub(in crate::http) use stats::stats;

pub(super) use alerts::alert_id;

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use uuid::Uuid;

use crate::graph::Graph;
use crate::http::answer::{Answer, Content};
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::http::tag::{self, Condition};
use crate::json;

/// A graph for the length of a request, and how its answers are tagged.
struct Loaded {
    graph: Arc<Graph>,
    etag: HeaderValue,
}

/// [`load_as`] for answers in JSON.
fn load(app: &App, head: &Parts) -> Result<Loaded, Problem> {
    load_as(app, head, "json")
}

/// The tag of an answer: the data directory, the version, and the representation, which is what was
/// asked for in the format, and the form of it, in which this release writes it.
fn load_as(app: &App, head: &Parts, format: &str) -> Result<Loaded, Problem> {
    let reader = &app.live()?.reader;
    let graph = reader.load();
    let asked = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
    let representation = crc32c::crc32c(asked.as_bytes());
    let mut etag = Vec::with_capacity(80);
    // Pushed, not formatted: this is on the path of every 304.
    etag.push(b'"');
    etag.extend_from_slice(
        reader.directory_id().simple().encode_lower(&mut Uuid::encode_buffer()).as_bytes(),
    );
    etag.push(b'-');
    json::push_integer(&mut etag, graph.version());
    etag.push(b'-');
    etag.extend_from_slice(format.as_bytes());
    etag.extend_from_slice(b"2-");
    json::push_integer(&mut etag, representation);
    etag.push(b'"');
    let etag = HeaderValue::from_maybe_shared(etag).expect("digits and letters");
    Ok(Loaded { graph, etag })
}

impl Loaded {
    /// A 304 when the caller has this representation already.
    fn not_modified(&self, app: &App, head: &Parts) -> Option<Answer> {
        let condition = tag::condition(&head.headers, &self.etag);
        app.metrics.work.condition(condition);
        let is_held = matches!(condition, Condition::Holds(_));
        let answer = || self.answer(StatusCode::NOT_MODIFIED, Content::Empty);
        is_held.then(|| answer().tagged(self.etag.clone(), condition))
    }

    fn answer(&self, status: StatusCode, content: Content) -> Answer {
        let (version, etag) = (Some(self.graph.version()), Some(self.etag.clone()));
        Answer { version, etag, ..Answer::new(status, content) }
    }

    fn find(&self, service_id: &str) -> Result<u32, Problem> {
        self.graph.find(service_id).ok_or_else(Problem::unknown_service)
    }
}
