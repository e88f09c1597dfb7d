//! One vocabulary of protocols: which of them a scheme, a port or an image speaks for, whatever source names it.
//!
//! Not the judge of a source: what a mesh saw itself counts under the name it gives.
//!
//! - One protocol has one name, else the sources of one dependency would never agree: those of the fixtures' graphs,
//!   else the usual ones of OpenTelemetry and IANA. With TLS of its own only HTTP has another name, `https`.
//! - Only what is clear: an unknown word is no protocol, and neither is `tcp`.

use super::found::Uses;

/// Words of schemes and of port names, in lower case.
const WORDS: [(&str, &str); 43] = [
    ("amqp", "amqp"),
    ("amqps", "amqp"),
    ("bolt", "bolt"),
    ("cassandra", "cql"),
    ("cql", "cql"),
    ("elasticsearch", "http"),
    ("grpc", "grpc"),
    ("grpcs", "grpc"),
    ("h2c", "http"),
    ("http", "http"),
    ("http2", "http"),
    ("https", "https"),
    ("kafka", "kafka"),
    ("mariadb", "mysql"),
    ("memcache", "memcached"),
    ("memcached", "memcached"),
    ("mongo", "mongodb"),
    ("mongodb", "mongodb"),
    ("mqtt", "mqtt"),
    ("mqtts", "mqtt"),
    ("mssql", "tds"),
    ("mysql", "mysql"),
    ("nats", "nats"),
    ("neo4j", "bolt"),
    ("opensearch", "http"),
    ("plaintext", "kafka"),
    ("postgres", "postgresql"),
    ("postgresql", "postgresql"),
    ("pulsar", "pulsar"),
    ("redis", "redis"),
    ("rediss", "redis"),
    ("sasl_plaintext", "kafka"),
    ("sasl_ssl", "kafka"),
    ("smtp", "smtp"),
    ("smtps", "smtp"),
    ("sqlserver", "tds"),
    ("stomp", "stomp"),
    ("tds", "tds"),
    ("valkey", "redis"),
    ("valkeys", "redis"),
    ("websocket", "websocket"),
    ("ws", "websocket"),
    ("wss", "websocket"),
];

/// Ports that belong to one protocol by custom.
const PORTS: [(u16, &str); 19] = [
    (25, "smtp"),
    (587, "smtp"),
    (1433, "tds"),
    (1883, "mqtt"),
    (2379, "grpc"),
    (3306, "mysql"),
    (4222, "nats"),
    (5432, "postgresql"),
    (5671, "amqp"),
    (5672, "amqp"),
    (6379, "redis"),
    (6650, "pulsar"),
    (7687, "bolt"),
    (9042, "cql"),
    (9092, "kafka"),
    (9200, "http"),
    (11211, "memcached"),
    (27017, "mongodb"),
    (61613, "stomp"),
];

/// Schemes whose authority is no host of a service: files, buckets, images.
const NOT_HOSTS: [&str; 13] = [
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

/// What a data store is to an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// What is in it can be made again.
    Cache,
    /// Keeps records.
    Database,
    /// Passes messages on.
    Broker,
    /// Keeps files.
    Storage,
}

impl Role {
    /// The name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Database => "database",
            Self::Broker => "broker",
            Self::Storage => "storage",
        }
    }
}

/// A kind of data store or broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Store {
    /// How it is talked to.
    pub(super) protocol: &'static str,
    /// What it is.
    pub(super) role: Role,
}

const fn cache(protocol: &'static str) -> Store {
    Store { protocol, role: Role::Cache }
}

const fn database(protocol: &'static str) -> Store {
    Store { protocol, role: Role::Database }
}

const fn broker(protocol: &'static str) -> Store {
    Store { protocol, role: Role::Broker }
}

const fn storage(protocol: &'static str) -> Store {
    Store { protocol, role: Role::Storage }
}

/// By a word of the image's name.
const STORES: [(&str, Store); 36] = [
    ("activemq", broker("amqp")),
    ("artemis", broker("amqp")),
    ("cassandra", database("cql")),
    ("clickhouse", database("http")),
    ("cockroach", database("postgresql")),
    ("cockroachdb", database("postgresql")),
    ("couchdb", database("http")),
    ("dragonfly", cache("redis")),
    ("elasticsearch", database("http")),
    ("emqx", broker("mqtt")),
    ("etcd", database("grpc")),
    ("influxdb", database("http")),
    ("kafka", broker("kafka")),
    ("keydb", cache("redis")),
    ("mariadb", database("mysql")),
    ("memcached", cache("memcached")),
    ("minio", storage("http")),
    ("mongo", database("mongodb")),
    ("mongodb", database("mongodb")),
    ("mosquitto", broker("mqtt")),
    ("mssql", database("tds")),
    ("mysql", database("mysql")),
    ("nats", broker("nats")),
    ("neo4j", database("bolt")),
    ("opensearch", database("http")),
    ("percona", database("mysql")),
    ("postgis", database("postgresql")),
    ("postgres", database("postgresql")),
    ("postgresql", database("postgresql")),
    ("pulsar", broker("pulsar")),
    ("rabbitmq", broker("amqp")),
    ("redis", cache("redis")),
    ("redpanda", broker("kafka")),
    ("scylla", database("cql")),
    ("timescaledb", database("postgresql")),
    ("valkey", cache("redis")),
];

/// Words that make of a store's image a tool for it, or something that uses it.
const TOOLS: [&str; 34] = [
    "adapter",
    "admin",
    "agent",
    "api",
    "app",
    "backup",
    "bridge",
    "cli",
    "client",
    "commander",
    "connect",
    "console",
    "consumer",
    "controller",
    "dashboards",
    "demo",
    "exporter",
    "express",
    "gateway",
    "init",
    "insight",
    "manager",
    "migrate",
    "operator",
    "producer",
    "proxy",
    "registry",
    "rest",
    "service",
    "sidecar",
    "sync",
    "test",
    "ui",
    "worker",
];

/// The protocol of a word; `None` for one that is none.
pub(super) fn of_word(word: &str) -> Option<&'static str> {
    WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).map(|(_, protocol)| *protocol)
}

/// Of a scheme such as `redis`, `jdbc:postgresql`, `mongodb+srv`.
pub(super) fn of_scheme(scheme: &str) -> Option<&'static str> {
    scheme.split([':', '+']).find_map(of_word)
}

/// Whether what follows the scheme cannot name a service.
pub(super) fn has_no_host(scheme: &str) -> bool {
    NOT_HOSTS.iter().any(|other| scheme.eq_ignore_ascii_case(other))
}

/// Of a port, by custom.
pub(super) fn of_port(port: u16) -> Option<&'static str> {
    PORTS.iter().find(|(known, _)| *known == port).map(|(_, protocol)| *protocol)
}

/// Whether who speaks it does not wait for answers.
pub(super) fn is_asynchronous(protocol: &str) -> bool {
    matches!(protocol, "amqp" | "kafka" | "mqtt" | "nats" | "pulsar" | "stomp")
}

/// How something is used over a protocol; with none, answers are waited for.
pub(super) fn uses(protocol: Option<&str>) -> Uses {
    let uses = if protocol.is_some_and(is_asynchronous) { Uses::asynchronous() } else { Uses::sync() };
    uses.over(protocol.unwrap_or_default())
}

/// The store that an image is; or what is called so, where there is no image. O(image).
pub(super) fn store(image: &str) -> Option<Store> {
    // Registry, path, tag and digest are not the name; a tag may be a variable with a slash in its default.
    let image = image.split('@').next().unwrap_or_default();
    let last = image.rsplit('/').find(|part| !part.starts_with('}')).unwrap_or_default();
    let last = last.split(':').next().unwrap_or_default().to_lowercase();
    let words = || last.split(['-', '_', '.']);
    if words().any(|word| TOOLS.contains(&word)) {
        return None;
    }
    words().find_map(|word| STORES.iter().find(|(known, _)| *known == word)).map(|(_, store)| *store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_known_by_their_images() {
        let cases = [
            ("postgres:16", Some(database("postgresql"))),
            ("${REPO}/rs-mysql-db:${TAG}", Some(database("mysql"))),
            ("docker.io/bitnami/kafka:3.6@sha256:00", Some(broker("kafka"))),
            ("confluentinc/cp-kafka", Some(broker("kafka"))),
            ("localhost:5000/redis", Some(cache("redis"))),
            ("docker.elastic.co/elasticsearch/elasticsearch:8.1.0", Some(database("http"))),
            ("mongo-express", None),
            ("company/kafka-consumer:1", None),
            ("company/redisson-app", None),
            ("redis/company", None),
            ("", None),
            ("web", None),
        ];
        for (image, expected) in cases {
            assert_eq!(store(image), expected, "{image}");
        }
    }

    #[test]
    fn schemes_and_ports_speak_for_protocols() {
        let cases = [
            ("amqps", Some("amqp")),
            ("postgres", Some("postgresql")),
            ("postgresql+asyncpg", Some("postgresql")),
            ("jdbc:postgresql", Some("postgresql")),
            ("mongodb+srv", Some("mongodb")),
            ("HTTPS", Some("https")),
            ("SASL_SSL", Some("kafka")),
            ("tcp", None),
            ("", None),
        ];
        for (scheme, expected) in cases {
            assert_eq!(of_scheme(scheme), expected, "{scheme}");
        }
        assert_eq!((of_port(5432), of_port(8080)), (Some("postgresql"), None));
        assert!(has_no_host("S3") && !has_no_host("redis"));
    }

    /// Whatever names it, one protocol has one name, and a broker is one by its protocol too.
    #[test]
    fn the_tables_agree() {
        for (word, store) in STORES {
            if let Some(protocol) = of_word(word) {
                assert_eq!(protocol, store.protocol, "{word}");
            }
            assert_eq!(is_asynchronous(store.protocol), store.role == Role::Broker, "{word}");
            assert!(!TOOLS.contains(&word), "{word}");
        }
        let named = PORTS.iter().map(|(_, protocol)| protocol);
        for protocol in named.chain(STORES.iter().map(|(_, store)| &store.protocol)) {
            assert_eq!(of_word(protocol), Some(*protocol), "every name names itself");
        }
        assert!(WORDS.is_sorted_by_key(|(word, _)| *word) && STORES.is_sorted_by_key(|(word, _)| *word));
        assert!(PORTS.is_sorted() && TOOLS.is_sorted());
    }
}
