//! What an entity says of itself, as metadata; and what its type says of how it is used.
//!
//! How much a service matters is said, from the strongest on, by
//!
//! | said by | means |
//! |---|---|
//! | a label or annotation `criticality` or `…/criticality`, `spec.criticality` | one of our four words, as it is |
//! | `spec.tier`, a label or annotation `tier` or `…/tier`: `1`, `tier-1`, `Tier 1`, `t1`; 0 to 4 | 0 and 1 critical, 2 high, 3 medium, 4 low |
//! | `spec.lifecycle` `experimental` or `deprecated` | low |
//!
//! `production` says nothing: nearly all is in production.

use serde_json::Value;

use super::entity::{Entity, is_template};
use super::reference::Reference;
use crate::sources::{Seen, Uses};
use crate::types::Criticality;

/// What a component or resource says of itself.
pub(super) fn describe(entity: &Entity<'_>) -> Seen {
    let mut seen = Seen::default();
    seen.say("kind", entity.kind);
    if entity.key.kind == "resource" {
        seen.external();
    }
    for member in ["type", "lifecycle"] {
        say(&mut seen, member, entity.spec(member).as_str());
    }
    let related = |relation: &str, kind: &str| {
        let targets = entity.relations().filter(|(name, _)| *name == relation).map(|(_, target)| target);
        targets.filter_map(|target| name_of(target, kind)).min()
    };
    say(&mut seen, "team", name_of(entity.spec("owner"), "").or_else(|| related("ownedBy", "")));
    say(
        &mut seen,
        "system",
        name_of(entity.spec("system"), "system").or_else(|| related("partOf", "system")),
    );
    say(&mut seen, "subcomponent_of", name_of(entity.spec("subcomponentOf"), "component"));
    let tier = entity_said(entity, "tier").find_map(|value| Some((value, tier(value)?)));
    if let Some((value, _)) = tier {
        seen.say("tier", value.clone());
    }
    let criticality =
        entity_said(entity, "criticality").find_map(|value| Criticality::parse(value.as_str()?));
    let lifecycle =
        entity.spec("lifecycle").as_str().filter(|name| matches!(*name, "experimental" | "deprecated"));
    let criticality = criticality.or(tier.map(|(_, tier)| tier)).or(lifecycle.map(|_| Criticality::Low));
    say(&mut seen, "criticality", criticality.map(Criticality::as_str));
    seen
}

fn say(seen: &mut Seen, member: &str, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !is_template(text)) {
        seen.say(member, text);
    }
}

/// The name in a reference to that kind, or to any for an empty one.
fn name_of<'v>(value: &'v Value, kind: &str) -> Option<&'v str> {
    let reference = Reference::parse(value.as_str()?)?;
    let fits = kind.is_empty() || reference.kind.is_none_or(|given| given.eq_ignore_ascii_case(kind));
    fits.then_some(reference.name)
}

/// What `spec`, labels and annotations say under a key, or under one that ends so.
fn entity_said<'v>(entity: &Entity<'v>, key: &'static str) -> impl Iterator<Item = &'v Value> {
    let metadata = &entity.document["metadata"];
    let maps = ["labels", "annotations"].into_iter().filter_map(|map| metadata[map].as_object());
    let is_it =
        move |name: &str| name == key || name.strip_suffix(key).is_some_and(|rest| rest.ends_with('/'));
    let tagged =
        maps.flat_map(move |map| map.iter().filter(move |(name, _)| is_it(name)).map(|(_, value)| value));
    [entity.spec(key)].into_iter().chain(tagged)
}

/// What a tier means.
fn tier(value: &Value) -> Option<Criticality> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.to_lowercase(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let number = text.strip_prefix("tier").or(text.strip_prefix('t')).unwrap_or(&text);
    match number.trim_start_matches(['-', '_', ' ']) {
        "0" | "1" => Some(Criticality::Critical),
        "2" => Some(Criticality::High),
        "3" => Some(Criticality::Medium),
        "4" => Some(Criticality::Low),
        _ => Criticality::parse(&text),
    }
}

/// How something of that type is used by those that depend on it.
pub(super) fn uses(of_type: &str) -> Uses {
    // Words of the types that catalogs have: `messaging-system`, `kafka-topic`, `sqs-queue`.
    const BROKERS: [&str; 12] = [
        "messaging",
        "message",
        "queue",
        "topic",
        "broker",
        "kafka",
        "rabbitmq",
        "amqp",
        "sqs",
        "sns",
        "pubsub",
        "event",
    ];
    let of_type = of_type.to_lowercase();
    let is_broker =
        of_type.split(|letter: char| !letter.is_alphanumeric()).any(|word| BROKERS.contains(&word));
    if is_broker { Uses::asynchronous() } else { Uses::sync() }
}

/// How an API of that type is used.
pub(super) fn uses_of_api(of_type: &str) -> Uses {
    match of_type {
        "asyncapi" => Uses::asynchronous(),
        "openapi" => Uses::sync().over("http"),
        "grpc" | "graphql" => Uses::sync().over(of_type),
        _ => Uses::sync(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sources::backstage::entity::Read;

    #[test]
    fn the_strongest_word_on_how_much_it_matters_counts() {
        let cases = [
            (json!({"tier": 1}), json!({}), Some("critical")),
            (json!({"tier": "Tier 2"}), json!({}), Some("high")),
            (json!({}), json!({"labels": {"example.com/tier": "tier-3"}}), Some("medium")),
            (
                json!({}),
                json!({"labels": {"tier": "frontend"}, "annotations": {"x/tier": "t4"}}),
                Some("low"),
            ),
            (json!({"tier": 1}), json!({"annotations": {"x/criticality": "low"}}), Some("low")),
            (json!({"tier": "critical"}), json!({}), Some("critical")),
            (json!({"lifecycle": "experimental"}), json!({}), Some("low")),
            (json!({"lifecycle": "deprecated", "tier": 2}), json!({}), Some("high")),
            (json!({"lifecycle": "production"}), json!({}), None),
            (json!({"tier": 9}), json!({"labels": {"frontier": "1"}}), None),
        ];
        for (spec, mut metadata, expected) in cases {
            metadata["name"] = json!("x");
            let document = json!({"apiVersion": "backstage.io/v1", "kind": "Component", "metadata": metadata, "spec": spec});
            let Read::Entity(entity) = Entity::read(&document) else { panic!("{document}") };
            let seen = describe(&entity);
            assert_eq!(seen.members().get("criticality").and_then(Value::as_str), expected, "{document}");
        }
    }

    #[test]
    fn brokers_are_not_waited_for() {
        for (of_type, is_async) in [
            ("messaging-system", true),
            ("Kafka_Topic", true),
            ("database", false),
            ("", false),
            ("topical", false),
        ] {
            assert_eq!(uses(of_type) == Uses::asynchronous(), is_async, "{of_type}");
        }
    }
}
