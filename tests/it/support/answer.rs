//! Reads what queries answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Server, encoded};

/// The answer to a dependency query, `view=full`.
#[derive(Debug, Clone)]
pub(crate) struct Answer(pub(crate) Value);

/// Asks for the dependencies of a service; `query` is what stands behind the question mark.
pub(crate) fn dependencies(server: &Server, id: &str, query: &str) -> Answer {
    Answer(server.get_json(&format!("/api/v1/services/{}/dependencies?{query}", encoded(id))))
}

/// One service, by id.
pub(crate) fn service(server: &Server, id: &str) -> Value {
    server.get_json(&format!("/api/v1/services/{}", encoded(id)))
}

/// The path of a service.
pub(crate) fn service_path(id: &str) -> String {
    format!("/api/v1/services/{}", encoded(id))
}

/// The path of one dependency.
pub(crate) fn dependency_path(source: &str, target: &str) -> String {
    format!("{}/dependencies/{}", service_path(source), encoded(target))
}

/// Every edge that is not stale, service by service.
pub(crate) fn all_pairs(server: &Server) -> BTreeSet<(String, String)> {
    let of = |id: String| dependencies(server, &id, "direction=downstream&depth=1").pairs();
    Page::all(server, "").into_iter().flat_map(of).collect()
}

/// Pairs as [`Answer::pairs`] gives them.
pub(crate) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> BTreeSet<(String, String)> {
    pairs.into_iter().map(|(source, target)| (source.to_owned(), target.to_owned())).collect()
}

/// The items of a listing, in pages of `limit`.
pub(crate) fn listed(server: &Server, target: &str, query: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get_json(&format!("{target}?{query}&limit={limit}&cursor={}", encoded(&cursor)));
        let found = page["items"].as_array().unwrap_or_else(|| panic!("no items in {page}"));
        assert!(found.len() <= limit, "a page of {limit} has {}", found.len());
        items.extend(found.iter().cloned());
        match page.get("next_cursor") {
            Some(Value::Null) => return items,
            Some(Value::String(next)) => cursor.clone_from(next),
            other => panic!("next_cursor is {other:?}"),
        }
    }
}

impl Answer {
    /// The ids in the order of the answer.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.nodes().iter().map(|node| node["service_id"].as_str().unwrap().to_owned()).collect()
    }

    /// The ids without the root, sorted.
    pub(crate) fn others(&self) -> BTreeSet<String> {
        let root = self.0["service_id"].as_str().unwrap();
        self.ids().into_iter().filter(|id| id != root).collect()
    }

    /// Each service's distance.
    pub(crate) fn distances(&self) -> BTreeMap<String, u64> {
        let pair = |node: &Value| {
            (node["service_id"].as_str().unwrap().to_owned(), node["distance"].as_u64().unwrap())
        };
        self.nodes().iter().map(pair).collect()
    }

    /// The edges as sorted pairs; fails when one is there twice.
    pub(crate) fn pairs(&self) -> BTreeSet<(String, String)> {
        let end = |edge: &Value, name: &str| edge[name].as_str().unwrap().to_owned();
        let edges = self.0["edges"].as_array().unwrap();
        let pairs: BTreeSet<_> =
            edges.iter().map(|edge| (end(edge, "source"), end(edge, "target"))).collect();
        assert_eq!(pairs.len(), edges.len(), "an edge is there twice");
        pairs
    }

    /// One edge of the answer.
    pub(crate) fn edge(&self, source: &str, target: &str) -> Value {
        let edges = self.0["edges"].as_array().unwrap();
        let found = edges.iter().find(|edge| edge["source"] == source && edge["target"] == target);
        found.unwrap_or_else(|| panic!("no edge {source} -> {target} in {}", self.0)).clone()
    }

    /// One service of the answer.
    pub(crate) fn node(&self, id: &str) -> Value {
        let found = self.nodes().iter().find(|node| node["service_id"] == id);
        found.unwrap_or_else(|| panic!("no service {id} in {}", self.0)).clone()
    }

    /// A figure of the statistics.
    pub(crate) fn statistic(&self, name: &str) -> &Value {
        let figure = &self.0["statistics"][name];
        assert!(!figure.is_null(), "no statistic {name} in {}", self.0["statistics"]);
        figure
    }

    fn nodes(&self) -> &Vec<Value> {
        self.0["nodes"].as_array().unwrap()
    }
}

/// One page of a listing.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) ids: Vec<String>,
    pub(crate) next_cursor: Option<String>,
}

impl Page {
    /// Reads `/api/v1/services` with this query.
    pub(crate) fn read(server: &Server, query: &str) -> Self {
        let page = server.get_json(&format!("/api/v1/services?{query}"));
        let items = page["items"].as_array().unwrap();
        let ids = items.iter().map(|item| item["service_id"].as_str().unwrap().to_owned()).collect();
        assert!(page.get("next_cursor").is_some(), "next_cursor is null at the end, not absent");
        Self { ids, next_cursor: page["next_cursor"].as_str().map(str::to_owned) }
    }

    /// Every id of a listing, page by page.
    pub(crate) fn all(server: &Server, query: &str) -> Vec<String> {
        let mut page = Self::read(server, &format!("{query}&limit=100"));
        let mut ids = page.ids.clone();
        while let Some(cursor) = page.next_cursor {
            page = Self::read(server, &format!("{query}&limit=100&cursor={}", encoded(&cursor)));
            ids.extend(page.ids.clone());
        }
        ids
    }
}
