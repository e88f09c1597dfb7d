//! Which format a text has, told by what stands in it.
//!
//! - YAML is told by its lines, not read: a file that is broken or a template has a format as well.
//! - JSON is read once without keeping it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A format that a file can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detected {
    /// Manifests of Kubernetes.
    Kubernetes,
    /// Entities of a Backstage catalog.
    Backstage,
    /// A Compose file.
    Compose,
    /// Dependencies or traces of Jaeger.
    Jaeger,
    /// A graph of Kiali.
    Kiali,
    /// A table.
    Csv,
    /// The body of an ingestion request, or the lines of an import.
    Own,
}

impl Detected {
    /// Every format, in the order of [`Self::NAMES`].
    pub const ALL: [Self; 7] =
        [Self::Kubernetes, Self::Backstage, Self::Compose, Self::Jaeger, Self::Kiali, Self::Csv, Self::Own];
    /// Their names.
    pub const NAMES: [&'static str; 7] =
        ["kubernetes", "backstage", "compose", "jaeger", "kiali", "csv", "watershed"];

    /// The name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The format of that name; `None` for any other text.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// The format of a text; `None` when nothing tells. O(bytes).
pub fn detect(path: &str, text: &str) -> Option<Detected> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    if ["csv", "tsv"].iter().any(|known| extension.eq_ignore_ascii_case(known)) {
        return Some(Detected::Csv);
    }
    if text.starts_with(['{', '[']) && !text.starts_with("{{") {
        return of_json(text);
    }
    let first = text.lines().next().unwrap_or_default();
    of_yaml(path, text).or_else(|| super::csv::is_header(first).then_some(Detected::Csv))
}

fn of_yaml(path: &str, text: &str) -> Option<Detected> {
    let (mut has_version, mut has_kind, mut in_services, mut has_services, mut has_image) =
        (false, false, false, false, false);
    for line in text.lines() {
        if let Some(version) = line.strip_prefix("apiVersion:") {
            if is_backstage(version.trim().trim_matches(['"', '\''])) {
                return Some(Detected::Backstage);
            }
            has_version = true;
        }
        has_kind |= line.starts_with("kind:");
        let member = line.trim_start();
        if line.starts_with("services:") {
            in_services = true;
        } else if in_services && !member.is_empty() && !member.starts_with('#') {
            // A mapping, not a list as in a pipeline's configuration.
            has_services |= member.len() < line.len() && !member.starts_with('-');
            in_services = false;
        }
        has_image |=
            member.len() < line.len() && (member.starts_with("image:") || member.starts_with("build:"));
    }
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    if has_services && (has_image || file.contains("compose")) {
        Some(Detected::Compose)
    } else {
        (has_version && has_kind).then_some(Detected::Kubernetes)
    }
}

fn of_json(text: &str) -> Option<Detected> {
    // Of lines, the first one tells.
    let first = serde_json::Deserializer::from_str(text).into_iter::<Peek>().next()?.ok()?;
    let has = |key: &str| first.keys.iter().any(|known| known == key);
    if has("apiVersion") && has("kind") {
        Some(if is_backstage(&first.version) { Detected::Backstage } else { Detected::Kubernetes })
    } else if has("elements") {
        Some(Detected::Kiali)
    } else if (has("[parent") && has("[child")) || (has("[traceID") && has("[spans")) {
        Some(Detected::Jaeger)
    } else if has("services") {
        Some(Detected::Compose)
    } else {
        let is_ours = (has("source") && has("timestamp")) || has("node") || has("edge");
        is_ours.then_some(Detected::Own)
    }
}

fn is_backstage(version: &str) -> bool {
    let group = version.split('/').next().unwrap_or_default();
    group == "backstage.io" || group.ends_with(".backstage.io")
}

/// The keys by which a JSON document is told: its own, and with a bracket before them those of the first item of it or
/// of its `data`.
#[derive(Default)]
struct Peek {
    keys: Vec<String>,
    version: String,
}

/// How many keys of one object are looked at.
const KEYS_MAX: usize = 64;

impl<'de> Deserialize<'de> for Peek {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(PeekVisitor)
    }
}

struct PeekVisitor;

impl<'de> Visitor<'de> for PeekVisitor {
    type Value = Peek;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Peek, A::Error> {
        let mut peek = Peek::default();
        while let Some(key) = access.next_key::<String>()? {
            match key.as_str() {
                "data" => {
                    let inner = access.next_value::<Peek>()?.keys;
                    peek.keys.extend(inner.into_iter().filter(|key| key.starts_with('[')));
                }
                "apiVersion" => peek.version = access.next_value::<Peek>()?.version,
                _ => drop(access.next_value::<IgnoredAny>()?),
            }
            if peek.keys.len() < KEYS_MAX {
                peek.keys.push(key);
            }
        }
        Ok(peek)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Peek, A::Error> {
        let first = access.next_element::<Peek>()?.unwrap_or_default();
        while access.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Peek { keys: first.keys.iter().map(|key| format!("[{key}")).collect(), version: String::new() })
    }

    fn visit_str<E>(self, text: &str) -> Result<Peek, E> {
        Ok(Peek { keys: Vec::new(), version: text.to_owned() })
    }

    fn visit_unit<E>(self) -> Result<Peek, E> {
        Ok(Peek::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Peek, E> {
        Ok(Peek::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Peek, E> {
        Ok(Peek::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Peek, E> {
        Ok(Peek::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Peek, E> {
        Ok(Peek::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::testing::fixture;

    #[test]
    fn formats_are_told_by_what_stands_in_them() {
        use Detected::{Backstage, Compose, Csv, Jaeger, Kiali, Kubernetes, Own};
        let cases = [
            ("x.yaml", "# text\napiVersion: v1\nkind: Service\n", Some(Kubernetes)),
            (
                "x.yaml",
                "{{- if .Values.on }}\napiVersion: apps/v1\nkind: Deployment\n{{ end }}",
                Some(Kubernetes),
            ),
            ("x.yaml", "apiVersion: \"backstage.io/v1alpha1\"\nkind: Component", Some(Backstage)),
            ("x.yaml", "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template", Some(Backstage)),
            ("x.yaml", "apiVersion: notbackstage.io/v1\nkind: X", Some(Kubernetes)),
            ("a/compose.yaml", "services:\n  web: {}\n", Some(Compose)),
            ("x.yml", "\u{feff}version: '3'\nservices:\n\n  # text\n  web:\n    build: .\n", Some(Compose)),
            ("x.yml", "services:\n  Some\\Class:\n    autowire: true\n", None),
            (".gitlab-ci.yml", "services:\n  - postgres\ntest:\n  image: x\n", None),
            ("x.json", r#"{"apiVersion":"v1","kind":"List","data":{"a":1},"items":[]}"#, Some(Kubernetes)),
            ("x.json", r#"{"kind":"Component","apiVersion":"backstage.io/v1alpha1"}"#, Some(Backstage)),
            ("x.json", r#"{"services":{"a":{"image":"b"}}}"#, Some(Compose)),
            ("x.json", r#"[{"parent":"a","child":"b","callCount":1}]"#, Some(Jaeger)),
            ("x.json", r#"{"total":0,"data":[{"parent":"a","child":"b"}],"errors":null}"#, Some(Jaeger)),
            ("x.json", r#"{"data":[{"traceID":"a","spans":[],"processes":{}}]}"#, Some(Jaeger)),
            ("x.json", r#"{"timestamp":1,"elements":{"nodes":[],"edges":[]}}"#, Some(Kiali)),
            ("x.json", r#"{"source":"manual","timestamp":"","nodes":[]}"#, Some(Own)),
            ("x.ndjson", "{\"source\":\"manual\",\"timestamp\":\"\"}\n{\"node\":{}}\n", Some(Own)),
            ("x.ndjson", "{\"edge\":{}}\n{\"node\":{}}\n", Some(Own)),
            ("x.json", "{}", None),
            ("x.json", "[1.5, true]", None),
            ("x.json", r#"{"apiVersion":"#, None),
            ("x.csv", "", Some(Csv)),
            ("-", "source,target\na,b\n", Some(Csv)),
            ("-", "\u{feff}\"From\";\"To\"\na;b\n", Some(Csv)),
            ("-", "a,b\n", None),
            ("", "", None),
        ];
        for (path, text, expected) in cases {
            assert_eq!(detect(path, text), expected, "{path}: {text}");
        }
        for (file, expected) in [
            ("backstage-sc-architecture/raw/catalog-info.yaml", Backstage),
            ("robot-shop/raw/docker-compose.yaml", Compose),
            ("jaeger-small/raw/small.json", Jaeger),
            ("kiali-app/raw/test_app_graph.json", Kiali),
            ("robot-shop/graph.json", Own),
        ] {
            assert_eq!(detect(file, &fixture(file)), Some(expected), "{file}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for format in Detected::ALL {
            assert_eq!(Detected::parse(format.name()), Some(format));
        }
        assert_eq!(Detected::parse("CSV"), None);
    }
}
