//! Service graphs that were made from traces: by the OpenTelemetry Collector, by Tempo, by Beyla.
//!
//! Not their rates or latencies.
//!
//! - A peer that only stands for a missing span is no service: it is counted and left out, its other end is kept.
//! - Whoever calls something is no database, whatever a series of it says. One without a namespace is whoever has its
//!   name.

use std::collections::BTreeSet;
use std::time::Duration;

use super::answer::{Answer, Series};
use super::{both_ends, note_warnings, query};
use crate::sources::{Found, Name, Uses};

/// Says which end is virtual, where the generator is told to.
const VIRTUAL_END: &str = "virtual_node";

/// The labels of a service graph; an empty name means that there is no such label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Who calls.
    pub client: String,
    /// Who is called.
    pub server: String,
    /// How: empty, `messaging_system`, `database` or `virtual_node`.
    pub connection_type: String,
    /// The namespace of who calls.
    pub client_namespace: String,
    /// The namespace of who is called.
    pub server_namespace: String,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            client: "client".to_owned(),
            server: "server".to_owned(),
            connection_type: "connection_type".to_owned(),
            client_namespace: "client_service_namespace".to_owned(),
            server_namespace: "server_service_namespace".to_owned(),
        }
    }
}

/// Where a service graph stands in Prometheus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceGraph {
    /// The counter of requests, or a gauge that ends in `_connection_info`; a regular expression if it is no plain name.
    pub metric: String,
    /// Its labels.
    pub labels: Labels,
    /// Whether what stands for a missing span counts as a service.
    pub pseudo_nodes: bool,
}

impl Default for ServiceGraph {
    fn default() -> Self {
        let metric = "traces_service_graph_request_total".to_owned();
        Self { metric, labels: Labels::default(), pseudo_nodes: false }
    }
}

/// What the label `connection_type` says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connection {
    Call,
    Messages,
    Database,
    Virtual,
}

impl ServiceGraph {
    /// What to ask for what was seen in the window.
    pub fn query(&self, window: Duration) -> String {
        let Labels { client, server, connection_type, client_namespace, server_namespace } = &self.labels;
        let by = [client, server, connection_type, client_namespace, server_namespace, VIRTUAL_END];
        let selector = query::selector(&self.metric);
        if self.metric.ends_with("_connection_info") {
            query::present_within(&selector, &by, window)
        } else {
            query::seen_within(&selector, &by, window)
        }
    }

    /// What an answer says. O(series · log series).
    pub fn read(&self, answer: &Answer) -> Found {
        let mut found = Found::default();
        let clients = self.clients(answer);
        for series in answer.seen() {
            self.read_series(series, &clients, &mut found);
        }
        note_warnings(&mut found, answer);
        found
    }

    /// Namespaces and names of all that call; each without its namespace too.
    fn clients<'a>(&self, answer: &'a Answer) -> BTreeSet<(&'a str, &'a str)> {
        let ends = answer.seen().flat_map(|series| {
            let name = series.label(&self.labels.client);
            [(series.label(&self.labels.client_namespace), name), ("", name)]
        });
        ends.collect()
    }

    fn read_series(&self, series: &Series, clients: &BTreeSet<(&str, &str)>, found: &mut Found) {
        let labels = &self.labels;
        let (client, server) = (series.label(&labels.client), series.label(&labels.server));
        if client.is_empty() || server.is_empty() {
            return found.leave_out("series without client or server");
        }
        let connection = self.connection(series);
        // Only the client is ever made up as `user`; a service of that name may still have a virtual server.
        let is_user =
            client == "user" && connection == Connection::Virtual && series.label(VIRTUAL_END) != "server";
        let is_service = |name| self.pseudo_nodes || name != "unknown";
        let namespace = series.label(&labels.server_namespace);
        let from = (is_service(client) && (self.pseudo_nodes || !is_user))
            .then(|| Name::of(series.label(&labels.client_namespace), client));
        let on = is_service(server).then(|| Name::of(namespace, server));
        let Some((from, on)) = both_ends(found, from, on, "pseudo-nodes") else { return };
        let uses = match connection {
            Connection::Messages => Uses::asynchronous(),
            Connection::Call | Connection::Database | Connection::Virtual => Uses::sync(),
        };
        if connection == Connection::Database && !clients.contains(&(namespace, server)) {
            found.service(&on).external().say("kind", "database");
        }
        found.depends(&from, &on, uses);
    }

    fn connection(&self, series: &Series) -> Connection {
        match series.label(&self.labels.connection_type) {
            "messaging_system" => Connection::Messages,
            "database" => Connection::Database,
            "virtual_node" => Connection::Virtual,
            _ => Connection::Call,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_calls_is_none_in_its_own_namespace_only() {
        let series = |labels: &[(&str, &str)]| {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Series { labels: labels.collect(), value: 1.0 }
        };
        let calls = series(&[("client", "ledger"), ("client_service_namespace", "shop"), ("server", "bank")]);
        for (namespace, is_database) in [("shop", false), ("pay", true), ("", false)] {
            let asked = series(&[
                ("client", "web"),
                ("server", "ledger"),
                ("server_service_namespace", namespace),
                ("connection_type", "database"),
            ]);
            let answer = Answer { series: vec![calls.clone(), asked], warnings: Vec::new() };
            let found = ServiceGraph::default().read(&answer);
            let seen = &found.services()[&Name::of(namespace, "ledger")];
            assert_eq!(seen.members().contains_key("service_type"), is_database, "{namespace:?}");
        }
    }
}
