//! Which images are data stores and brokers, and how those are talked to.

use crate::sources::Uses;

/// A kind of data store or broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Store {
    protocol: &'static str,
    is_broker: bool,
}

impl Store {
    /// How it is used.
    pub(super) fn uses(self) -> Uses {
        let uses = if self.is_broker { Uses::asynchronous() } else { Uses::sync() };
        uses.over(self.protocol)
    }

    /// The one that URLs of a scheme lead to.
    pub(super) fn of_scheme(scheme: &str) -> Option<Self> {
        let plain = scheme.split('+').next().unwrap_or_default();
        let plain = match plain {
            "amqps" => "amqp",
            "rediss" => "redis",
            "mqtts" => "mqtt",
            plain => plain,
        };
        SCHEMES.iter().find(|(known, _)| *known == plain).map(|(_, store)| *store)
    }
}

const fn store(protocol: &'static str) -> Store {
    Store { protocol, is_broker: false }
}

const fn broker(protocol: &'static str) -> Store {
    Store { protocol, is_broker: true }
}

const SCHEMES: [(&str, Store); 10] = [
    ("amqp", broker("amqp")),
    ("kafka", broker("kafka")),
    ("mariadb", store("mysql")),
    ("mongodb", store("mongodb")),
    ("mqtt", broker("mqtt")),
    ("mysql", store("mysql")),
    ("nats", broker("nats")),
    ("postgres", store("postgresql")),
    ("postgresql", store("postgresql")),
    ("redis", store("redis")),
];

/// By a word of the image's name.
const IMAGES: [(&str, Store); 34] = [
    ("activemq", broker("amqp")),
    ("artemis", broker("amqp")),
    ("cassandra", store("cql")),
    ("clickhouse", store("http")),
    ("cockroach", store("postgresql")),
    ("couchdb", store("http")),
    ("dragonfly", store("redis")),
    ("elasticsearch", store("http")),
    ("emqx", broker("mqtt")),
    ("etcd", store("grpc")),
    ("influxdb", store("http")),
    ("kafka", broker("kafka")),
    ("keydb", store("redis")),
    ("mariadb", store("mysql")),
    ("memcached", store("memcached")),
    ("minio", store("http")),
    ("mongo", store("mongodb")),
    ("mongodb", store("mongodb")),
    ("mosquitto", broker("mqtt")),
    ("mssql", store("tds")),
    ("mysql", store("mysql")),
    ("nats", broker("nats")),
    ("neo4j", store("bolt")),
    ("opensearch", store("http")),
    ("postgis", store("postgresql")),
    ("postgres", store("postgresql")),
    ("postgresql", store("postgresql")),
    ("pulsar", broker("pulsar")),
    ("rabbitmq", broker("amqp")),
    ("redis", store("redis")),
    ("redpanda", broker("kafka")),
    ("scylla", store("cql")),
    ("timescaledb", store("postgresql")),
    ("valkey", store("redis")),
];

/// Words that make of a store's image a tool for it.
const TOOLS: [&str; 16] = [
    "admin",
    "backup",
    "cli",
    "client",
    "commander",
    "connect",
    "console",
    "dashboards",
    "exporter",
    "express",
    "init",
    "insight",
    "manager",
    "migrate",
    "proxy",
    "ui",
];

/// The store that an image is, or a service without an image by its name.
pub(super) fn store_of(image: Option<&str>, name: &str) -> Option<Store> {
    let image = image.unwrap_or(name);
    // Registry, path, tag and digest are not the name; a tag may be a variable with a slash in its default.
    let image = image.split('@').next().unwrap_or_default();
    let last = image.rsplit('/').find(|part| !part.starts_with('}')).unwrap_or_default();
    let last = last.split(':').next().unwrap_or_default().to_lowercase();
    let words = || last.split(['-', '_', '.']);
    if words().any(|word| TOOLS.contains(&word)) {
        return None;
    }
    words().find_map(|word| IMAGES.iter().find(|(known, _)| *known == word)).map(|(_, store)| *store)
}

/// What a URL's scheme says of the protocol, empty for nothing.
pub(super) fn protocol_of_scheme(scheme: &str) -> &'static str {
    match scheme {
        "http" | "https" => "http",
        "grpc" | "grpcs" => "grpc",
        "ws" | "wss" => "websocket",
        "tcp" => "tcp",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_known_by_their_images() {
        let cases = [
            (Some("postgres:16"), "db", Some("postgresql")),
            (Some("${REPO}/rs-mysql-db:${TAG}"), "db", Some("mysql")),
            (Some("docker.io/bitnami/kafka:3.6@sha256:00"), "x", Some("kafka")),
            (Some("localhost:5000/redis"), "x", Some("redis")),
            (Some("mongo-express"), "mongodb", None),
            (Some("company/redisson-app"), "x", None),
            (Some(""), "redis", None),
            (None, "redis", Some("redis")),
            (None, "web", None),
        ];
        for (image, name, expected) in cases {
            assert_eq!(store_of(image, name).map(|store| store.protocol), expected, "{image:?} {name}");
        }
        assert_eq!(Store::of_scheme("amqps"), Some(broker("amqp")));
        assert_eq!(Store::of_scheme("postgresql+asyncpg"), Some(store("postgresql")));
        assert_eq!(Store::of_scheme("http"), None);
    }
}
