//! References between entities: `[kind:][namespace/]name`.

/// What makes an entity one, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Key {
    pub(super) fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.to_lowercase(), namespace: namespace.to_lowercase(), name: name.to_lowercase() }
    }

    /// Whether it becomes a service.
    pub(super) fn is_service(&self) -> bool {
        matches!(self.kind.as_str(), "component" | "resource")
    }
}

/// A reference as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference<'t> {
    pub(super) kind: Option<&'t str>,
    pub(super) namespace: Option<&'t str>,
    pub(super) name: &'t str,
}

impl<'t> Reference<'t> {
    /// Reads one; `None` for a text that is none.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let text = text.trim();
        let (kind, rest) = text.split_once(':').map_or((None, text), |(kind, rest)| (Some(kind), rest));
        let (namespace, name) =
            rest.split_once('/').map_or((None, rest), |(before, name)| (Some(before), name));
        let is_part = |part: &str| !part.is_empty() && !part.contains([':', '/']);
        let are_parts = kind.is_none_or(is_part) && namespace.is_none_or(is_part) && is_part(name);
        are_parts.then_some(Self { kind, namespace, name })
    }

    /// What it means where these are the defaults; `None` without any kind.
    pub(super) fn key(self, kind: Option<&str>, namespace: &str) -> Option<Key> {
        Some(Key::new(self.kind.or(kind)?, self.namespace.unwrap_or(namespace), self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_up_to_three_parts() {
        let cases = [
            ("x", Some((None, None, "x"))),
            (" Component:x ", Some((Some("Component"), None, "x"))),
            ("ns/x", Some((None, Some("ns"), "x"))),
            ("component:ns/x.y_z-1", Some((Some("component"), Some("ns"), "x.y_z-1"))),
            ("", None),
            (":x", None),
            ("a:", None),
            ("/x", None),
            ("a:b:c", None),
            ("a/b/c", None),
            ("ns/a:b", None),
        ];
        for (text, expected) in cases {
            let actual = Reference::parse(text).map(|found| (found.kind, found.namespace, found.name));
            assert_eq!(actual, expected, "{text}");
        }
        let key = Reference::parse("B/C").unwrap().key(Some("Api"), "default");
        assert_eq!(key, Some(Key::new("api", "b", "c")));
        assert_eq!(Reference::parse("c").unwrap().key(None, "default"), None);
    }
}
