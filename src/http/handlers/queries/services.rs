//! Services, alone and in pages.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;

use super::load;
use crate::http::answer::{Answer, Content};
use crate::http::cursor;
use crate::http::problem::Problem;
use crate::http::query_string::{Parameters, decode, decode_form};
use crate::http::state::App;
use crate::ingest::Invalid;
use crate::query::{ServiceFilter, list};
use crate::types::{Criticality, ServiceId, ServiceType};
use crate::{limits, render};

/// The name under which cursors of the services' listing are issued.
const SERVICES: &str = "services";

/// `GET /api/v1/services/{service_id}`
pub(in crate::http) fn service(app: &App, head: &Parts, encoded_id: &str) -> Result<Answer, Problem> {
    let service_id = decode(encoded_id)?;
    let loaded = load(app, head)?;
    let index = loaded.find(&service_id)?;
    if let Some(answer) = loaded.not_modified(app, head) {
        return Ok(answer);
    }
    let mut body = Vec::with_capacity(1024);
    render::service(&mut body, &loaded.graph, index);
    Ok(loaded.answer(StatusCode::OK, Content::Whole(body.into())))
}

/// `GET /api/v1/services`
pub(in crate::http) async fn services(app: &App, head: &Parts) -> Result<Answer, Problem> {
    let parameters = Parameters::parse(head.uri.query())?;
    let limit = parameters.page_limit()?;
    let expected = || "a cursor that this server issued";
    let after = parameters.read("cursor", expected, |text| cursor::read(SERVICES, text))?;
    let filter = service_filter(&parameters)?;
    let loaded = load(app, head)?;
    if let Some(answer) = loaded.not_modified(app, head) {
        return Ok(answer);
    }
    let graph = Arc::clone(&loaded.graph);
    // A filter that matches nothing looks at every service.
    let is_long = filter.is_search() && graph.counts().services > limits::LIST_INLINE_SERVICES_MAX;
    let find = move || list(&graph, &filter, after.as_deref(), limit);
    let (page, more) = if is_long { app.queries.run(find).await? } else { find() };
    let last = page.last().filter(|_| more).map(|index| loaded.graph.name(*index));
    let next_cursor = last.map(|last| cursor::issue(SERVICES, last.as_str()));
    let mut body = Vec::with_capacity(512 * (page.len() + 1));
    render::service_page(&mut body, &loaded.graph, &page, next_cursor.as_deref());
    Ok(loaded.answer(StatusCode::OK, Content::Whole(body.into())))
}

fn service_filter(parameters: &Parameters<'_>) -> Result<ServiceFilter, Problem> {
    Ok(ServiceFilter {
        ids: parameters.raw("ids").map(service_ids).transpose()?,
        team: parameters.text("team").map(str::to_owned),
        criticality: parameters.name("criticality", Criticality::NAMES, Criticality::parse)?,
        discovered: parameters.flag("discovered")?,
        service_type: parameters.name("service_type", ServiceType::NAMES, ServiceType::parse)?,
        contains: parameters.text("q").map(str::to_owned),
    })
}

/// Ids between commas; a comma within an id comes encoded.
fn service_ids(raw: &str) -> Result<Vec<ServiceId>, Problem> {
    let parse = |part: &str| {
        let text = decode_form(part)?;
        ServiceId::parse(&text)
            .map_err(|error| Problem::from(Invalid::new("ids", Some(&text), error.to_string())))
    };
    raw.split(',').filter(|part| !part.is_empty()).map(parse).collect()
}
