//! Compose files, read: that of the fixture, every way to name another service, and damage.

use super::*;
use crate::sources::formats::testing::{check_graph, mutate};
use crate::sources::testing::{check_golden, fixture, lines};

const FILE: &str = "robot-shop/raw/docker-compose.yaml";

/// Ours are the nodes and edges there, with the modes and protocols there (see the golden file). Only the images
/// differ: there, Compose had filled in variables that were not set, `/rs-cart:` for `${REPO}/rs-cart:${TAG}`.
#[test]
fn the_services_of_the_fixture() {
    let text = fixture(FILE);
    let found = parse(&[Document { path: "docker-compose.yaml", text: &text }]);
    check_golden("compose/robot-shop.txt", &found);
    check_graph(&found, "robot-shop/graph.json", ToOwned::to_owned, &[], &["image"]);
    let graph: Value = serde_json::from_str(&fixture("robot-shop/graph.json")).unwrap();
    let edges = graph["edges"].as_array().unwrap();
    for edge in edges {
        let end = |member: &str| Name::bare(edge[member].as_str().unwrap());
        let uses = &found.dependencies()[&(end("source"), end("target"))];
        let attributes = &edge["attributes"];
        assert_eq!(attributes["communication_mode"], uses.mode.as_str(), "{edge}");
        assert_eq!(attributes["criticality"], uses.criticality.as_str(), "{edge}");
        assert_eq!(attributes["protocol"].as_str(), uses.protocol.as_deref(), "{edge}");
    }
}

#[test]
fn every_way_to_name_another_service() {
    let base = "\
name: shop
include: [other.yaml]
services:
  web:
    build: {context: ./web}
    depends_on:
      api: {condition: service_healthy}
      cache: {condition: service_started, required: false}
    links: ['search:find']
    env_file: .env
  api:
    image: ${REPO:-x}/api
    environment:
      - DATABASE_URL=postgres://shop:secret@primary:5432/shop
      - QUEUE=amqp://queue
      - CACHE_HOST=cache
      - KIND=cache
      - SELF=http://api:80
      - OUTSIDE=https://pay.example.com
      - EMPTY
    command: [--metrics, 'metrics:9090']
  db:
    image: postgres:16
    networks: {default: {aliases: [primary]}}
  cache: {image: 'valkey/valkey:8'}
  queue: {build: ./queue}
  metrics:
  job:
    extends: {service: api}
    depends_on: [api, gone]
  bad: 5
  worse: {depends_on: api}
";
    let overriding =
        "services:\n  web:\n    image: web:1\n    environment: {API: 'http://api/', N: 5}\n  api: {}\n";
    let documents = [
        Document { path: "compose.yaml", text: base },
        Document { path: "override.yaml", text: overriding },
        Document { path: "values.yaml", text: "a: 1\n---\n{{ if }}\n---\nb: [\n" },
    ];
    let found = parse(&documents);
    check_golden("compose/ways.txt", &found);
    let turned = [documents[2], documents[0], documents[1]];
    assert_eq!(lines(&parse(&turned)), lines(&found));
}

/// As manifests of the same services would say it.
#[test]
fn an_address_tells_the_protocol_better_than_an_image() {
    let cases = [
        ("elasticsearch:8", "X=https://store:9200", "sync https"),
        ("elasticsearch:8", "X=store:9200", "sync http"),
        ("rabbitmq:3", "X=http://store:15672", "sync http"),
        ("rabbitmq:3", "X=tcp://store", "async amqp"),
        ("postgres:16", "X=y", "sync postgresql"),
        ("custom", "X=postgres://store", "sync postgresql"),
        ("custom", "X=y", "sync -"),
    ];
    for (image, setting, expected) in cases {
        let text = format!(
            "services:\n  web: {{environment: ['{setting}'], depends_on: [store]}}\n  store: {{image: '{image}'}}\n"
        );
        let found = parse(&[Document { path: "compose.yaml", text: &text }]);
        let uses = &found.dependencies()[&(Name::bare("web"), Name::bare("store"))];
        let actual = format!("{} {}", uses.mode.as_str(), uses.protocol.as_deref().unwrap_or("-"));
        assert_eq!(actual, expected, "{image} {setting}");
    }
}

#[test]
fn whatever_is_given_is_parsed() {
    mutate(1000, &[FILE], parse);
}
