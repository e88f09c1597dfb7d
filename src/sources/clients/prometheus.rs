//! Service graphs and meshes, asked of a Prometheus or of anything that answers like it: Mimir, Thanos, Cortex.

use std::time::Duration;

use hyper::StatusCode;
use tokio::task::spawn_blocking;

use super::{Client, ClientError, Reading, Wire};
use crate::sources::prometheus::{Answer, InvalidAnswer, Source, answer};

/// One source of the metrics of one server.
pub struct Prometheus {
    /// The server.
    pub wire: Wire,
    /// What is asked, and what the answers mean.
    pub source: Source,
}

impl Client for Prometheus {
    async fn read(&mut self, window: Duration) -> Result<Reading, ClientError> {
        let mut answers = Vec::new();
        for query in self.source.queries(window) {
            answers.push(self.ask(&query).await?);
        }
        let is_partial = answers.iter().any(|answer| !answer.warnings.is_empty());
        let source = self.source.clone();
        let found = spawn_blocking(move || source.read(&answers)).await;
        Ok(Reading { found: found.map_err(|error| ClientError::new(error.to_string()))?, is_partial })
    }
}

impl Prometheus {
    async fn ask(&self, query: &str) -> Result<Answer, ClientError> {
        let answered = self.wire.post_form("/api/v1/query", &[("query", query)]).await;
        let (status, body) = answered.map_err(|error| ClientError::new(error.to_string()))?;
        // An answer can be long, and its thread has requests to serve.
        let read = spawn_blocking(move || (answer::parse(&body), body)).await;
        let (answer, body) = read.map_err(|error| ClientError::new(error.to_string()))?;
        Err(ClientError::new(match (status, answer) {
            (StatusCode::OK, Ok(answer)) => return Ok(answer),
            (StatusCode::OK, Err(error)) => error.to_string(),
            (_, Err(error @ InvalidAnswer::Refused { .. })) => format!("{status}: {error}"),
            // Somebody else than Prometheus, such as a proxy.
            (_, _) => format!("{status}: {}", String::from_utf8_lossy(&body)),
        }))
    }
}
