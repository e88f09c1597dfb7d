//! Which protocol a scheme, a port or an image speaks for.
//!
//! - Only what is clear: an unknown word is no protocol.

use super::shapes::Port;

/// Words of schemes and port names, and the protocol's usual name.
const WORDS: &[(&str, &str)] = &[
    ("http", "http"),
    ("http2", "http"),
    ("h2c", "http"),
    ("https", "https"),
    ("ws", "websocket"),
    ("wss", "websocket"),
    ("grpc", "grpc"),
    ("grpcs", "grpc"),
    ("redis", "redis"),
    ("rediss", "redis"),
    ("postgres", "postgres"),
    ("postgresql", "postgres"),
    ("mysql", "mysql"),
    ("mariadb", "mysql"),
    ("mongo", "mongodb"),
    ("mongodb", "mongodb"),
    ("memcache", "memcached"),
    ("memcached", "memcached"),
    ("amqp", "amqp"),
    ("amqps", "amqp"),
    ("kafka", "kafka"),
    ("plaintext", "kafka"),
    ("sasl_plaintext", "kafka"),
    ("sasl_ssl", "kafka"),
    ("nats", "nats"),
    ("mqtt", "mqtt"),
    ("stomp", "stomp"),
    ("pulsar", "pulsar"),
];

/// Ports that belong to one protocol by custom.
const PORTS: &[(u16, &str)] = &[
    (3306, "mysql"),
    (4222, "nats"),
    (5432, "postgres"),
    (5672, "amqp"),
    (6379, "redis"),
    (9092, "kafka"),
    (11211, "memcached"),
    (27017, "mongodb"),
];

/// Schemes whose authority is no host of a service: files, buckets, images.
const OTHER_SCHEMES: &[&str] = &[
    "file",
    "unix",
    "classpath",
    "s3",
    "s3a",
    "gs",
    "gcs",
    "abfs",
    "docker",
    "oci",
    "containerd",
    "git",
    "urn",
];

/// Images of data stores by their last word, and what they are to an application.
const STORES: &[(&str, &str)] = &[
    ("redis", "cache"),
    ("valkey", "cache"),
    ("memcached", "cache"),
    ("postgres", "database"),
    ("postgresql", "database"),
    ("mysql", "database"),
    ("mysql-server", "database"),
    ("mariadb", "database"),
    ("mongo", "database"),
    ("mongodb", "database"),
    ("cassandra", "database"),
    ("clickhouse", "database"),
    ("clickhouse-server", "database"),
    ("cockroach", "database"),
    ("elasticsearch", "database"),
    ("opensearch", "database"),
    ("neo4j", "database"),
    ("influxdb", "database"),
    ("rabbitmq", "broker"),
    ("kafka", "broker"),
    ("cp-kafka", "broker"),
    ("nats", "broker"),
    ("pulsar", "broker"),
    ("activemq", "broker"),
];

fn word(text: &str) -> Option<&'static str> {
    WORDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, protocol)| *protocol)
}

/// Of `redis`, `jdbc:postgresql`, `mongodb+srv` and the like.
pub(super) fn of_scheme(scheme: &str) -> Option<&'static str> {
    scheme.split([':', '+']).find_map(word)
}

/// Whether what follows the scheme cannot name a service.
pub(super) fn is_other_scheme(scheme: &str) -> bool {
    OTHER_SCHEMES.iter().any(|other| scheme.eq_ignore_ascii_case(other))
}

/// Of a Service's port: what it says, what its name says (`grpc-web`, `tcp-redis`), or its number by custom.
pub(super) fn of_port(port: &Port) -> Option<&'static str> {
    let said = port.app_protocol.as_deref().map(|said| said.rsplit('/').next().unwrap_or(said));
    let named = || port.name.as_deref().and_then(|name| name.split('-').find_map(word));
    let by_custom = || PORTS.iter().find(|(number, _)| *number == port.port).map(|(_, protocol)| *protocol);
    said.and_then(word).or_else(named).or_else(by_custom)
}

/// Whether who speaks it does not wait for answers.
pub(super) fn is_asynchronous(protocol: &str) -> bool {
    matches!(protocol, "amqp" | "kafka" | "nats" | "mqtt" | "stomp" | "pulsar")
}

/// What the data store of an image is to an application: `cache`, `database` or `broker`.
pub(super) fn store(image: &str) -> Option<&'static str> {
    let name = image.rsplit('/').next().unwrap_or(image);
    let name = name.split([':', '@']).next().unwrap_or(name);
    STORES.iter().find(|(store, _)| *store == name).map(|(_, role)| *role)
}
