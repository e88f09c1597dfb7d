//! One document as an entity: who it is, and the lists in it.

use serde_json::Value;

use super::reference::Key;

/// A document that describes something of the catalog.
#[derive(Clone, Debug)]
pub(super) struct Entity<'v> {
    pub(super) key: Key,
    pub(super) kind: &'v str,
    pub(super) name: &'v str,
    pub(super) document: &'v Value,
}

/// What a document is.
pub(super) enum Read<'v> {
    /// An entity.
    Entity(Entity<'v>),
    /// Something else.
    Other,
    /// An entity with a name that is still to be filled in.
    Template,
    /// An entity without that.
    Lacks(&'static str),
}

impl<'v> Entity<'v> {
    /// Reads a document.
    pub(super) fn read(document: &'v Value) -> Read<'v> {
        let version = document["apiVersion"].as_str().unwrap_or_default();
        let is_ours = version
            .split_once('/')
            .is_some_and(|(group, _)| group == "backstage.io" || group.ends_with(".backstage.io"));
        if !is_ours {
            return Read::Other;
        }
        let Some(kind) = document["kind"].as_str().filter(|kind| !kind.is_empty()) else {
            return Read::Lacks("kind");
        };
        let metadata = &document["metadata"];
        let Some(name) = metadata["name"].as_str().filter(|name| !name.is_empty()) else {
            return Read::Lacks("metadata.name");
        };
        let namespace = metadata["namespace"].as_str().filter(|name| !name.is_empty()).unwrap_or("default");
        if is_template(name) || is_template(namespace) {
            return Read::Template;
        }
        Read::Entity(Self { key: Key::new(kind, namespace, name), kind, name, document })
    }

    /// A member of `spec`.
    pub(super) fn spec(&self, member: &str) -> &'v Value {
        &self.document["spec"][member]
    }

    /// The relations that a catalog has worked out: their types and what they refer to.
    pub(super) fn relations(&self) -> impl Iterator<Item = (&'v str, &'v Value)> {
        let relations = self.document["relations"].as_array().map_or(&[] as &[Value], Vec::as_slice);
        relations.iter().filter_map(|relation| Some((relation["type"].as_str()?, &relation["targetRef"])))
    }
}

/// Whether a text is still to be filled in.
pub(super) fn is_template(text: &str) -> bool {
    text.contains("{{")
}
