//! Requests: how many, how long, and how many were over their limit.
//!
//! A request costs one look into a map and three additions. The series of a combination of labels is made when it
//! first comes up; how many there can be is bounded by the routes, the methods and the statuses that there are.

use std::time::Duration;

use dashmap::DashMap;
use hyper::{Method, StatusCode};
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, Registry};

use super::families::{counters, durations};
use crate::http::endpoints::ENDPOINTS;

const LABELS: [&str; 3] = ["method", "endpoint", "status_code"];
/// The methods that are told apart.
const METHODS: [Method; 8] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::OPTIONS,
    Method::PATCH,
    Method::CONNECT,
];

/// What a request was, as far as labels go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::http) struct Request {
    method: &'static str,
    endpoint: &'static str,
    status: StatusCode,
}

impl Request {
    /// `endpoint` is the template of a route.
    pub(in crate::http) fn new(method: &Method, endpoint: &'static str, status: StatusCode) -> Self {
        Self { method: known(method), endpoint, status }
    }
}

/// Anybody can make up methods.
fn known(method: &Method) -> &'static str {
    let place = METHODS.iter().position(|known| known == method);
    place.map_or("other", |place| {
        ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT"][place]
    })
}

/// The families of requests.
pub(in crate::http) struct Requests {
    total: IntCounterVec,
    seconds: HistogramVec,
    limited: IntCounterVec,
    series: DashMap<Request, (IntCounter, Histogram)>,
}

impl Requests {
    pub(super) fn new(to: &Registry) -> Self {
        let total = "Requests, by method, template of the route (none where there is none) and status.";
        let seconds = "From the head of a request to the head of its answer.";
        let limited = "Requests over their rate limit, by template of the route.";
        let requests = Self {
            total: counters(to, "http_requests_total", total, &LABELS),
            seconds: durations(to, "http_request_duration_seconds", seconds, &LABELS),
            limited: counters(to, "rate_limit_exceeded_total", limited, &["endpoint"]),
            series: DashMap::new(),
        };
        for endpoint in ENDPOINTS {
            let method =
                Method::from_bytes(endpoint.method.as_bytes()).expect("methods of routes are methods");
            let status = StatusCode::from_u16(endpoint.success).expect("statuses of routes are statuses");
            requests.add(Request::new(&method, endpoint.template, status));
            requests.limited.with_label_values(&[endpoint.template]);
        }
        requests
    }

    /// Counts a request that was answered.
    pub(in crate::http) fn observe(&self, request: Request, took: Duration) {
        let count = || {
            self.series.get(&request).map(|series| {
                series.0.inc();
                series.1.observe(took.as_secs_f64());
            })
        };
        if count().is_none() {
            self.add(request);
            count();
        }
    }

    /// Counts a request that was over its limit.
    pub(in crate::http) fn limited(&self, endpoint: &str) {
        self.limited.with_label_values(&[endpoint]).inc();
    }

    fn add(&self, request: Request) {
        let labels = [request.method, request.endpoint, request.status.as_str()];
        let series = (self.total.with_label_values(&labels), self.seconds.with_label_values(&labels));
        self.series.insert(request, series);
    }
}
