//! Reads of the graph.
//!
//! Each loads the published graph once. Its parameters are checked first, then the service is looked
//! up, then a conditional read may end it, and only then is work done.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::IF_NONE_MATCH;
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::graph::Graph;
use crate::http::answer::{Answer, Content, Pieces};
use crate::http::cursor;
use crate::http::problem::Problem;
use crate::http::query_string::{Parameters, decode, decode_form};
use crate::http::state::App;
use crate::ingest::Invalid;
use crate::limits;
use crate::query::{
    DependencyFilter, OverBudget, Scratch, ServiceFilter, Traversal, TraverseQuestion, list, traverse,
};
use crate::render::{self, DependenciesAnswer, View};
use crate::types::{Criticality, Direction, ServiceId, ServiceType};

/// The name under which cursors of the services' listing are issued.
const SERVICES: &str = "services";

/// A graph for the length of a request, and how its answers are tagged.
struct Loaded {
    graph: Arc<Graph>,
    etag: String,
}

/// The tag of an answer: the data directory, the version, and the representation, which is what was
/// asked for in the form in which this release writes it.
fn load(app: &App, head: &Parts) -> Result<Loaded, Problem> {
    let reader = &app.live()?.reader;
    let graph = reader.load();
    let asked = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
    let representation = crc32c::crc32c(asked.as_bytes());
    let directory = reader.directory_id();
    let etag = format!("\"{}-{}-json1-{representation:08x}\"", directory.simple(), graph.version());
    Ok(Loaded { graph, etag })
}

impl Loaded {
    /// A 304 when the caller has this representation already.
    fn not_modified(&self, head: &Parts) -> Option<Answer> {
        let given = head.headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = given.flat_map(|value| value.split(',')).map(str::trim);
        let matches = tags.any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.etag);
        matches.then(|| self.answer(StatusCode::NOT_MODIFIED, Content::Empty))
    }

    fn answer(&self, status: StatusCode, content: Content) -> Answer {
        let etag = Some(self.etag.clone());
        Answer { status, content, version: Some(self.graph.version()), etag }
    }

    fn find(&self, encoded_id: &str) -> Result<u32, Problem> {
        self.graph.find(&decode(encoded_id)?).ok_or_else(Problem::unknown_service)
    }
}

/// `GET /api/v1/services/{service_id}`
pub(in crate::http) fn service(app: &App, head: &Parts, encoded_id: &str) -> Result<Answer, Problem> {
    decode(encoded_id)?;
    let loaded = load(app, head)?;
    let index = loaded.find(encoded_id)?;
    if let Some(answer) = loaded.not_modified(head) {
        return Ok(answer);
    }
    let mut body = Vec::with_capacity(1024);
    render::service(&mut body, &loaded.graph, index);
    Ok(loaded.answer(StatusCode::OK, Content::Whole(body)))
}

/// `GET /api/v1/services`
pub(in crate::http) async fn services(app: &App, head: &Parts) -> Result<Answer, Problem> {
    let parameters = Parameters::parse(head.uri.query())?;
    let limit = parameters.integer("limit", 1, limits::PAGE_ITEMS_MAX as u32)?;
    let limit = limit.map_or(limits::PAGE_ITEMS_DEFAULT, |limit| limit as usize);
    let after =
        parameters.read("cursor", "a cursor that this server issued", |text| cursor::read(SERVICES, text))?;
    let filter = service_filter(&parameters)?;
    let loaded = load(app, head)?;
    if let Some(answer) = loaded.not_modified(head) {
        return Ok(answer);
    }
    let graph = Arc::clone(&loaded.graph);
    let find = move || list(&graph, &filter, after.as_deref(), limit);
    // A filter that matches nothing looks at every service.
    let (page, more) = if loaded.graph.counts().services < limits::LIST_INLINE_SERVICES_MAX {
        find()
    } else {
        spawn_blocking(find).await.map_err(|_| Problem::internal())?
    };
    let last = page.last().filter(|_| more).map(|index| loaded.graph.name(*index));
    let next_cursor = last.map(|last| cursor::issue(SERVICES, last.as_str()));
    let mut body = Vec::with_capacity(512 * (page.len() + 1));
    render::service_page(&mut body, &loaded.graph, &page, next_cursor.as_deref());
    Ok(loaded.answer(StatusCode::OK, Content::Whole(body)))
}

fn service_filter(parameters: &Parameters<'_>) -> Result<ServiceFilter, Problem> {
    Ok(ServiceFilter {
        ids: parameters.raw("ids").map(service_ids).transpose()?,
        team: parameters.text("team"),
        criticality: parameters.name("criticality", Criticality::NAMES, Criticality::parse)?,
        discovered: parameters.flag("discovered")?,
        service_type: parameters.name("service_type", ServiceType::NAMES, ServiceType::parse)?,
        contains: parameters.text("q"),
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

/// `GET /api/v1/services/{service_id}/dependencies`
pub(in crate::http) async fn dependencies(
    app: &Arc<App>,
    head: &Parts,
    encoded_id: &str,
) -> Result<Answer, Problem> {
    decode(encoded_id)?;
    let parameters = Parameters::parse(head.uri.query())?;
    let view = view(&parameters)?;
    let question = question(&parameters)?;
    let loaded = load(app, head)?;
    let root = loaded.find(encoded_id)?;
    if let Some(answer) = loaded.not_modified(head) {
        return Ok(answer);
    }
    let traversal = run(app, &loaded.graph, TraverseQuestion { root, ..question }).await?;
    let mut answer = DependenciesAnswer::new(Arc::clone(&loaded.graph), traversal, view);
    let mut body = Vec::with_capacity(32 * 1024);
    let content = if answer.write(&mut body, limits::ANSWER_WHOLE_BYTES_MAX) {
        app.scratches.give_back(answer.into_scratch());
        Content::Whole(body)
    } else {
        Content::Pieces(body, Pieces::new(answer, Arc::clone(&app.scratches)))
    };
    Ok(loaded.answer(StatusCode::OK, content))
}

fn view(parameters: &Parameters<'_>) -> Result<View, Invalid> {
    parameters.read("format", "json", |text| (text == "json").then_some(()))?;
    let view = parameters.read("view", "full or ids", |text| match text {
        "full" => Some(View::Full),
        "ids" => Some(View::Ids),
        _ => None,
    })?;
    Ok(view.unwrap_or(View::Full))
}

/// The question but for its root.
fn question(parameters: &Parameters<'_>) -> Result<TraverseQuestion, Invalid> {
    let direction = parameters.name("direction", Direction::NAMES, Direction::parse)?;
    let depth = parameters.integer("depth", 1, u32::from(limits::QUERY_DEPTH_MAX))?;
    let include_stale = parameters.flag("include_stale")?;
    let include_external = parameters.flag("include_external")?;
    let min_confidence = parameters.read("min_confidence", "a ratio from 0 to 1", |text| {
        text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
    })?;
    let max_nodes = parameters.integer("max_nodes", 1, limits::QUERY_NODES_MAX)?;
    Ok(TraverseQuestion {
        root: 0,
        direction: direction.unwrap_or(Direction::Both),
        depth: depth.map_or(limits::QUERY_DEPTH_DEFAULT, |depth| depth as u8),
        filter: DependencyFilter {
            include_stale: include_stale.unwrap_or(false),
            include_external: include_external.unwrap_or(true),
            min_confidence: min_confidence.unwrap_or(0.0),
        },
        max_nodes: max_nodes.unwrap_or(limits::QUERY_NODES_DEFAULT),
    })
}

/// Traverses at once where that is quick, else off the async threads, a bounded number at a time.
async fn run(app: &Arc<App>, graph: &Arc<Graph>, question: TraverseQuestion) -> Result<Traversal, Problem> {
    let scratch = app.scratches.take();
    let scratch = match traverse(graph, question, scratch, limits::QUERY_INLINE_EDGES_MAX) {
        Ok(traversal) => return Ok(traversal),
        Err((_, scratch)) => scratch,
    };
    let turn = timeout(limits::QUERY_HEAVY_WAIT, app.heavy.acquire()).await;
    let Ok(Ok(_turn)) = turn else {
        app.scratches.give_back(scratch);
        return Err(Problem::unavailable("too many expensive queries are under way; try again", 1));
    };
    let graph = Arc::clone(graph);
    let work = move || traverse(&graph, question, scratch, limits::QUERY_HEAVY_EDGES_MAX);
    let result: Result<Traversal, (OverBudget, Scratch)> =
        spawn_blocking(work).await.map_err(|_| Problem::internal())?;
    result.map_err(|(error, scratch)| {
        app.scratches.give_back(scratch);
        Problem::from(error)
    })
}
