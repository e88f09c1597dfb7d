//! One request and its answer: from route to response, with the headers and the log line that all
//! answers share.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderName, HeaderValue, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, VARY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};

use super::access::Access;
use super::answer::{self, Answer, AnswerBody, Content};
use super::caller::Caller;
use super::compression;
use super::cors;
use super::door::enter;
use super::guarded_io::Exchange;
use super::handlers;
use super::limit;
use super::metrics::{Metrics, Request as Seen};
use super::problem::Problem;
use super::route::{NoRoute, Route};
use super::state::App;
use super::tag;
use crate::types::LimitClass;
use crate::{clock, limits, traces};

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const GRAPH_VERSION: HeaderName = HeaderName::from_static("x-graph-version");

/// Answers a request; whatever is wrong with it is an answer, too.
pub(super) async fn exchange(
    app: Arc<App>,
    peer: IpAddr,
    request: Request<Incoming>,
    under_way: Option<Exchange>,
) -> Result<Response<AnswerBody>, Infallible> {
    let app = &app;
    let (head, body) = request.into_parts();
    let correlation_id = correlation_id(&head.headers);
    let path = head.uri.path();
    let route = Route::find(&head.method, path);
    let template = match &route {
        Ok(route) => route.template(),
        Err(NoRoute::Path) => "none",
        Err(NoRoute::Method { template, .. }) => template,
    };
    let trace = traces::Request::begin(&head.headers, head.method.as_str(), template);
    let line = LogLine {
        trace_id: trace.as_ref().map(traces::Request::trace_id).or_else(|| traces::trace_id(&head.headers)),
        begun: clock::monotonic(),
        metrics: &app.metrics,
        correlation_id: &correlation_id,
        method: &head.method,
        template,
        is_written: false,
    };
    let (mut verdict, mut preflight, mut keeping) = (None, None, None);
    let result = match route {
        Ok(route) => {
            let entered = enter(app, peer, &head.headers, &route).await;
            verdict = entered.verdict;
            if verdict.is_some_and(|verdict| verdict.retry_after_seconds.is_some()) {
                app.metrics.requests.limited(route.template());
            }
            match entered.caller {
                Ok(caller) => {
                    let may_be_kept = may_be_kept(&route, &head.method);
                    if may_be_kept && let Some(answer) = answered_before(app, &head) {
                        Ok(answer)
                    } else {
                        let work = handle(app, caller, &route, &head, body, &correlation_id);
                        // Boxed: what all handlers may need is a kilobyte, which would be copied at each step from here
                        // to hyper. An exchange was 11 KB otherwise; copies took 7.8 % of a 304's time, and 4.9 now.
                        let work = unless_it_panics(Box::pin(work));
                        let result = traces::Request::within(trace.as_ref(), work).await;
                        if may_be_kept && let Ok(answer) = &result {
                            keeping = app.kept.keep(&head, answer);
                        }
                        result
                    }
                }
                Err(problem) if body.is_end_stream() => Err(problem),
                Err(problem) => Err(problem.closing()),
            }
        }
        Err(NoRoute::Path) => Err(no_such_path()),
        Err(NoRoute::Method { allow, .. }) if cors::is_preflight(&app.settings.cors_origins, &head) => {
            preflight = Some(allow);
            Ok(Answer::new(StatusCode::NO_CONTENT, Content::Empty))
        }
        Err(NoRoute::Method { allow, .. }) => Err(no_such_method(allow)),
    };
    let version = match &result {
        Ok(answer) => answer.version,
        Err(_) => app.version(),
    };
    let mut response = match result {
        Ok(answer) => success(answer, &head.headers),
        Err(problem) => {
            if let Some(cause) = &problem.cause {
                tracing::error!(correlation_id, cause = &**cause, "a request failed");
            }
            failure(&problem, path, &correlation_id, head.version)
        }
    };
    let headers = response.headers_mut();
    headers.insert(CORRELATION_ID, header(&correlation_id));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if app.settings.tls.is_some() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    cors::describe(&app.settings.cors_origins, &head.headers, preflight, headers);
    if let Some(verdict) = verdict {
        limit::describe(&verdict, headers);
    }
    if app.is_draining() && head.version == Version::HTTP_11 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if head.method == Method::HEAD {
        leave_out_content(&mut response);
    }
    line.write(response.status(), version);
    if let Some(trace) = trace {
        trace.end(response.status().as_u16(), &correlation_id);
    }
    Ok(response.map(|content| AnswerBody::new(content, under_way, keeping)))
}

/// The line of a request in the log: one for each, written when it is answered, or when the client has
/// gone before it was.
struct LogLine<'r> {
    begun: Instant,
    trace_id: Option<String>,
    metrics: &'r Metrics,
    correlation_id: &'r str,
    method: &'r Method,
    template: &'static str,
    is_written: bool,
}

impl LogLine<'_> {
    fn write(mut self, status: StatusCode, version: Option<u64>) {
        self.is_written = true;
        let took = self.begun.elapsed();
        self.metrics.requests.observe(Seen::new(self.method, self.template, status), took);
        tracing::info!(
            correlation_id = self.correlation_id,
            method = self.method.as_str(),
            route = self.template,
            status = status.as_u16(),
            duration_us = took.as_micros() as u64,
            version,
            trace_id = self.trace_id.as_deref(),
            "request"
        );
    }
}

impl Drop for LogLine<'_> {
    fn drop(&mut self) {
        if !self.is_written {
            tracing::info!(
                correlation_id = self.correlation_id,
                method = self.method.as_str(),
                route = self.template,
                duration_us = self.begun.elapsed().as_micros() as u64,
                trace_id = self.trace_id.as_deref(),
                "request abandoned by its client"
            );
        }
    }
}

/// Whether all that an answer depends on is the graph and what [`super::kept`] tells questions apart by.
fn may_be_kept(route: &Route<'_>, method: &Method) -> bool {
    let is_query = matches!(Access::of(route), Access::Limited(_, LimitClass::Query));
    is_query && [Method::GET, Method::HEAD].contains(method)
}

/// The answer to a read of the graph, where it was given before and still holds.
fn answered_before(app: &App, head: &Parts) -> Option<Answer> {
    let found = app.kept.find(app.version()?, head);
    app.metrics.work.kept(found.is_some());
    let (answer, condition) = found?;
    app.metrics.work.condition(condition);
    Some(answer)
}

/// A handler that panics answers 500; the panic's own message is on standard error.
async fn unless_it_panics(
    mut handler: Pin<Box<impl Future<Output = Result<Answer, Problem>>>>,
) -> Result<Answer, Problem> {
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context)))
            .unwrap_or_else(|_| Poll::Ready(Err(Problem::internal().closing())))
    })
    .await
}

async fn handle(
    app: &Arc<App>,
    caller: Caller,
    route: &Route<'_>,
    head: &Parts,
    body: Incoming,
    correlation_id: &str,
) -> Result<Answer, Problem> {
    match route {
        Route::Index => Ok(handlers::index()),
        Route::Health => Ok(handlers::health()),
        Route::Ready => Ok(handlers::ready(app)),
        Route::OpenApi => Ok(handlers::openapi_document()),
        Route::Docs => handlers::docs(),
        Route::DocsAsset(name) => handlers::docs_asset(name),
        Route::Stats => handlers::stats(app, head).await,
        Route::Divergence => handlers::divergence(app, head).await,
        Route::Critical => handlers::critical(app, head).await,
        Route::Paths => handlers::paths(app, head).await,
        Route::Metrics => Ok(handlers::metrics(app)),
        Route::Services => handlers::services(app, head).await,
        Route::Ingest => handlers::ingest(app, caller, head, body).await,
        Route::Import => handlers::import(app, caller, head, body, correlation_id).await,
        Route::Service(id) => handlers::service(app, head, id),
        Route::PutService(id) => handlers::put_service(app, caller, head, body, id).await,
        Route::DeleteService(id) => handlers::delete_service(app, caller, id).await,
        Route::PutSlo(id) => handlers::put_slo(app, caller, head, body, id).await,
        Route::DeleteDependency(from, to) => handlers::delete_dependency(app, caller, head, (from, to)).await,
        Route::Impact(id) => handlers::impact(app, head, id).await,
        Route::JointImpact => handlers::joint_impact(app, head, body).await,
        Route::AnalyseSlo => handlers::analyse_slo(app, head, body).await,
        Route::Alerts => handlers::alerts(app, head).await,
        Route::Alert(id) => handlers::alert(app, head, id).await,
        Route::Acknowledge(id) => handlers::acknowledge(app, caller, head, body, id).await,
        Route::Resolve(id) => handlers::resolve(app, caller, head, body, id).await,
        Route::RunStaleness => handlers::run_staleness(app, caller).await,
        Route::Audit => handlers::audit(app, head),
        Route::Discovery => handlers::discovery(app),
        Route::RunDiscovery(source) => handlers::run_discovery(app, source).await,
        Route::Exports => handlers::exports(app),
        Route::RunExport => handlers::run_export(app),
        Route::Export(id) => handlers::export(app, id),
        Route::Dependencies(id) => handlers::dependencies(app, head, id).await,
        Route::Keys => handlers::keys(app).await,
        Route::CreateKey => handlers::create_key(app, caller, head, body).await,
        Route::RevokeKey(id) => handlers::revoke_key(app, caller, id).await,
        Route::Snapshots => handlers::snapshots(app).await,
        Route::CreateSnapshot => handlers::create_snapshot(app).await,
        Route::Snapshot(id) => handlers::snapshot(app, id).await,
        Route::DeleteSnapshot(id) => handlers::delete_snapshot(app, id).await,
        Route::VerifySnapshot(id) => handlers::verify_snapshot(app, id).await,
    }
}

/// The caller's id when it is one that can be passed on, else a fresh one.
fn correlation_id(headers: &HeaderMap) -> String {
    let usable = |id: &&str| {
        (1..=limits::CORRELATION_ID_CHARS_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let given = headers.get(CORRELATION_ID).and_then(|value| value.to_str().ok()).filter(usable);
    given.map_or_else(|| clock::correlation_id().to_string(), str::to_owned)
}

fn no_such_path() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "there is no such path; paths are matched exactly, GET / lists the entry points",
    )
}

fn no_such_method(allow: &'static str) -> Problem {
    let detail = format!("this path takes {allow}");
    Problem { allow: Some(allow), ..Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail) }
}

fn success(answer: Answer, asked: &HeaderMap) -> Response<Content> {
    let has_content = !matches!(answer.content, Content::Empty);
    let may_shrink = answer.content.may_shrink() && compression::is_worth_it(answer.content_type);
    let is_gzip = may_shrink && compression::is_wanted(asked);
    let varies = match (answer.etag.is_some(), may_shrink) {
        (true, true) => Some("Accept, Accept-Encoding"),
        (true, false) => Some("Accept"),
        (false, true) => Some("Accept-Encoding"),
        (false, false) => None,
    };
    let content = if is_gzip { answer.content.into_gzip() } else { answer.content };
    let mut response = Response::new(content);
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    if has_content {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    }
    for (name, value) in answer.extra {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Some(name) = answer.file_name {
        headers.insert(CONTENT_DISPOSITION, header(&format!("attachment; filename=\"{name}\"")));
    }
    if let Some(version) = answer.version {
        headers.insert(GRAPH_VERSION, version.into());
    }
    if let Some(etag) = answer.etag {
        headers.insert(ETAG, if is_gzip { tag::of_gzip(&etag) } else { etag });
    }
    if let Some(names) = varies {
        headers.insert(VARY, HeaderValue::from_static(names));
    }
    if is_gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn failure(problem: &Problem, path: &str, correlation_id: &str, version: Version) -> Response<Content> {
    let mut response = Response::new(Content::Whole(problem.body(path, correlation_id).into()));
    *response.status_mut() = problem.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if problem.status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = problem.retry_after_seconds {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if let Some(allow) = problem.allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    if problem.closes && version == Version::HTTP_11 {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What HEAD answers: the headers of GET.
fn leave_out_content(response: &mut Response<Content>) {
    let length = match std::mem::replace(response.body_mut(), Content::Empty) {
        Content::Whole(bytes) => Some(bytes.len() as u64),
        Content::Kept(answer) => Some(answer::bytes(answer.pieces())),
        Content::Download(download) => Some(download.rest()),
        // How long it gets is not known before it is written.
        Content::Empty | Content::Pieces(..) | Content::Lines(_) | Content::Gzip(_) => None,
    };
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ids and tags are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn panics_later() -> Result<Answer, Problem> {
        tokio::task::yield_now().await;
        panic!("the panic that this test is about")
    }

    #[tokio::test]
    async fn a_panic_is_a_500_and_nothing_else_is() {
        let Err(problem) = unless_it_panics(Box::pin(panics_later())).await else {
            panic!("no answer came of it")
        };
        assert_eq!(problem, Problem::internal().closing());
        assert!(!problem.detail.contains("this test"), "no detail leaks");
        let fine = unless_it_panics(Box::pin(async { Ok(Answer::json(Vec::new())) })).await;
        assert_eq!(fine.map(|answer| answer.status).ok(), Some(StatusCode::OK));
        let refused = unless_it_panics(Box::pin(async { Err(Problem::unknown_service()) })).await;
        assert_eq!(refused.err().map(|problem| problem.status), Some(StatusCode::NOT_FOUND));
    }

    #[test]
    fn usable_correlation_ids_are_kept() {
        let with = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CORRELATION_ID, HeaderValue::from_str(id).unwrap());
            correlation_id(&headers)
        };
        for id in ["a", "A-1._", &"x".repeat(128)] {
            assert_eq!(with(id), id);
        }
        for id in ["", "a b", "a/b", &"x".repeat(129)] {
            assert_ne!(with(id), id);
        }
    }
}
