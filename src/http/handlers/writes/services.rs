//! What somebody writes down or takes away: services, their SLO targets, single dependencies.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::http::request::Parts;

use super::{answer, change, done};
use crate::http::answer::{Answer, Content};
use crate::http::body::read_json;
use crate::http::caller::Caller;
use crate::http::problem::Problem;
use crate::http::query_string::{Parameters, decode};
use crate::http::state::App;
use crate::ingest::{self, Invalid, Json};
use crate::render;
use crate::types::{Change, DiscoverySource, NodeReport, Outcome, ServiceId, Withdrawal};

/// `PUT /api/v1/services/{service_id}`: 201 for a service that was unknown or a placeholder, else 200.
pub(in crate::http) async fn put_service(
    app: &Arc<App>,
    caller: Caller,
    head: &Parts,
    body: Incoming,
    encoded_id: &str,
) -> Result<Answer, Problem> {
    let id = decode(encoded_id)?.into_owned();
    let check = move |document: &Json<'_>| {
        let metadata = Some(ingest::registration(document)?);
        Ok(NodeReport { service_id: service_id(&id)?, metadata })
    };
    let (report, room) = read_json(app, &head.headers, body, check).await?;
    let service_id = report.service_id.clone();
    let committed = change(app, caller, Change::Register(report), room).await?;
    let graph = app.live()?.reader.load();
    let index = graph.find(service_id.as_str()).ok_or_else(Problem::unknown_service)?;
    let mut body = Vec::with_capacity(1024);
    render::service(&mut body, &graph, index);
    let is_new = matches!(committed.outcome, Outcome::Registered { is_new: true });
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Answer { version: Some(committed.version), ..Answer::new(status, Content::Whole(body.into())) })
}

/// `DELETE /api/v1/services/{service_id}`
pub(in crate::http) async fn delete_service(
    app: &Arc<App>,
    caller: Caller,
    encoded_id: &str,
) -> Result<Answer, Problem> {
    let service_id = known(&decode(encoded_id)?)?;
    let committed = change(app, caller, Change::RemoveService(service_id), None).await?;
    Ok(done(committed.version))
}

/// `PUT /api/v1/services/{service_id}/slo`
pub(in crate::http) async fn put_slo(
    app: &Arc<App>,
    caller: Caller,
    head: &Parts,
    body: Incoming,
    encoded_id: &str,
) -> Result<Answer, Problem> {
    let id = decode(encoded_id)?;
    let (percent, room) = read_json(app, &head.headers, body, ingest::availability_target).await?;
    let service_id = known(&id)?;
    let target = Change::SetAvailabilityTarget { service_id: service_id.clone(), percent };
    let committed = change(app, caller, target, room).await?;
    let mut body = Vec::with_capacity(128);
    render::availability_target(&mut body, &service_id, percent);
    Ok(answer(committed.version, body))
}

/// `DELETE /api/v1/services/{service_id}/dependencies/{target}`
pub(in crate::http) async fn delete_dependency(
    app: &Arc<App>,
    caller: Caller,
    head: &Parts,
    (encoded_source, encoded_target): (&str, &str),
) -> Result<Answer, Problem> {
    let (from, to) = (decode(encoded_source)?, decode(encoded_target)?);
    let parameters = Parameters::parse(head.uri.query())?;
    let source = parameters.name("source", DiscoverySource::NAMES, DiscoverySource::parse)?;
    let edges = vec![(known(&from)?, known(&to)?)];
    let committed = change(app, caller, Change::Withdraw(Withdrawal { source, edges }), None).await?;
    Ok(done(committed.version))
}

fn service_id(text: &str) -> Result<ServiceId, Invalid> {
    ServiceId::parse(text).map_err(|error| Invalid::new("service_id", Some(text), error.to_string()))
}

/// The id of a service that is to be there: a text that is no id is none of any.
fn known(text: &str) -> Result<ServiceId, Problem> {
    ServiceId::parse(text).map_err(|_| Problem::unknown_service())
}
