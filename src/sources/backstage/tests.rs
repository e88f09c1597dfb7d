//! Catalogs, read: that of the fixture, every way to refer to another entity, and damage.

use std::path::Path;

use super::*;
use crate::sources::formats::testing::{check_graph, mutate_texts};
use crate::sources::testing::{check_golden, fixture, lines};
use crate::sources::{Name, Uses};

/// The catalog of the fixture: its files, each with its path.
fn files() -> Vec<(String, String)> {
    const FILES: [&str; 15] = [
        "catalog-info",
        "components/frontend-component",
        "components/service/gateway-component",
        "components/service/order-component",
        "components/service/product-component",
        "components/service/shipping-component",
        "groups/department",
        "groups/org",
        "groups/team",
        "resources/auth-server-resource",
        "resources/config-server-resource",
        "resources/gemfire-resource",
        "resources/observability-resource",
        "resources/postgres-resource",
        "resources/rabbit-resource",
    ];
    let file = |name: &str| {
        let path = Path::new("backstage-sc-architecture/raw").join(name).with_extension("yaml");
        let path = path.to_str().unwrap();
        (format!("{name}.yaml"), fixture(path))
    };
    FILES.into_iter().chain(["systems/sc-architecture-system"]).map(file).collect()
}

fn documents(files: &[(String, String)]) -> Vec<Document<'_>> {
    files.iter().map(|(path, text)| Document { path, text }).collect()
}

/// Nodes, their metadata and the pairs of edges are those there. Of the edges two things differ: there,
/// `observability` is needed less than others and `postgres-1` speaks `postgresql`, which the files do not say. Said here
/// and not there: resources are external, and what is experimental matters little.
#[test]
fn the_catalog_of_the_fixture() {
    let files = files();
    let found = parse(&documents(&files));
    check_golden("backstage/sc-architecture.txt", &found);
    check_graph(&found, "backstage-sc-architecture/graph.json", ToOwned::to_owned, &[], &[]);
    let mut turned = documents(&files);
    turned.reverse();
    assert_eq!(parse(&turned), found);
    let messages = &found.dependencies()[&(Name::bare("order-service"), Name::bare("rmq-1"))];
    assert_eq!(messages.mode, Uses::asynchronous().mode);
}

fn component(name: &str, rest: &str) -> String {
    format!("---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\n{rest}\n")
}

#[test]
fn every_way_to_refer_to_another_entity() {
    let text = [
        component("Web", "spec: {type: website, owner: 'group:default/shop', dependsOn: [component:CART, resource:web, api:pay, payments]}"),
        component("cart", "spec: {owner: user:jane, tier: 1, consumesApis: [pay, events/Stream, gone], dependencyOf: ['component:batch']}"),
        component("pay", "spec: {providesApis: [pay], subcomponentOf: cart, system: 'default/money'}"),
        component("x, namespace: events", "spec: {providesApis: [stream], dependsOn: [resource:topic, 'component:default/x']}"),
        component("x", "relations: [{type: dependsOn, targetRef: 'component:default/cart'}, {type: ownedBy, targetRef: 'group:default/core'}, {type: hasPart, targetRef: 'component:default/y'}]"),
        component("x", "spec: {dependsOn: [system:default/money, 'a:b:c', 5, '${{ values.x }}'], providesApis: pay}"),
        component("'${{ values.name }}'", "spec: {}"),
        "---\napiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: pay}\nspec: {type: grpc}\nrelations: [{type: apiConsumedBy, targetRef: component:default/web}]\n".to_owned(),
        "---\napiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: stream, namespace: events}\nspec: {type: asyncapi}\n".to_owned(),
        "---\napiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata: {name: Topic, namespace: events}\nspec: {type: kafka-topic}\n".to_owned(),
        "---\napiVersion: v1\nkind: Service\n---\napiVersion: backstage.io/v1alpha1\nkind: Component\n---\nkind: [\n---\nname: {{ x }}\n".to_owned(),
    ];
    let found = parse(&[Document { path: "catalog-info.yaml", text: &text.concat() }]);
    check_golden("backstage/references.txt", &found);
    let mut turned = text;
    turned[..10].reverse();
    let again = parse(&[Document { path: "catalog-info.yaml", text: &turned.concat() }]);
    let without_notes = |found: &Found| {
        let text = lines(found);
        text.lines().filter(|line| !line.starts_with("note")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(without_notes(&again), without_notes(&found));
}

#[test]
fn an_api_of_all_with_all_stays_bounded() {
    let text: String = (0..1000)
        .map(|n| component(&format!("c{n}"), "spec: {providesApis: [a], consumesApis: [a]}"))
        .collect();
    let found = parse(&[Document { path: "x", text: &text }]);
    assert!(found.dependencies().len() <= crate::limits::CATALOG_API_DEPENDENCIES_MAX);
    assert_eq!(found.notes().len(), 1);
}

#[test]
fn whatever_is_given_is_parsed() {
    let files = files();
    let texts: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
    mutate_texts(3000, &texts, parse);
}
