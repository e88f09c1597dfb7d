//! One service of a Compose file, with all that may name others.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::sources::{Found, Name};
use crate::types::DependencyCriticality;

/// A service as one file has it.
pub(super) struct Service {
    pub(super) name: Name,
    pub(super) image: Option<String>,
    pub(super) build: Option<String>,
    /// What it is called in its network, in lower case.
    pub(super) hosts: BTreeSet<String>,
    /// What it is said to need, where that is said, and how much.
    pub(super) depends: Vec<(Name, &'static str, DependencyCriticality)>,
    /// Texts that may name others.
    pub(super) settings: Vec<Setting>,
}

/// A variable, or words of a command.
pub(super) struct Setting {
    /// Empty for a command.
    pub(super) key: String,
    pub(super) value: String,
    pub(super) evidence: &'static str,
}

impl Service {
    /// Reads a service.
    pub(super) fn read(place: &str, name: Name, value: &Value, found: &mut Found) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut service = Self {
            image: text(&value["image"]),
            build: text(&value["build"]).or_else(|| text(&value["build"]["context"])),
            hosts: hosts(&name.name, value),
            depends: Vec::new(),
            settings: settings(value),
            name,
        };
        service.read_depends_on(place, &value["depends_on"], found);
        for link in strings(&value["links"]) {
            let target = link.split(':').next().unwrap_or_default();
            service.add_depends(target, "links", DependencyCriticality::Hard);
        }
        if !value["extends"].is_null() {
            found.note(format!(
                "{place}: {} extends another service, which is not followed",
                service.name.name
            ));
        }
        for (member, what) in
            [("env_file", "environment files"), ("external_links", "links to containers of other projects")]
        {
            if !value[member].is_null() {
                found.leave_out(what);
            }
        }
        service
    }

    fn read_depends_on(&mut self, place: &str, value: &Value, found: &mut Found) {
        match value {
            Value::Null => {}
            Value::Array(_) => {
                for target in strings(value) {
                    self.add_depends(target, "depends_on", DependencyCriticality::Hard);
                }
            }
            Value::Object(targets) => {
                for (target, how) in targets {
                    let is_optional = how["required"] == Value::Bool(false);
                    let criticality = if is_optional {
                        DependencyCriticality::Degraded
                    } else {
                        DependencyCriticality::Hard
                    };
                    self.add_depends(target, "depends_on", criticality);
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                found.note(format!("{place}: depends_on of {} is no list", self.name.name));
            }
        }
    }

    fn add_depends(&mut self, target: &str, evidence: &'static str, criticality: DependencyCriticality) {
        if !target.is_empty() {
            let namespace = self.name.namespace.as_deref().unwrap_or_default();
            self.depends.push((Name::of(namespace, target), evidence, criticality));
        }
    }
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn hosts(name: &str, value: &Value) -> BTreeSet<String> {
    let own = [Some(name), value["container_name"].as_str(), value["hostname"].as_str()];
    let networks = value["networks"].as_object().into_iter().flatten();
    let aliases = networks.flat_map(|(_, network)| strings(&network["aliases"]));
    own.into_iter().flatten().chain(aliases).map(str::to_lowercase).collect()
}

fn settings(value: &Value) -> Vec<Setting> {
    let variable = |key: &str, value: &str| Setting {
        key: key.to_owned(),
        value: value.to_owned(),
        evidence: "environment",
    };
    let mut settings: Vec<Setting> = match &value["environment"] {
        Value::Object(members) => {
            members.iter().filter_map(|(key, value)| Some(variable(key, value.as_str()?))).collect()
        }
        list => strings(list)
            .filter_map(|entry| entry.split_once('='))
            .map(|(key, value)| variable(key, value))
            .collect(),
    };
    for member in ["entrypoint", "command"] {
        let words = value[member].as_str().into_iter().chain(strings(&value[member]));
        settings.extend(words.map(|words| Setting {
            key: String::new(),
            value: words.to_owned(),
            evidence: "command",
        }));
    }
    settings
}
