//! The rooms of the program: who may import whom, and which words may stand where. `tidy` holds the sources to it.

/// The wiring may use every room.
pub(crate) const ALL: &[&str] = &[
    "types",
    "limits",
    "json",
    "ledger",
    "graph",
    "apply",
    "query",
    "render",
    "ingest",
    "sources",
    "keys",
    "limiter",
    "durations",
    "traces",
    "seeded",
    "storage",
    "wal",
    "snapshot",
    "writer",
    "http",
    "config",
    "samples",
    "server",
    "cli",
    "telemetry",
    "clock",
    "environment",
];

/// Each room and what it may use beside itself. A new room gets a row before it gets code.
pub(crate) const ROOMS: [(&str, &[&str]); 30] = [
    ("types", &["limits"]),
    ("limits", &[]),
    ("json", &["types"]),
    ("ledger", &["types", "limits"]),
    ("graph", &["types", "limits", "json", "ledger"]),
    ("apply", &["types", "limits", "graph", "ledger", "campaign"]),
    ("query", &["types", "limits", "graph", "campaign"]),
    ("render", &["types", "json", "graph", "query", "ledger", "keys"]),
    ("ingest", &["types", "limits"]),
    ("sources", &["types", "limits", "graph", "writer"]),
    ("keys", &["types", "limits", "storage"]),
    ("limiter", &["types", "limits"]),
    ("durations", &["limits"]),
    ("traces", &["limits"]),
    ("storage", &["seeded"]),
    ("wal", &["types", "limits", "storage", "seeded", "campaign"]),
    ("snapshot", &["types", "limits", "graph", "ledger", "storage", "seeded", "campaign"]),
    (
        "writer",
        &[
            "types",
            "limits",
            "graph",
            "apply",
            "storage",
            "wal",
            "snapshot",
            "seeded",
            "campaign",
            "durations",
            "traces",
        ],
    ),
    ("seeded", &[]),
    ("environment", &[]),
    ("campaign", &["environment"]),
    (
        "http",
        &[
            "types",
            "limits",
            "json",
            "query",
            "render",
            "ingest",
            "graph",
            "writer",
            "keys",
            "limiter",
            "storage",
            "config",
            "durations",
            "clock",
            "traces",
            "sources",
        ],
    ),
    ("config", &["limits", "sources"]),
    ("samples", &["types", "limits", "ingest"]),
    ("server", ALL),
    ("cli", ALL),
    ("main", ALL),
    ("telemetry", ALL),
    ("clock", ALL),
    ("lib", ALL),
];

/// What the tests of a room may use beyond that, to hold it against what is built on it.
pub(crate) const TESTS_MAY_USE: [(&str, &[&str]); 4] = [
    ("query", &["apply"]),
    ("snapshot", &["apply", "query"]),
    ("writer", &["ledger"]),
    ("sources", &["storage", "wal", "clock"]),
];

/// Words and the places, by prefix of the path, where they may stand; tests may use what the last column says.
pub(crate) const BANS: [(&str, &[&str], Tests); 13] = [
    (
        "tokio",
        &["src/http", "src/cli", "src/server", "src/traces", "src/sources/clients", "src/sources/runner"],
        Tests::Banned,
    ),
    ("kube::", &["src/sources/clients/kubernetes"], Tests::Banned),
    ("opentelemetry", &["src/traces"], Tests::Banned),
    ("redis::", &["src/http/limit/shared.rs"], Tests::Banned),
    ("rkyv", &["src/snapshot/format"], Tests::Banned),
    ("arc_swap", &["src/writer/published.rs"], Tests::Banned),
    ("petgraph", &["src/query/view.rs"], Tests::Free),
    ("SystemTime", &["src/clock"], Tests::Banned),
    ("Instant::now", &["src/clock"], Tests::Banned),
    ("unsafe", &[], Tests::Banned),
    ("todo!", &[], Tests::Banned),
    ("unimplemented!", &[], Tests::Banned),
    (".unwrap()", &[], Tests::Free),
];

/// What tests may do with a word that is banned.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Tests {
    Banned,
    Free,
}
