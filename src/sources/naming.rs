//! Which id in the graph a source's name means: one service, one node, whoever reports it.
//!
//! In this order: the alias table, the source's template, the bare name; `namespace/name` where one report has the
//! name in two namespaces. What the graph knows keeps its id: a service is not named anew because another one appears.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::found::Name;

/// How ids of one source are written, such as `{cluster}/{namespace}/{name}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Name,
    Namespace,
    Cluster,
}

/// Why a text is no template: what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// Braces around another word, or a brace without its partner.
    #[error("{{name}}, {{namespace}} and {{cluster}} as the only braces")]
    Placeholder,
    /// All services would get one id.
    #[error("{{name}} in it")]
    NoName,
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            let (before, braces) = rest.split_at(open);
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (part, length) =
                [("{name}", Part::Name), ("{namespace}", Part::Namespace), ("{cluster}", Part::Cluster)]
                    .into_iter()
                    .find_map(|(word, part)| braces.starts_with(word).then_some((part, word.len())))
                    .ok_or(InvalidTemplate::Placeholder)?;
            parts.push(part);
            rest = &braces[length..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if parts.contains(&Part::Name) { Ok(Self(parts)) } else { Err(InvalidTemplate::NoName) }
    }

    /// Fills it in. A placeholder without a value goes together with the text that follows it.
    fn fill(&self, name: &Name) -> String {
        let mut id = String::new();
        let mut skips_text = false;
        for part in &self.0 {
            let value = match part {
                Part::Text(_) if skips_text => None,
                Part::Text(text) => Some(text),
                Part::Name => Some(&name.name),
                Part::Namespace => name.namespace.as_ref(),
                Part::Cluster => name.cluster.as_ref(),
            };
            id.push_str(value.map_or("", String::as_str));
            skips_text = value.is_none() && !matches!(part, Part::Text(_));
        }
        id
    }
}

/// Why a text is no alias: what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("NAME=ID, such as shop/frontend=frontend, not {0:?}")]
pub struct InvalidAlias(String);

/// Reads aliases, `NAME=ID`, separated by commas or line feeds; lines that begin with `#` say nothing.
/// The id is what follows the last `=`.
pub fn aliases(text: &str) -> Result<BTreeMap<String, String>, InvalidAlias> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let entries = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|entry| !entry.is_empty());
    let alias = |entry: &str| {
        let (name, id) = entry.rsplit_once('=').map(|(name, id)| (name.trim(), id.trim()))?;
        (!name.is_empty() && !id.is_empty()).then(|| (name.to_owned(), id.to_owned()))
    };
    entries.map(|entry| alias(entry).ok_or_else(|| InvalidAlias(entry.to_owned()))).collect()
}

/// What the graph has of an id, seen from a name in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// No service of that id.
    No,
    /// One of which it is not known whether it is in that namespace.
    Perhaps,
    /// One in that namespace.
    Here,
    /// One that the same source has in another namespace.
    Elsewhere,
}

/// Asks the graph for an id, from a namespace.
pub type Knows<'g> = dyn Fn(&str, Option<&str>) -> Known + 'g;

/// How the names of one source become ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// Ids by name; a name is looked up as `cluster/namespace/name`, `namespace/name` and `name`, the longest first.
    pub aliases: BTreeMap<String, String>,
    /// How ids are written; `None` for the bare name as long as that is clear.
    pub template: Option<Template>,
}

impl Naming {
    /// The id of each name of one report. O(names · log names).
    pub(super) fn ids<'n>(&self, names: &BTreeSet<&'n Name>, knows: &Knows<'_>) -> HashMap<&'n Name, String> {
        let mut namespaces: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        let mut clusters: HashMap<(&str, Option<&str>), BTreeSet<&str>> = HashMap::new();
        for name in names {
            // A name without a namespace or a cluster clashes with nobody: it means the one there is.
            namespaces.entry(&name.name).or_default().extend(name.namespace.as_deref());
            let local = (name.name.as_str(), name.namespace.as_deref());
            clusters.entry(local).or_default().extend(name.cluster.as_deref());
        }
        let id = |name: &Name| {
            if let Some(alias) = name.spellings().iter().find_map(|spelling| self.aliases.get(spelling)) {
                return alias.clone();
            }
            if let Some(template) = &self.template {
                return template.fill(name);
            }
            let [whole, local, bare] = name.spellings();
            let in_namespaces = namespaces[name.name.as_str()].len();
            let in_clusters = clusters[&(name.name.as_str(), name.namespace.as_deref())].len();
            let namespace = name.namespace.as_deref();
            let has = |id: &str| knows(id, namespace) != Known::No;
            if whole != local && (in_clusters > 1 || has(&whole)) {
                return whole;
            }
            if local != bare && has(&local) {
                return local;
            }
            match knows(&bare, namespace) {
                Known::Elsewhere => local,
                Known::No | Known::Perhaps if in_namespaces > 1 => local,
                Known::No | Known::Perhaps | Known::Here => bare,
            }
        };
        names.iter().map(|name| (*name, id(name))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known are ids, or ids with the namespace in which they are.
    fn ids(naming: &Naming, names: &[Name], known: &[&str]) -> Vec<String> {
        let set: BTreeSet<&Name> = names.iter().collect();
        let knows = |id: &str, namespace: Option<&str>| {
            let of = |entry: &&&str| entry.split_once(" in ").map_or(**entry, |(id, _)| id) == id;
            match known.iter().find(of).map(|entry| entry.split_once(" in ")) {
                None => Known::No,
                Some(None) => Known::Perhaps,
                Some(Some((_, home))) if Some(home) == namespace => Known::Here,
                Some(Some(_)) => Known::Elsewhere,
            }
        };
        let ids = naming.ids(&set, &knows);
        names.iter().map(|name| ids[name].clone()).collect()
    }

    #[test]
    fn the_bare_name_unless_it_is_in_two_namespaces_or_known_otherwise() {
        let naming = Naming::default();
        let names =
            [Name::of("a", "x"), Name::of("b", "x"), Name::of("a", "y"), Name::bare("z"), Name::bare("x")];
        assert_eq!(ids(&naming, &names, &[]), ["a/x", "b/x", "y", "z", "x"]);
        assert_eq!(ids(&naming, &names[..1], &[]), ["x"]);
        assert_eq!(
            ids(&naming, &names[..1], &["a/x"]),
            ["a/x"],
            "it does not change its id when the clash ends"
        );
        assert_eq!(ids(&naming, &names[..2], &["x in a"]), ["x", "b/x"], "who has the bare name keeps it");
        assert_eq!(ids(&naming, &names[1..2], &["x in a"]), ["b/x"], "also where it is not reported now");
        assert_eq!(ids(&naming, &names[1..2], &["x"]), ["x"], "one service, known from elsewhere");
        let clusters = [Name::of("a", "x").in_cluster("east"), Name::of("a", "x").in_cluster("west")];
        assert_eq!(ids(&naming, &clusters, &[]), ["east/a/x", "west/a/x"]);
        assert_eq!(ids(&naming, &clusters[..1], &[]), ["x"]);
        assert_eq!(ids(&naming, &[clusters[0].clone(), Name::of("a", "x")], &[]), ["x", "x"]);
    }

    #[test]
    fn aliases_come_first_the_longest_name_before_the_others() {
        let aliases = aliases("# ours\na/x=shop, x=other\n east/a/x = far ,").unwrap();
        let naming = Naming { aliases, template: Some(Template::parse("k8s:{name}").unwrap()) };
        let names = [
            Name::of("a", "x"),
            Name::of("b", "x"),
            Name::bare("x"),
            Name::of("a", "x").in_cluster("east"),
            Name::bare("y"),
        ];
        assert_eq!(ids(&naming, &names, &[]), ["shop", "other", "other", "far", "k8s:y"]);
        assert!(super::aliases("").unwrap().is_empty());
        assert_eq!(super::aliases("a=b=c").unwrap()["a=b"], "c");
        for text in ["a", "=b", "a=", "a=b,c"] {
            assert!(super::aliases(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_template_leaves_out_what_has_no_value() {
        let template = Template::parse("{cluster}/{namespace}/{name}").unwrap();
        let cases = [
            (Name::bare("x"), "x"),
            (Name::of("a", "x"), "a/x"),
            (Name::of("a", "x").in_cluster("east"), "east/a/x"),
            (Name::bare("x").in_cluster("east"), "east/x"),
        ];
        for (name, expected) in cases {
            assert_eq!(template.fill(&name), expected);
        }
        assert_eq!(Template::parse("svc:{name}.{namespace}").unwrap().fill(&Name::bare("x")), "svc:x.");
        for text in ["", "x", "{namespace}", "{name", "{name}}", "{pod}{name}", "{}{name}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
