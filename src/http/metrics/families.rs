//! Families of metrics, made and registered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::proto::{Bucket, Histogram as HistogramSample, Metric, MetricFamily, MetricType};
use prometheus::{Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::durations::Counted;
use crate::limits;

/// A counter whose events are counted elsewhere.
pub(super) struct Followed {
    pub(super) counter: IntCounter,
    seen: AtomicU64,
}

impl Followed {
    pub(super) fn new(counter: IntCounter) -> Self {
        Self { counter, seen: AtomicU64::new(0) }
    }

    /// Catches up with `total`. Two that do so at once add each event once.
    pub(super) fn follow(&self, total: u64) {
        let seen = self.seen.fetch_max(total, Ordering::Relaxed);
        self.counter.inc_by(total.saturating_sub(seen));
    }
}

pub(super) fn set(gauge: &IntGauge, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}

pub(super) fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    registered(registry, IntGauge::new(name, help))
}

pub(super) fn seconds(registry: &Registry, name: &str, help: &str) -> Gauge {
    registered(registry, Gauge::new(name, help))
}

pub(super) fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    registered(registry, IntCounter::new(name, help))
}

pub(super) fn followed(registry: &Registry, name: &str, help: &str) -> Followed {
    Followed::new(counter(registry, name, help))
}

pub(super) fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

/// Durations in seconds, from 50 µs on.
pub(super) fn durations(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
    let options = HistogramOpts::new(name, help).buckets(bounds().collect());
    registered(registry, HistogramVec::new(options, labels))
}

fn bounds() -> impl Iterator<Item = f64> {
    limits::DURATION_BUCKETS_MICROSECONDS.iter().map(|bound| Duration::from_micros(*bound).as_secs_f64())
}

/// A histogram that was counted elsewhere.
pub(super) fn counted(name: &str, help: &str, counted: &Counted) -> MetricFamily {
    let bucket = |(bound, count): (f64, u64)| {
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(bound);
        bucket.set_cumulative_count(count);
        bucket
    };
    let mut histogram = HistogramSample::default();
    histogram.set_sample_count(counted.count);
    histogram.set_sample_sum(counted.sum.as_secs_f64());
    histogram.set_bucket(bounds().zip(counted.cumulative).map(bucket).collect());
    let mut metric = Metric::default();
    metric.set_histogram(histogram);
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(MetricType::HISTOGRAM);
    family.set_metric(vec![metric]);
    family
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let collector = made.expect("names of families are valid");
    registry.register(Box::new(collector.clone())).expect("each family is registered once");
    collector
}
