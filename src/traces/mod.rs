//! Traces: what took how long within a request, for a collector that takes OTLP.
//!
//! ```text
//! traceparent ─▶ request span ─▶ (task) ─▶ spans of what it does ─▶ bounded queue ─▶ thread ─▶ collector
//! ```
//!
//! - Without a collector there is nothing: a request pays for one look at a cell that is empty.
//! - What a caller decided about sampling holds; traces that begin here are sampled at the rate of the settings.
//! - A span names the route, never the path or the query. A collector that is slow or gone costs spans, nothing else.

mod client;

use std::sync::OnceLock;

use hyper::header::HeaderMap;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};

use crate::limits;
use client::Client;

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

tokio::task_local! {
    /// The request that a task answers.
    static CURRENT: Context;
}

/// Why there are no traces.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be set up: {0}")]
pub struct TracesError(String);

/// Sends what is left when it is dropped, within a bounded time.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends the traces of the process to a collector from now on; once. Needs a runtime.
    pub fn start(endpoint: &str, sample_rate: f64) -> Result<Self, TracesError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_timeout(limits::TRACES_TIMEOUT)
            .build()
            .map_err(|error| TracesError(error.to_string()))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(limits::TRACES_QUEUED_SPANS_MAX)
            .with_scheduled_delay(limits::TRACES_INTERVAL)
            .build();
        let service = Resource::builder_empty()
            .with_service_name("watershed")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(sample_rate))))
            .with_resource(service)
            .build();
        TRACER.set(provider.tracer("watershed")).map_err(|_| TracesError("they are already".to_owned()))?;
        Ok(Self(provider))
    }

    /// Sends what is left. Blocks, for a bounded time.
    pub fn finish(self) {
        // A collector that does not answer at the end cannot be helped.
        drop(self.0.shutdown_with_timeout(limits::TRACES_TIMEOUT));
    }
}

/// The trace that a caller says a request belongs to, as logs name it.
pub fn trace_id(headers: &HeaderMap) -> Option<String> {
    if !headers.contains_key("traceparent") {
        return None;
    }
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    let span = context.span();
    let given = span.span_context();
    given.is_valid().then(|| given.trace_id().to_string())
}

/// A request that is traced.
pub struct Request(Context);

impl Request {
    /// Begins the span of a request, if there are traces.
    pub fn begin(headers: &HeaderMap, method: &str, route: &'static str) -> Option<Self> {
        let tracer = TRACER.get()?;
        let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        let span = tracer
            .span_builder(format!("{method} {route}"))
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("http.request.method", method.to_owned()),
                KeyValue::new("http.route", route),
            ])
            .start_with_context(tracer, &parent);
        Some(Self(parent.with_span(span)))
    }

    /// Its trace, as logs name it.
    pub fn trace_id(&self) -> String {
        self.0.span().span_context().trace_id().to_string()
    }

    /// Does the work of a request, whose spans are then below its own.
    pub async fn within<T>(trace: Option<&Self>, work: impl Future<Output = T>) -> T {
        match trace {
            Some(Self(context)) => CURRENT.scope(context.clone(), work).await,
            None => work.await,
        }
    }

    /// Ends the span with what came of the request.
    pub fn end(self, status: u16, correlation_id: &str) {
        let span = self.0.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        span.set_attribute(KeyValue::new("watershed.correlation_id", correlation_id.to_owned()));
        if status >= 500 {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// A part of the work that a task does, or of what the process does by itself. It ends when it is dropped.
pub struct Part(Context);

/// Begins a part, if there are traces.
pub fn part(name: &'static str) -> Option<Part> {
    let tracer = TRACER.get()?;
    let parent = CURRENT.try_with(Context::clone).unwrap_or_default();
    let span = tracer.span_builder(name).start_with_context(tracer, &parent);
    Some(Part(parent.with_span(span)))
}

impl Drop for Part {
    fn drop(&mut self) {
        self.0.span().end();
    }
}
