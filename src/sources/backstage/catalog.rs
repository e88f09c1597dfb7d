//! All entities together: who is described, and who depends on whom.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::describe::{describe, uses, uses_of_api};
use super::entity::{Entity, Read, is_template};
use super::reference::{Key, Reference};
use crate::limits;
use crate::sources::{Found, Name, Seen};

/// What was read so far.
#[derive(Default)]
pub(super) struct Catalog {
    /// Notes and counts; the rest comes at the end.
    pub(super) found: Found,
    described: BTreeMap<Key, Described>,
    /// How names are spelled where they are referred to.
    referred: BTreeMap<Key, String>,
    dependencies: BTreeSet<(Key, Key)>,
    /// APIs and who consumes them.
    consumed: BTreeSet<(Key, Key)>,
    provided: BTreeMap<Key, BTreeSet<Key>>,
}

struct Described {
    name: String,
    of_type: String,
    seen: Seen,
    times: u32,
}

/// What a reference in an entity says.
#[derive(Clone, Copy)]
enum Says {
    DependsOn,
    DependencyOf,
    Consumes,
    Provides,
    ConsumedBy,
    ProvidedBy,
}

impl Says {
    /// The members of `spec`, with the kind that they mean if they do not say.
    const MEMBERS: [(&'static str, Self, Option<&'static str>); 4] = [
        ("dependsOn", Self::DependsOn, None),
        ("dependencyOf", Self::DependencyOf, None),
        ("consumesApis", Self::Consumes, Some("api")),
        ("providesApis", Self::Provides, Some("api")),
    ];

    fn of_relation(relation: &str) -> Option<Self> {
        match relation {
            "dependsOn" => Some(Self::DependsOn),
            "dependencyOf" => Some(Self::DependencyOf),
            "consumesApi" => Some(Self::Consumes),
            "providesApi" => Some(Self::Provides),
            "apiConsumedBy" => Some(Self::ConsumedBy),
            "apiProvidedBy" => Some(Self::ProvidedBy),
            _ => None,
        }
    }
}

impl Catalog {
    /// Takes in a document.
    pub(super) fn read(&mut self, place: &str, document: &Value) {
        let entity = match Entity::read(document) {
            Read::Entity(entity) => entity,
            Read::Other => return self.found.leave_out("documents that are no catalog entities"),
            Read::Template => return self.found.leave_out("templates that were not filled in"),
            Read::Lacks(what) => return self.found.note(format!("{place}: the entity has no {what}")),
        };
        if !entity.key.is_service() {
            self.found.leave_out("APIs, systems, groups and other entities that are not services");
        }
        self.describe(&entity);
        for (member, says, kind) in Says::MEMBERS {
            match entity.spec(member) {
                Value::Null => {}
                Value::Array(targets) => {
                    for target in targets {
                        self.refer(place, &entity, says, (target, kind));
                    }
                }
                _ => self.found.note(format!("{place}: spec.{member} is not a list")),
            }
        }
        for (relation, target) in entity.relations() {
            if let Some(says) = Says::of_relation(relation) {
                self.refer(place, &entity, says, (target, None));
            }
        }
    }

    fn describe(&mut self, entity: &Entity<'_>) {
        let is_needed = entity.key.is_service() || entity.key.kind == "api";
        if !is_needed {
            return;
        }
        let of_type = entity.spec("type").as_str().unwrap_or_default().to_owned();
        let now = Described { name: entity.name.to_owned(), of_type, seen: describe(entity), times: 1 };
        match self.described.get_mut(&entity.key) {
            None => drop(self.described.insert(entity.key.clone(), now)),
            Some(known) => {
                for (member, value) in now.seen.members() {
                    known.seen.say(member, value.clone());
                }
                known.name = std::mem::take(&mut known.name).min(now.name);
                known.of_type = std::mem::take(&mut known.of_type).min(now.of_type);
                known.times += 1;
            }
        }
    }

    fn refer(
        &mut self,
        place: &str,
        entity: &Entity<'_>,
        says: Says,
        (target, default_kind): (&Value, Option<&str>),
    ) {
        let text = target.as_str().unwrap_or_default();
        if is_template(text) {
            return self.found.leave_out("templates that were not filled in");
        }
        let Some(reference) = Reference::parse(text) else {
            return self.found.note(format!("{place}: {target} is no reference to an entity"));
        };
        let Some(target) = reference.key(default_kind, &entity.key.namespace) else {
            return self
                .found
                .note(format!("{place}: {text:?} does not say its kind, such as component:{text}"));
        };
        let own = entity.key.clone();
        let spelled = self.referred.entry(target.clone()).or_insert_with(|| reference.name.to_owned());
        if reference.name < spelled.as_str() {
            reference.name.clone_into(spelled);
        }
        match (says, own.kind.as_str(), target.kind.as_str()) {
            (Says::DependsOn | Says::Consumes, "component" | "resource", "api") => {
                self.consumed.insert((target, own));
            }
            (Says::DependsOn, "component" | "resource", "component" | "resource") => {
                self.dependencies.insert((own, target));
            }
            (Says::DependencyOf, "component" | "resource", "component" | "resource") => {
                self.dependencies.insert((target, own));
            }
            (Says::Provides, "component" | "resource", "api") => {
                self.provided.entry(target).or_default().insert(own);
            }
            (Says::ProvidedBy, "api", "component" | "resource") => {
                self.provided.entry(own).or_default().insert(target);
            }
            (Says::ConsumedBy | Says::DependencyOf, "api", "component" | "resource") => {
                self.consumed.insert((own, target));
            }
            _ => self.found.leave_out("references that are not between services"),
        }
    }

    /// Puts all together.
    pub(super) fn into_found(mut self) -> Found {
        let names = self.names();
        for (key, described) in &self.described {
            if described.times > 1 {
                let (Key { kind, namespace, name }, times) = (key, described.times);
                self.found.note(format!("{kind}:{namespace}/{name} is described {times} times"));
            }
            if let Some(name) = names.get(key) {
                let service = self.found.service(name);
                for (member, value) in described.seen.members() {
                    service.say(member, value.clone());
                }
            }
        }
        let type_of = |key: &Key| self.described.get(key).map_or("", |described| described.of_type.as_str());
        for (from, on) in &self.dependencies {
            self.found.depends(&names[from], &names[on], uses(type_of(on)).because_of("depends_on"));
        }
        for key in self.dependencies.iter().flat_map(|(from, on)| [from, on]) {
            if key.kind == "resource" && !self.described.contains_key(key) {
                self.found.service(&names[key]).external().say("kind", "Resource");
            }
        }
        let mut concluded = 0;
        for (api, consumer) in &self.consumed {
            let Some(providers) = self.provided.get(api) else {
                self.found.leave_out("consumed APIs that nobody provides");
                continue;
            };
            concluded += providers.len();
            if concluded > limits::CATALOG_API_DEPENDENCIES_MAX {
                let most = limits::CATALOG_API_DEPENDENCIES_MAX;
                self.found.note(format!("only the first {most} dependencies on APIs count"));
                break;
            }
            for provider in providers {
                let uses = uses_of_api(type_of(api)).because_of("consumes_api");
                self.found.depends(&names[consumer], &names[provider], uses);
            }
        }
        self.found
    }

    /// What every service is called. Two that are not one have two names.
    fn names(&self) -> BTreeMap<Key, Name> {
        let described = self.described.iter().map(|(key, described)| (key, described.name.as_str()));
        let referred = self.referred.iter().map(|(key, spelled)| (key, spelled.as_str()));
        // The last of a key stays: how its own document spells it.
        let all: BTreeMap<&Key, &str> =
            referred.chain(described).filter(|(key, _)| key.is_service()).collect();
        let mut namespaces: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for key in all.keys() {
            namespaces.entry(&key.name).or_default().insert(&key.namespace);
        }
        let name = |(key, spelled): (&Key, &str)| {
            let is_component_too = || all.contains_key(&Key { kind: "component".to_owned(), ..key.clone() });
            let spelled = match key.kind.as_str() {
                "resource" if is_component_too() => format!("resource:{spelled}"),
                _ => spelled.to_owned(),
            };
            let is_bare = key.namespace == "default" && namespaces[key.name.as_str()].len() == 1;
            let name = if is_bare { Name::bare(spelled) } else { Name::of(&key.namespace, &spelled) };
            (key.clone(), name)
        };
        all.iter().map(|(key, spelled)| name((key, spelled))).collect()
    }
}
