//! Which endpoint a request means: paths as a closed enum, matched as they come.
//!
//! - No normalisation: a trailing slash or a dot segment is another path. A service id is one raw
//!   segment, percent-decoded after matching, so an id may hold a slash.
//! - A path exists or not (404) before its methods are looked at (405).

use hyper::Method;

/// The endpoints, each with what its path carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route<'p> {
    /// `/`
    Index,
    /// `/api/v1/health`
    Health,
    /// `/api/v1/health/ready`
    Ready,
    /// `/api/v1/graph/stats`
    Stats,
    /// `/api/v1/services`
    Services,
    /// `POST /api/v1/services/dependencies`
    Ingest,
    /// `/api/v1/services/{service_id}`, still encoded
    Service(&'p str),
    /// `/api/v1/services/{service_id}/dependencies`, the id still encoded
    Dependencies(&'p str),
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

const READ: &str = "GET, HEAD";

impl<'p> Route<'p> {
    /// The endpoint for a method and a raw path.
    pub(super) fn find(method: &Method, path: &'p str) -> Result<Self, NoRoute> {
        let route = match path {
            "/" => Route::Index,
            "/api/v1/health" => Route::Health,
            "/api/v1/health/ready" => Route::Ready,
            "/api/v1/graph/stats" => Route::Stats,
            "/api/v1/services" => Route::Services,
            _ => below_services(path).ok_or(NoRoute::Path)?,
        };
        match route {
            Route::Service("dependencies") if *method == Method::POST => Ok(Route::Ingest),
            Route::Service("dependencies") if !is_read(method) => Err(not_allowed(&route, "GET, HEAD, POST")),
            _ if is_read(method) => Ok(route),
            _ => Err(not_allowed(&route, READ)),
        }
    }

    /// The path's template, as logs and metrics name it.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Route::Index => "/",
            Route::Health => "/api/v1/health",
            Route::Ready => "/api/v1/health/ready",
            Route::Stats => "/api/v1/graph/stats",
            Route::Services => "/api/v1/services",
            Route::Ingest => "/api/v1/services/dependencies",
            Route::Service(_) => "/api/v1/services/{service_id}",
            Route::Dependencies(_) => "/api/v1/services/{service_id}/dependencies",
        }
    }
}

fn below_services(path: &str) -> Option<Route<'_>> {
    let rest = path.strip_prefix("/api/v1/services/")?;
    let (service_id, rest) = rest.split_once('/').map_or((rest, None), |(id, rest)| (id, Some(rest)));
    match rest {
        _ if service_id.is_empty() => None,
        None => Some(Route::Service(service_id)),
        Some("dependencies") => Some(Route::Dependencies(service_id)),
        Some(_) => None,
    }
}

fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

fn not_allowed(route: &Route<'_>, allow: &'static str) -> NoRoute {
    NoRoute::Method { template: route.template(), allow }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_matched_as_they_come() {
        let get = |path| Route::find(&Method::GET, path);
        assert_eq!(get("/api/v1/services/a%2Fb/dependencies"), Ok(Route::Dependencies("a%2Fb")));
        assert_eq!(get("/api/v1/services/dependencies"), Ok(Route::Service("dependencies")));
        assert_eq!(get("/api/v1/services/../dependencies"), Ok(Route::Dependencies("..")));
        for path in [
            "",
            "/api",
            "/api/v1/services/",
            "/api/v1/health/",
            "/api/v1/graph",
            "/api/v1/graph/stats/",
            "/api/v1//services",
            "/api/v1/services/a/",
            "/api/v1/services//dependencies",
            "/api/v1/services/a/dependencies/",
            "/API/v1/health",
            "*",
        ] {
            assert_eq!(get(path), Err(NoRoute::Path), "{path}");
        }
    }

    #[test]
    fn methods_are_looked_at_after_the_path() {
        let find = |method, path| Route::find(&method, path);
        assert_eq!(find(Method::POST, "/api/v1/services/dependencies"), Ok(Route::Ingest));
        assert_eq!(find(Method::POST, "/nowhere"), Err(NoRoute::Path));
        let Err(NoRoute::Method { allow, .. }) = find(Method::PATCH, "/api/v1/services/dependencies") else {
            panic!("the path exists");
        };
        assert_eq!(allow, "GET, HEAD, POST");
        let Err(NoRoute::Method { allow, .. }) = find(Method::POST, "/api/v1/services/a") else {
            panic!("the path exists");
        };
        assert_eq!(allow, "GET, HEAD");
    }
}
