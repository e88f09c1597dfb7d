//! Every endpoint by method and template: what labels and documents are made of.

/// An endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// In upper case.
    pub(super) method: &'static str,
    /// Its path, with names in braces for what varies.
    pub(super) template: &'static str,
    /// The status of an answer that does what was asked.
    pub(super) success: u16,
}

const fn endpoint(method: &'static str, template: &'static str, success: u16) -> Endpoint {
    Endpoint { method, template, success }
}

/// All of them, in the order in which a reader meets them.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    endpoint("GET", "/", 200),
    endpoint("GET", "/api/v1/health", 200),
    endpoint("GET", "/api/v1/health/ready", 200),
    endpoint("GET", "/api/v1/metrics", 200),
    endpoint("GET", "/openapi.json", 200),
    endpoint("GET", "/docs", 200),
    endpoint("GET", "/docs/{asset}", 200),
    endpoint("POST", "/api/v1/services/dependencies", 202),
    endpoint("POST", "/api/v1/graph/import", 200),
    endpoint("GET", "/api/v1/services/{service_id}/dependencies", 200),
    endpoint("DELETE", "/api/v1/services/{service_id}/dependencies/{target}", 204),
    endpoint("GET", "/api/v1/services/{service_id}/impact", 200),
    endpoint("POST", "/api/v1/impact", 200),
    endpoint("POST", "/api/v1/slos/impact-analysis", 200),
    endpoint("PUT", "/api/v1/services/{service_id}/slo", 200),
    endpoint("GET", "/api/v1/paths", 200),
    endpoint("GET", "/api/v1/services", 200),
    endpoint("GET", "/api/v1/services/{service_id}", 200),
    endpoint("PUT", "/api/v1/services/{service_id}", 200),
    endpoint("DELETE", "/api/v1/services/{service_id}", 204),
    endpoint("GET", "/api/v1/circular-dependencies", 200),
    endpoint("GET", "/api/v1/circular-dependencies/{alert_id}", 200),
    endpoint("POST", "/api/v1/circular-dependencies/{alert_id}/acknowledge", 200),
    endpoint("POST", "/api/v1/circular-dependencies/{alert_id}/resolve", 200),
    endpoint("GET", "/api/v1/graph/divergence", 200),
    endpoint("GET", "/api/v1/graph/stats", 200),
    endpoint("GET", "/api/v1/graph/critical", 200),
    endpoint("GET", "/api/v1/admin/snapshots", 200),
    endpoint("POST", "/api/v1/admin/snapshots", 201),
    endpoint("GET", "/api/v1/admin/snapshots/{snapshot_id}", 200),
    endpoint("DELETE", "/api/v1/admin/snapshots/{snapshot_id}", 204),
    endpoint("POST", "/api/v1/admin/snapshots/{snapshot_id}/verify", 200),
    endpoint("GET", "/api/v1/admin/api-keys", 200),
    endpoint("POST", "/api/v1/admin/api-keys", 201),
    endpoint("DELETE", "/api/v1/admin/api-keys/{key_id}", 204),
    endpoint("POST", "/api/v1/admin/staleness/run", 200),
    endpoint("GET", "/api/v1/admin/audit", 200),
    endpoint("GET", "/api/v1/admin/discovery", 200),
    endpoint("POST", "/api/v1/admin/discovery/{source}/run", 200),
    endpoint("GET", "/api/v1/admin/exports/postgres", 200),
    endpoint("POST", "/api/v1/admin/exports/postgres", 202),
    endpoint("GET", "/api/v1/admin/exports/postgres/{run_id}", 200),
];

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::http::route::{NoRoute, Route};

    #[test]
    fn the_table_is_what_routes_there_are() {
        for endpoint in ENDPOINTS {
            let method = Method::from_bytes(endpoint.method.as_bytes()).unwrap();
            let route = Route::find(&method, endpoint.template).unwrap();
            assert_eq!(route.template(), endpoint.template);
            let Err(NoRoute::Method { allow, .. }) = Route::find(&Method::TRACE, endpoint.template) else {
                panic!("{} takes TRACE", endpoint.template)
            };
            for method in allow.split(", ").filter(|method| *method != "HEAD") {
                let found =
                    Route::find(&Method::from_bytes(method.as_bytes()).unwrap(), endpoint.template).unwrap();
                // One path is another endpoint's for other methods: a service may be called dependencies.
                if found.template() != endpoint.template {
                    continue;
                }
                let is_listed =
                    |listed: &Endpoint| listed.template == endpoint.template && listed.method == method;
                let count = ENDPOINTS.iter().filter(|listed| is_listed(listed)).count();
                assert_eq!(count, 1, "{method} {}", endpoint.template);
            }
        }
    }
}
