//! Every bound of the product, unit last. Reaching one is an error with a name.

use std::num::NonZeroU32;
use std::time::Duration;

/// A service id, in bytes of UTF-8.
pub const SERVICE_ID_BYTES_MAX: usize = 255;
/// A team name, in bytes.
pub const TEAM_BYTES_MAX: usize = 255;
/// One metadata object, in bytes of compact JSON.
pub const METADATA_BYTES_MAX: usize = 16 * 1024;
/// A protocol name, in bytes.
pub const PROTOCOL_BYTES_MAX: usize = 50;
/// A dependency's time-out: a day.
pub const TIMEOUT_MS_MAX: u32 = 86_400_000;
/// A dependency's retries.
pub const RETRIES_MAX: u8 = 100;
/// How far ahead of our clock a source's may be.
pub const CLOCK_SKEW_MAX_SECONDS: i64 = 5 * 60;
/// Who asks for a change, in bytes.
pub const ACTOR_BYTES_MAX: usize = 255;
/// Who acknowledges an alert, and how one was resolved, in bytes each.
pub const ALERT_TEXT_BYTES_MAX: usize = 1024;
/// A key that marks a request as the same when it is sent again, in characters.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;
/// Commands that are remembered by such a key.
pub const REMEMBERED_COMMANDS_MAX: usize = 16_384;
/// What they take in memory altogether, about; one alone may be larger.
pub const REMEMBERED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long they are remembered.
pub const REMEMBERED_HOURS: i64 = 24;
/// Entries of the audit log; when there are more, the oldest 64 go.
pub const AUDIT_ENTRIES_MAX: usize = 65_536;
/// Alerts whose cycle is gone; when there are more, the one detected first goes.
pub const ALERTS_INACTIVE_MAX: usize = 10_000;

/// Services in a graph, removed ones among them. Node indexes are `u32`.
pub const GRAPH_SERVICES_MAX: u32 = 16_000_000;
/// Dependencies in a graph.
pub const GRAPH_DEPENDENCIES_MAX: u64 = 200_000_000;

/// The values of one JSON document: what an attacker can make us allocate per byte is bounded by it.
pub const JSON_VALUES_MAX: usize = 2_000_000;

/// Hops of a dependency query.
pub const QUERY_DEPTH_MAX: u8 = 10;
/// Hops of a dependency query, unless the caller asks for another number.
pub const QUERY_DEPTH_DEFAULT: u8 = 3;
/// Services in one answer.
pub const QUERY_NODES_MAX: u32 = 1_000_000;
/// Services in one answer, unless the caller asks for another bound.
pub const QUERY_NODES_DEFAULT: u32 = 10_000;
/// Dependencies that a traversal may look at on an async thread, about 0.2 ms of work.
pub const QUERY_INLINE_EDGES_MAX: u64 = 20_000;
/// Traversals that run at once off the async threads.
pub const QUERY_HEAVY_CONCURRENT_MAX: usize = 8;
/// Dependencies that any traversal may look at.
pub const QUERY_HEAVY_EDGES_MAX: u64 = 50_000_000;
/// How long work waits for its turn off the async threads.
pub const LANE_WAIT: Duration = Duration::from_secs(2);
/// Services in one page of a listing.
pub const PAGE_ITEMS_MAX: usize = 100;
/// Services in one page, unless the caller asks for another number.
pub const PAGE_ITEMS_DEFAULT: usize = 20;
/// Services of a graph whose listings are filtered on an async thread.
pub const LIST_INLINE_SERVICES_MAX: u32 = 5_000;
/// Paths in one answer.
pub const PATHS_MAX: u32 = 100;
/// Paths in one answer, unless the caller asks for another number.
pub const PATHS_DEFAULT: usize = 5;
/// Services on all paths of one answer.
pub const PATHS_SERVICES_MAX: usize = 200_000;
/// Critical services that are compared by their dependents.
pub const CRITICAL_COMPARED_MAX: usize = 1_024;
/// A query string, in bytes.
pub const QUERY_STRING_BYTES_MAX: usize = 32 * 1024;

/// Hops of an impact query.
pub const IMPACT_DEPTH_MAX: u8 = 100;
/// Hops of an impact query, unless the caller asks for another number.
pub const IMPACT_DEPTH_DEFAULT: u8 = 10;
/// Services that fail at once.
pub const IMPACT_FAILING_MAX: usize = 100;
/// Hops of an SLO impact analysis.
pub const SLO_DEPTH_MAX: u8 = 100;
/// Hops of an SLO impact analysis, unless the caller asks for another number.
pub const SLO_DEPTH_DEFAULT: u8 = 3;
/// The availability of a service of which nothing is known, a ratio.
pub const AVAILABILITY_DEFAULT_RATIO: f64 = 0.999;
/// What is taken off an external provider's promise, a ratio.
pub const SLA_DEDUCTION_RATIO: f64 = 0.001;

/// Answers longer than this are streamed.
pub const ANSWER_WHOLE_BYTES_MAX: usize = 256 * 1024;
/// One piece of a streamed answer.
pub const ANSWER_PIECE_BYTES: usize = 64 * 1024;
/// All answers that are kept for those who ask the same again, in bytes.
pub const KEPT_ANSWERS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// All long answers that are kept or, having been kept, are under way to somebody, in bytes.
pub const KEPT_LONG_BYTES_MAX: usize = 32 * 1024 * 1024;
/// An answer that is kept, in bytes.
pub const KEPT_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Questions of which it is remembered that they were asked once.
pub const ASKED_ONCE_MAX: usize = 64 * 1024;
/// Snapshots that are downloaded at once; each holds its file open.
pub const DOWNLOADS_CONCURRENT_MAX: usize = 16;
/// A request body, unless set otherwise.
pub const BODY_BYTES_DEFAULT: usize = 10 * 1024 * 1024;
/// Bodies up to this size are parsed on the async thread that read them.
pub const BODY_INLINE_BYTES_MAX: usize = 32 * 1024;
/// Request bodies that are parsed at once; the others wait their turn.
pub const BODY_CONCURRENT_MAX: usize = 4;
/// All bodies from their first byte to the reply, in KiB; twice the largest body where that is more.
pub const BODIES_KIB_MAX: usize = 256 * 1024;
/// Room for bodies is taken in pieces of this size, in KiB.
pub const BODY_ROOM_KIB: u32 = 64;
/// A line of an import, in bytes.
pub const IMPORT_LINE_BYTES_MAX: usize = 1024 * 1024;
/// Entries of an import that are applied at once. Cycles are brought up to date once for each batch: in batches of
/// 2,000 graph L came in in 7.5 s, in these in 4.0 (`cargo bench --bench http`).
pub const IMPORT_BATCH_ENTRIES: usize = 8_000;
/// Bytes of lines that are applied at once, or one line more.
pub const IMPORT_BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Imports at once.
pub const IMPORTS_CONCURRENT_MAX: usize = 8;
/// Lines of an import's answer that wait to be sent; progress that finds no room is not told.
pub const IMPORT_ANSWER_LINES_MAX: usize = 16;
/// How often a batch is offered to a writer that is busy, and how long between.
pub const IMPORT_RETRIES_MAX: u32 = 300;
/// Between two offers.
pub const IMPORT_RETRY_WAIT: Duration = Duration::from_millis(100);
/// A request head, in bytes.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Headers of a request.
pub const HEADERS_MAX: usize = 100;
/// How long a connection may rest between requests.
pub const CONNECTION_IDLE: Duration = Duration::from_secs(75);
/// How long a closing connection still takes what its peer sends.
pub const LINGER: Duration = Duration::from_secs(1);
/// How long a resting connection is kept when the server drains, so that its client can still ask and be told.
pub const DRAIN_NOTICE: Duration = Duration::from_millis(500);
/// Streams of one HTTP/2 connection.
pub const HTTP2_STREAMS_MAX: u32 = 100;
/// The headers of an HTTP/2 request, in bytes.
pub const HTTP2_HEADER_LIST_BYTES_MAX: u32 = 16 * 1024;
/// Streams that an HTTP/2 peer reset before they were accepted; one more ends the connection.
pub const HTTP2_PENDING_RESETS_MAX: usize = 20;
/// How often an HTTP/2 peer is asked whether it is there, and how long it may take to say so.
pub const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);
/// A value echoed in an error, in characters.
pub const ERROR_VALUE_CHARS_MAX: usize = 200;
/// A caller's correlation id, in characters.
pub const CORRELATION_ID_CHARS_MAX: usize = 128;

/// Log lines that wait to be written.
pub const LOG_LINES_MAX: usize = 65_536;
/// How long log lines gather before they are written.
pub const LOG_GATHER: Duration = Duration::from_millis(5);
/// What is kept of the buffer in which they gather.
pub const LOG_BUFFER_BYTES: usize = 64 * 1024;

/// Commands that wait for the writer; one more is refused.
pub const WRITER_QUEUE_COMMANDS_MAX: usize = 1024;
/// Commands in one group commit.
pub const COMMIT_COMMANDS_MAX: usize = 256;
/// Payload bytes at which a group commit takes no further command.
pub const COMMIT_BYTES_TARGET: usize = 4 * 1024 * 1024;
/// How long the writer waits for a command before it notes in the log what is durable.
pub const LOG_MARK_IDLE: Duration = Duration::from_millis(50);
/// How often a full disk is tried again while no command comes.
pub const STORAGE_PROBE: Duration = Duration::from_secs(1);
/// The version of the data directory's format that is written; those before it are read.
pub const DATA_FORMAT: u16 = 3;
/// A segment of the log, in bytes, unless set otherwise; one that takes a longer frame is longer.
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 * 1024 * 1024;
/// The smallest segment that can be set.
pub const SEGMENT_BYTES_MIN: u64 = 64 * 1024;
/// The largest segment that can be set.
pub const SEGMENT_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// How long written bytes of the log may wait for their sync when nobody waits for it.
pub const ASYNC_SYNC_INTERVAL: Duration = Duration::from_millis(50);
/// Bytes of the log that may wait for their sync.
pub const ASYNC_SYNC_BYTES: u64 = 1024 * 1024;
/// Room that is held back for the snapshot that lets old segments go, in bytes; half a segment at most.
pub const RESERVE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Requests about snapshots that wait; one more is refused.
pub const SNAPSHOT_QUEUE_JOBS_MAX: usize = 64;
/// How long a snapshot waits for the log's sync.
pub const SNAPSHOT_SYNC_WAIT: Duration = Duration::from_secs(10);
/// Snapshots that are kept, unless set otherwise.
pub const SNAPSHOTS_RETAINED_DEFAULT: usize = 5;
/// The fewest that are kept: the newest, and one to fall back to.
pub const SNAPSHOTS_RETAINED_MIN: usize = 2;
/// One frame of the log, in bytes with its header.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One command in the log, in bytes: it fits behind a commit that just misses its target.
pub const RECORD_BYTES_MAX: usize = FRAME_BYTES_MAX - COMMIT_BYTES_TARGET - 64;

/// One block of a snapshot, in bytes without its header.
pub const SNAPSHOT_BLOCK_BYTES_MAX: usize = 1024 * 1024;
/// Content at which a block of a snapshot takes no further item.
pub const SNAPSHOT_BLOCK_BYTES_TARGET: usize = 512 * 1024;
/// What a snapshot writes between two syncs: the log on the same disk waits behind no more.
pub const SNAPSHOT_SYNC_BYTES: u64 = 1024 * 1024;
/// Snapshots that count at a time.
pub const SNAPSHOTS_MAX: usize = 1_000;

// The log's form of a command is mostly shorter than the JSON it came from.
const _: () = assert!(BODY_BYTES_DEFAULT < RECORD_BYTES_MAX && DISCOVERY_BATCH_BYTES < RECORD_BYTES_MAX);
// An item of a block is at most a service with a report of every source.
const _: () = assert!(SNAPSHOT_BLOCK_BYTES_TARGET + 8 * METADATA_BYTES_MAX <= SNAPSHOT_BLOCK_BYTES_MAX);
const _: () = assert!(ANSWER_PIECE_BYTES < ANSWER_WHOLE_BYTES_MAX);
const _: () =
    assert!(ANSWER_WHOLE_BYTES_MAX <= KEPT_ANSWER_BYTES_MAX && KEPT_ANSWER_BYTES_MAX <= KEPT_LONG_BYTES_MAX);
const _: () = assert!(QUERY_NODES_DEFAULT <= QUERY_NODES_MAX && QUERY_NODES_MAX <= GRAPH_SERVICES_MAX);
const _: () = assert!(PAGE_ITEMS_DEFAULT <= PAGE_ITEMS_MAX && PAGE_ITEMS_MAX < CRITICAL_COMPARED_MAX);
const _: () = assert!(PATHS_DEFAULT <= PATHS_MAX as usize);

/// A key given in the settings, in bytes: as hard to guess as one that is made here.
pub const ADMIN_KEY_BYTES_MIN: usize = 32;
/// A key given in the settings, in bytes: it has to fit into a header.
pub const ADMIN_KEY_BYTES_MAX: usize = 1024;
/// Requests of a class that a client can be allowed a minute.
pub const RATE_PER_MINUTE_MAX: u32 = 100_000_000;
/// Keys of a data directory, those that are revoked among them.
pub const API_KEYS_MAX: usize = 10_000;
/// The name of a key, in bytes.
pub const API_KEY_NAME_BYTES_MAX: usize = 100;
/// The file of the keys, in bytes: more than the most keys with the longest names need.
pub const API_KEYS_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How hard a stored key is to guess, as the binary logarithm of the rounds of bcrypt.
pub const BCRYPT_COST: u32 = 12;
/// Rate-limit buckets that are kept apart; some megabytes of them.
pub const BUCKETS_MAX: usize = 100_000;
/// Failed credentials of an address a minute: those that cost nothing count once, those that cost a bcrypt ten times.
pub const AUTH_FAILURES_PER_MINUTE: NonZeroU32 = NonZeroU32::new(100).expect("not zero");
/// Keys that wait for their first check.
pub const BCRYPT_QUEUE_MAX: usize = 64;
/// Bad keys that are remembered, so that they are not checked again.
pub const BAD_KEYS_MAX: usize = 10_000;
/// For how long a bad key is remembered.
pub const BAD_KEY_REMEMBERED: Duration = Duration::from_mins(1);
/// What a request waits for Redis.
pub const REDIS_TIMEOUT: Duration = Duration::from_millis(250);
/// What connecting to Redis may take.
pub const REDIS_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two attempts to connect to Redis.
pub const REDIS_RETRY: Duration = Duration::from_secs(1);
/// Upper bounds of the buckets in which durations are counted.
pub const DURATION_BUCKETS_MICROSECONDS: [u64; 17] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];
/// What sending spans to a collector may take, and what waiting for it at the end may.
pub const TRACES_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two batches of spans.
pub const TRACES_INTERVAL: Duration = Duration::from_secs(1);
/// Spans that wait to be sent; more are dropped.
pub const TRACES_QUEUED_SPANS_MAX: usize = 8_192;
/// The answer of a collector, in bytes.
pub const TRACES_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Pieces of an answer that are written before other requests have their turn on the thread.
pub const ANSWER_PIECES_IN_A_ROW_MAX: usize = 4;

// Discovery

/// A file or an answer that somebody else wrote, in bytes; a longer one is not read at all.
pub const FOREIGN_FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Documents of one YAML file.
pub const YAML_DOCUMENTS_MAX: usize = 50_000;
/// Values of one YAML file, those that aliases repeat among them.
pub const YAML_VALUES_MAX: usize = 2_000_000;
/// Texts and keys of one YAML file, those that aliases repeat among them, in bytes.
pub const YAML_TEXT_BYTES_MAX: usize = 2 * FOREIGN_FILE_BYTES_MAX;
/// What the aliases of one YAML file repeat, in events of its parser.
pub const YAML_REPEATS_MAX: usize = 4_000_000;
/// Levels of a YAML document.
pub const YAML_DEPTH_MAX: usize = 64;
/// Dependencies of one catalog that follow from who provides and who consumes an API.
pub const CATALOG_API_DEPENDENCIES_MAX: usize = 200_000;
/// Rows of one table that are noted; more are counted.
pub const CSV_NOTES_MAX: usize = 20;
/// What a source answers over the network, in bytes.
pub const FOREIGN_ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a connection to a source is kept without a request.
pub const FOREIGN_IDLE: Duration = Duration::from_secs(30);
/// Failures in a row after which a source is left alone.
pub const DISCOVERY_FAILURES_MAX: u32 = 10;
/// For how long it is left alone then.
pub const DISCOVERY_OPEN: Duration = Duration::from_secs(30);
/// After the first failure of a source, until it is asked again; the next wait is twice as long.
pub const DISCOVERY_BACKOFF_FIRST: Duration = Duration::from_secs(2);
/// The longest such wait.
pub const DISCOVERY_BACKOFF_MAX: Duration = Duration::from_mins(5);
/// When a source is asked first after a start, at the latest.
pub const DISCOVERY_FIRST_RUN_WITHIN: Duration = Duration::from_secs(10);
/// How far back a source's metrics are looked at after an outage.
pub const DISCOVERY_WINDOW_MAX: Duration = Duration::from_hours(6);
/// By how much two windows overlap.
pub const DISCOVERY_OVERLAP: Duration = Duration::from_mins(1);
/// Services or dependencies of one command of discovery.
pub const DISCOVERY_BATCH_ENTRIES: usize = 5_000;
/// A note or an error of a source, in characters.
pub const DISCOVERY_TEXT_CHARS_MAX: usize = 400;
/// The bytes of one command of discovery, about; half of what the log takes.
pub const DISCOVERY_BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Outages of one source that are remembered.
pub const DISCOVERY_OUTAGES_MAX: usize = 16;
/// Notes of a run that are kept.
pub const DISCOVERY_NOTES_MAX: usize = 20;
/// Requests for a run of one source that wait.
pub const DISCOVERY_REQUESTS_MAX: usize = 8;
/// Between two looks at all that is known of a cluster.
pub const KUBERNETES_RESYNC: Duration = Duration::from_mins(10);
/// How long a cluster has to be quiet after a change before it is looked at.
pub const KUBERNETES_QUIET: Duration = Duration::from_secs(5);
/// What one request to a cluster's API server may take.
pub const KUBERNETES_TIMEOUT: Duration = Duration::from_secs(30);
/// What a look at a whole cluster may take.
pub const KUBERNETES_RUN_TIMEOUT: Duration = Duration::from_mins(2);
/// Workloads with the label that a selector asks for and fewest have; it is not followed beyond.
pub const SELECTOR_CANDIDATES_MAX: usize = 10_000;
/// Workloads that one selector or account may stand for; one of more says nothing of any.
pub const SELECTED_WORKLOADS_MAX: usize = 100;
/// Pairs of workloads that one rule may be about.
pub const RULE_PAIRS_MAX: usize = 1_000;
/// Dependencies found in the objects of one cluster.
pub const KUBERNETES_DEPENDENCIES_MAX: usize = 200_000;
/// How often the objects of one cluster may tell of a dependency, of the same again too.
pub const KUBERNETES_STATEMENTS_MAX: usize = 2_000_000;
/// Connections to the database of the export.
pub const EXPORT_CONNECTIONS_MAX: usize = 1_000;
/// After the first failure of the export, until it is tried again; the next wait is twice as long.
pub const EXPORT_RETRY_FIRST: Duration = Duration::from_secs(5);
/// To connect to the database of the export, where its URL does not say otherwise.
pub const EXPORT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// After how long without a word the database of the export is asked whether it is there.
pub const EXPORT_KEEPALIVE: Duration = Duration::from_secs(30);
/// To tell the database of a failed run.
pub const EXPORT_NOTE_TIMEOUT: Duration = Duration::from_secs(10);
/// Runs of the export that are remembered.
pub const EXPORT_RUNS_KEPT: usize = 100;
/// Runs of the export that the database remembers.
pub const EXPORT_RUNS_IN_DATABASE: i64 = 1_000;
/// Rows of the export between two reports of how far it is.
pub const EXPORT_PROGRESS_ROWS: u64 = 4_096;
