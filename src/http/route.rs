//! Which endpoint a request means: paths as a closed enum, matched as they come.
//!
//! - No normalisation: a trailing slash or a dot segment is another path. A service id is one raw
//!   segment, percent-decoded after matching, so an id may hold a slash.
//! - A path exists or not (404) before its methods are looked at (405).

use hyper::Method;

/// The endpoints, each with what its path carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route<'p> {
    /// `GET /`
    Index,
    /// `GET /api/v1/health`
    Health,
    /// `GET /api/v1/health/ready`
    Ready,
    /// `GET /openapi.json`
    OpenApi,
    /// `GET /docs`
    Docs,
    /// `GET /docs/{asset}`, still encoded
    DocsAsset(&'p str),
    /// `GET /api/v1/graph/stats`
    Stats,
    /// `GET /api/v1/graph/divergence`
    Divergence,
    /// `GET /api/v1/graph/critical`
    Critical,
    /// `GET /api/v1/paths`
    Paths,
    /// `GET /api/v1/metrics`
    Metrics,
    /// `GET /api/v1/services`
    Services,
    /// `POST /api/v1/services/dependencies`
    Ingest,
    /// `POST /api/v1/graph/import`
    Import,
    /// `GET /api/v1/services/{service_id}`, still encoded
    Service(&'p str),
    /// `PUT /api/v1/services/{service_id}`, the id still encoded
    PutService(&'p str),
    /// `DELETE /api/v1/services/{service_id}`, the id still encoded
    DeleteService(&'p str),
    /// `PUT /api/v1/services/{service_id}/slo`, the id still encoded
    PutSlo(&'p str),
    /// `DELETE /api/v1/services/{service_id}/dependencies/{target}`, both still encoded
    DeleteDependency(&'p str, &'p str),
    /// `GET /api/v1/services/{service_id}/impact`, the id still encoded
    Impact(&'p str),
    /// `POST /api/v1/impact`
    JointImpact,
    /// `POST /api/v1/slos/impact-analysis`
    AnalyseSlo,
    /// `GET /api/v1/circular-dependencies`
    Alerts,
    /// `GET /api/v1/circular-dependencies/{alert_id}`, the id still encoded
    Alert(&'p str),
    /// `POST /api/v1/circular-dependencies/{alert_id}/acknowledge`, the id still encoded
    Acknowledge(&'p str),
    /// `POST /api/v1/circular-dependencies/{alert_id}/resolve`, the id still encoded
    Resolve(&'p str),
    /// `POST /api/v1/admin/staleness/run`
    RunStaleness,
    /// `GET /api/v1/admin/audit`
    Audit,
    /// `GET /api/v1/admin/discovery`
    Discovery,
    /// `POST /api/v1/admin/discovery/{source}/run`, the source still encoded
    RunDiscovery(&'p str),
    /// `GET /api/v1/admin/exports/postgres`
    Exports,
    /// `POST /api/v1/admin/exports/postgres`
    RunExport,
    /// `GET /api/v1/admin/exports/postgres/{run_id}`, still encoded
    Export(&'p str),
    /// `GET /api/v1/admin/api-keys`
    Keys,
    /// `POST /api/v1/admin/api-keys`
    CreateKey,
    /// `DELETE /api/v1/admin/api-keys/{key_id}`, still encoded
    RevokeKey(&'p str),
    /// `GET /api/v1/services/{service_id}/dependencies`, the id still encoded
    Dependencies(&'p str),
    /// `GET /api/v1/admin/snapshots`
    Snapshots,
    /// `POST /api/v1/admin/snapshots`
    CreateSnapshot,
    /// `GET /api/v1/admin/snapshots/{snapshot_id}`, still encoded
    Snapshot(&'p str),
    /// `DELETE /api/v1/admin/snapshots/{snapshot_id}`, still encoded
    DeleteSnapshot(&'p str),
    /// `POST /api/v1/admin/snapshots/{snapshot_id}/verify`, the id still encoded
    VerifySnapshot(&'p str),
}

/// Why no endpoint takes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoRoute {
    /// There is no such path.
    Path,
    /// The path exists, for these methods.
    Method {
        /// The path's template.
        template: &'static str,
        /// What to put into `Allow`.
        allow: &'static str,
    },
}

/// What a path takes, by method. `HEAD` is taken where `GET` is.
struct Endpoints<'p> {
    get: Option<Route<'p>>,
    post: Option<Route<'p>>,
    put: Option<Route<'p>>,
    delete: Option<Route<'p>>,
    /// The methods of those that are there, as `Allow` lists them.
    allow: &'static str,
}

impl<'p> Endpoints<'p> {
    const NONE: Self = Self { get: None, post: None, put: None, delete: None, allow: "" };

    fn get(get: Route<'p>) -> Self {
        Self { get: Some(get), allow: "GET, HEAD", ..Self::NONE }
    }

    fn post(post: Route<'p>) -> Self {
        Self { post: Some(post), allow: "POST", ..Self::NONE }
    }

    fn get_post(get: Route<'p>, post: Route<'p>) -> Self {
        Self { get: Some(get), post: Some(post), allow: "GET, HEAD, POST", ..Self::NONE }
    }

    fn get_delete(get: Route<'p>, delete: Route<'p>) -> Self {
        Self { get: Some(get), delete: Some(delete), allow: "GET, HEAD, DELETE", ..Self::NONE }
    }

    fn put(put: Route<'p>) -> Self {
        Self { put: Some(put), allow: "PUT", ..Self::NONE }
    }

    fn delete(delete: Route<'p>) -> Self {
        Self { delete: Some(delete), allow: "DELETE", ..Self::NONE }
    }

    /// A service; one path of that kind takes reports, too.
    fn service(id: &'p str, post: Option<Route<'p>>) -> Self {
        Self {
            get: Some(Route::Service(id)),
            put: Some(Route::PutService(id)),
            delete: Some(Route::DeleteService(id)),
            allow: if post.is_some() { "GET, HEAD, POST, PUT, DELETE" } else { "GET, HEAD, PUT, DELETE" },
            post,
        }
    }

    /// The endpoints of a path; `None` when there is no such path.
    fn of(path: &'p str) -> Option<Self> {
        match path {
            "/" => Some(Self::get(Route::Index)),
            "/api/v1/health" => Some(Self::get(Route::Health)),
            "/api/v1/health/ready" => Some(Self::get(Route::Ready)),
            "/openapi.json" => Some(Self::get(Route::OpenApi)),
            "/docs" => Some(Self::get(Route::Docs)),
            "/api/v1/graph/stats" => Some(Self::get(Route::Stats)),
            "/api/v1/graph/import" => Some(Self::post(Route::Import)),
            "/api/v1/graph/divergence" => Some(Self::get(Route::Divergence)),
            "/api/v1/graph/critical" => Some(Self::get(Route::Critical)),
            "/api/v1/paths" => Some(Self::get(Route::Paths)),
            "/api/v1/metrics" => Some(Self::get(Route::Metrics)),
            "/api/v1/services" => Some(Self::get(Route::Services)),
            "/api/v1/admin/snapshots" => Some(Self::get_post(Route::Snapshots, Route::CreateSnapshot)),
            "/api/v1/impact" => Some(Self::post(Route::JointImpact)),
            "/api/v1/slos/impact-analysis" => Some(Self::post(Route::AnalyseSlo)),
            "/api/v1/circular-dependencies" => Some(Self::get(Route::Alerts)),
            "/api/v1/admin/staleness/run" => Some(Self::post(Route::RunStaleness)),
            "/api/v1/admin/audit" => Some(Self::get(Route::Audit)),
            "/api/v1/admin/discovery" => Some(Self::get(Route::Discovery)),
            "/api/v1/admin/exports/postgres" => Some(Self::get_post(Route::Exports, Route::RunExport)),
            "/api/v1/admin/api-keys" => Some(Self::get_post(Route::Keys, Route::CreateKey)),
            _ => below_services(path)
                .or_else(|| below_alerts(path))
                .or_else(|| below_admin(path))
                .or_else(|| below_docs(path)),
        }
    }

    fn template(&self) -> &'static str {
        let routes = [&self.get, &self.post, &self.put, &self.delete];
        routes.into_iter().flatten().next().map_or("none", Route::template)
    }
}

impl<'p> Route<'p> {
    /// The endpoint for a method and a raw path.
    pub(super) fn find(method: &Method, path: &'p str) -> Result<Self, NoRoute> {
        let endpoints = Endpoints::of(path).ok_or(NoRoute::Path)?;
        let (template, allow) = (endpoints.template(), endpoints.allow);
        let route = match *method {
            Method::GET | Method::HEAD => endpoints.get,
            Method::POST => endpoints.post,
            Method::PUT => endpoints.put,
            Method::DELETE => endpoints.delete,
            _ => None,
        };
        route.ok_or(NoRoute::Method { template, allow })
    }

    /// The path's template, as logs and metrics name it.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Route::Index => "/",
            Route::Health => "/api/v1/health",
            Route::Ready => "/api/v1/health/ready",
            Route::OpenApi => "/openapi.json",
            Route::Docs => "/docs",
            Route::DocsAsset(_) => "/docs/{asset}",
            Route::Stats => "/api/v1/graph/stats",
            Route::Divergence => "/api/v1/graph/divergence",
            Route::Critical => "/api/v1/graph/critical",
            Route::Paths => "/api/v1/paths",
            Route::Metrics => "/api/v1/metrics",
            Route::Services => "/api/v1/services",
            Route::Ingest => "/api/v1/services/dependencies",
            Route::Import => "/api/v1/graph/import",
            Route::Service(_) | Route::PutService(_) | Route::DeleteService(_) => {
                "/api/v1/services/{service_id}"
            }
            Route::Impact(_) => "/api/v1/services/{service_id}/impact",
            Route::JointImpact => "/api/v1/impact",
            Route::AnalyseSlo => "/api/v1/slos/impact-analysis",
            Route::PutSlo(_) => "/api/v1/services/{service_id}/slo",
            Route::DeleteDependency(..) => "/api/v1/services/{service_id}/dependencies/{target}",
            Route::Alerts => "/api/v1/circular-dependencies",
            Route::Alert(_) => "/api/v1/circular-dependencies/{alert_id}",
            Route::Acknowledge(_) => "/api/v1/circular-dependencies/{alert_id}/acknowledge",
            Route::Resolve(_) => "/api/v1/circular-dependencies/{alert_id}/resolve",
            Route::RunStaleness => "/api/v1/admin/staleness/run",
            Route::Audit => "/api/v1/admin/audit",
            Route::Discovery => "/api/v1/admin/discovery",
            Route::RunDiscovery(_) => "/api/v1/admin/discovery/{source}/run",
            Route::Exports | Route::RunExport => "/api/v1/admin/exports/postgres",
            Route::Export(_) => "/api/v1/admin/exports/postgres/{run_id}",
            Route::Dependencies(_) => "/api/v1/services/{service_id}/dependencies",
            Route::Keys | Route::CreateKey => "/api/v1/admin/api-keys",
            Route::RevokeKey(_) => "/api/v1/admin/api-keys/{key_id}",
            Route::Snapshots | Route::CreateSnapshot => "/api/v1/admin/snapshots",
            Route::Snapshot(_) | Route::DeleteSnapshot(_) => "/api/v1/admin/snapshots/{snapshot_id}",
            Route::VerifySnapshot(_) => "/api/v1/admin/snapshots/{snapshot_id}/verify",
        }
    }
}

fn below_services(path: &str) -> Option<Endpoints<'_>> {
    match below("/api/v1/services/", path)? {
        (id @ "dependencies", None) => Some(Endpoints::service(id, Some(Route::Ingest))),
        (id, None) => Some(Endpoints::service(id, None)),
        (id, Some("dependencies")) => Some(Endpoints::get(Route::Dependencies(id))),
        (id, Some("impact")) => Some(Endpoints::get(Route::Impact(id))),
        (id, Some("slo")) => Some(Endpoints::put(Route::PutSlo(id))),
        (id, Some(rest)) => match below("dependencies/", rest)? {
            (target, None) => Some(Endpoints::delete(Route::DeleteDependency(id, target))),
            (_, Some(_)) => None,
        },
    }
}

fn below_alerts(path: &str) -> Option<Endpoints<'_>> {
    match below("/api/v1/circular-dependencies/", path)? {
        (id, None) => Some(Endpoints::get(Route::Alert(id))),
        (id, Some("acknowledge")) => Some(Endpoints::post(Route::Acknowledge(id))),
        (id, Some("resolve")) => Some(Endpoints::post(Route::Resolve(id))),
        (_, Some(_)) => None,
    }
}

fn below_docs(path: &str) -> Option<Endpoints<'_>> {
    match below("/docs/", path)? {
        (asset, None) => Some(Endpoints::get(Route::DocsAsset(asset))),
        (_, Some(_)) => None,
    }
}

fn below_admin(path: &str) -> Option<Endpoints<'_>> {
    if let Some((id, None)) = below("/api/v1/admin/api-keys/", path) {
        return Some(Endpoints::delete(Route::RevokeKey(id)));
    }
    if let Some((id, rest)) = below("/api/v1/admin/exports/postgres/", path) {
        return rest.is_none().then(|| Endpoints::get(Route::Export(id)));
    }
    if let Some((source, rest)) = below("/api/v1/admin/discovery/", path) {
        return (rest == Some("run")).then(|| Endpoints::post(Route::RunDiscovery(source)));
    }
    match below("/api/v1/admin/snapshots/", path)? {
        (id, None) => Some(Endpoints::get_delete(Route::Snapshot(id), Route::DeleteSnapshot(id))),
        (id, Some("verify")) => Some(Endpoints::post(Route::VerifySnapshot(id))),
        (_, Some(_)) => None,
    }
}

/// The segment behind `prefix`, which is not empty, and what follows its slash.
fn below<'p>(prefix: &str, path: &'p str) -> Option<(&'p str, Option<&'p str>)> {
    let rest = path.strip_prefix(prefix)?;
    let (id, rest) = rest.split_once('/').map_or((rest, None), |(id, rest)| (id, Some(rest)));
    (!id.is_empty()).then_some((id, rest))
}

#[cfg(test)]
mod tests;
