-- What watershed knows, for reports: a copy that only watershed writes. Readers see one version of the graph or
-- the next, never half of one; watershed.graph_state says which. Ids are ordered bytewise, as in the API. References
-- and the indexes of the large tables are made when those are first filled: see keys.sql.

CREATE TABLE watershed.services (
    service_id    text COLLATE "C" PRIMARY KEY CHECK (octet_length(service_id) BETWEEN 1 AND 255),
    id            uuid NOT NULL UNIQUE,
    team          text,
    criticality   text NOT NULL CHECK (criticality IN ('critical', 'high', 'medium', 'low')),
    service_type  text NOT NULL CHECK (service_type IN ('internal', 'external')),
    discovered    boolean NOT NULL,
    published_sla double precision CHECK (published_sla > 0 AND published_sla <= 1),
    availability  double precision CHECK (availability > 0 AND availability <= 1),
    metadata      jsonb NOT NULL CHECK (jsonb_typeof(metadata) = 'object'),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

COMMENT ON TABLE watershed.services IS 'Services: the nodes of the graph.';
COMMENT ON COLUMN watershed.services.service_id IS 'The business identifier.';
COMMENT ON COLUMN watershed.services.id IS 'Given once, when the service came into the graph.';
COMMENT ON COLUMN watershed.services.team IS 'Who owns it; null where no source says so.';
COMMENT ON COLUMN watershed.services.criticality IS 'How much it matters: critical, high, medium or low.';
COMMENT ON COLUMN watershed.services.service_type IS 'internal: run by the organisation; external: by somebody else.';
COMMENT ON COLUMN watershed.services.discovered IS 'Whether it is a placeholder: a dependency names it, no source registered it.';
COMMENT ON COLUMN watershed.services.published_sla IS 'The availability that an external provider promises, a ratio.';
COMMENT ON COLUMN watershed.services.availability IS 'The availability that was measured, a ratio.';
COMMENT ON COLUMN watershed.services.metadata IS 'The union of what the sources say, the higher priority winning. The character U+0000, which PostgreSQL cannot hold, is U+FFFD here.';
COMMENT ON COLUMN watershed.services.created_at IS 'When it came into the graph.';
COMMENT ON COLUMN watershed.services.updated_at IS 'When a source last reported it.';

CREATE TABLE watershed.service_dependencies (
    source_service_id  text COLLATE "C" NOT NULL,
    target_service_id  text COLLATE "C" NOT NULL,
    discovery_source   text NOT NULL
        CHECK (discovery_source IN ('manual', 'service_mesh', 'otel_service_graph', 'kubernetes')),
    communication_mode text NOT NULL CHECK (communication_mode IN ('sync', 'async')),
    criticality        text NOT NULL CHECK (criticality IN ('hard', 'degraded', 'soft')),
    protocol           text,
    timeout_ms         integer CHECK (timeout_ms BETWEEN 1 AND 86400000),
    max_retries        smallint CHECK (max_retries BETWEEN 0 AND 100),
    backoff_strategy   text CHECK (backoff_strategy IN ('exponential', 'linear', 'constant')),
    confidence_score   double precision NOT NULL CHECK (confidence_score > 0 AND confidence_score <= 1),
    times_observed     bigint NOT NULL CHECK (times_observed >= 1),
    last_observed_at   timestamptz NOT NULL,
    stale_since        timestamptz,
    is_stale           boolean NOT NULL GENERATED ALWAYS AS (stale_since IS NOT NULL) STORED,
    is_shown           boolean NOT NULL,
    PRIMARY KEY (source_service_id, target_service_id, discovery_source),
    CHECK (source_service_id <> target_service_id)
);

COMMENT ON TABLE watershed.service_dependencies IS 'Observations of dependencies, one for each discovery source that reports one. watershed.dependencies shows one row for each dependency.';
COMMENT ON COLUMN watershed.service_dependencies.source_service_id IS 'Who calls.';
COMMENT ON COLUMN watershed.service_dependencies.target_service_id IS 'Who is called.';
COMMENT ON COLUMN watershed.service_dependencies.discovery_source IS 'Who reports it; in order of priority: manual, service_mesh, otel_service_graph, kubernetes.';
COMMENT ON COLUMN watershed.service_dependencies.communication_mode IS 'sync: the caller waits; async: it does not.';
COMMENT ON COLUMN watershed.service_dependencies.criticality IS 'What the loss does to the caller: hard, degraded or soft.';
COMMENT ON COLUMN watershed.service_dependencies.protocol IS 'Such as grpc; null where the source does not say.';
COMMENT ON COLUMN watershed.service_dependencies.timeout_ms IS 'How long the caller waits, in milliseconds.';
COMMENT ON COLUMN watershed.service_dependencies.max_retries IS 'How often the caller tries again.';
COMMENT ON COLUMN watershed.service_dependencies.backoff_strategy IS 'How the waits between tries grow: exponential, linear or constant.';
COMMENT ON COLUMN watershed.service_dependencies.confidence_score IS 'The confidence in the observation, a ratio, by its source and how often it was made.';
COMMENT ON COLUMN watershed.service_dependencies.times_observed IS 'Reports of it so far.';
COMMENT ON COLUMN watershed.service_dependencies.last_observed_at IS 'The timestamp of the newest report.';
COMMENT ON COLUMN watershed.service_dependencies.stale_since IS 'When a sweep found that it was not reported for too long; null while it is fresh.';
COMMENT ON COLUMN watershed.service_dependencies.is_stale IS 'Whether stale_since is set.';
COMMENT ON COLUMN watershed.service_dependencies.is_shown IS 'Whether it is the observation that answers show: the one of the highest priority that is fresh, else the one of the highest priority. One of each dependency.';

CREATE TABLE watershed.circular_dependency_alerts (
    id               uuid PRIMARY KEY,
    status           text NOT NULL CHECK (status IN ('open', 'acknowledged', 'resolved')),
    is_active        boolean NOT NULL,
    is_strong        boolean NOT NULL,
    members          text[] NOT NULL CHECK (cardinality(members) >= 2),
    cycle_path       text[] NOT NULL CHECK (cardinality(cycle_path) >= 3),
    detected_at      timestamptz NOT NULL,
    acknowledged_by  text,
    resolution_notes text
);
CREATE INDEX circular_dependency_alerts_status ON watershed.circular_dependency_alerts (status, detected_at DESC);

COMMENT ON TABLE watershed.circular_dependency_alerts IS 'Circular dependencies: sets of services each of which needs all others.';
COMMENT ON COLUMN watershed.circular_dependency_alerts.id IS 'Given once.';
COMMENT ON COLUMN watershed.circular_dependency_alerts.status IS 'How far somebody has come with it: open, acknowledged or resolved.';
COMMENT ON COLUMN watershed.circular_dependency_alerts.is_active IS 'Whether the cycle is there.';
COMMENT ON COLUMN watershed.circular_dependency_alerts.is_strong IS 'Whether it is a cycle over sync and hard dependencies alone.';
COMMENT ON COLUMN watershed.circular_dependency_alerts.members IS 'The services, in bytewise order; of a cycle that is gone those it had last.';
COMMENT ON COLUMN watershed.circular_dependency_alerts.cycle_path IS 'One shortest closed path through the first member; first and last are that member.';
COMMENT ON COLUMN watershed.circular_dependency_alerts.detected_at IS 'When the cycle appeared, or came back after it was resolved.';
COMMENT ON COLUMN watershed.circular_dependency_alerts.acknowledged_by IS 'Who looks after it.';
COMMENT ON COLUMN watershed.circular_dependency_alerts.resolution_notes IS 'How it was dealt with.';

CREATE TABLE watershed.slo_targets (
    service_id          text COLLATE "C" PRIMARY KEY,
    availability_target double precision NOT NULL CHECK (availability_target > 0 AND availability_target <= 100)
);

COMMENT ON TABLE watershed.slo_targets IS 'What the owners of services promise.';
COMMENT ON COLUMN watershed.slo_targets.service_id IS 'Which service.';
COMMENT ON COLUMN watershed.slo_targets.availability_target IS 'The share of time for which it is to work, in percent.';

CREATE TABLE watershed.audit_log (
    version           bigint PRIMARY KEY CHECK (version >= 1),
    at                timestamptz NOT NULL,
    actor             text,
    action            text NOT NULL,
    discovery_source  text CHECK (discovery_source IN ('manual', 'service_mesh', 'otel_service_graph', 'kubernetes')),
    service_id        text COLLATE "C",
    target_service_id text COLLATE "C",
    alert_id          uuid,
    services          bigint CHECK (services >= 0),
    dependencies      bigint CHECK (dependencies >= 0)
);
CREATE INDEX audit_log_at ON watershed.audit_log (at);
CREATE INDEX audit_log_service ON watershed.audit_log (service_id) WHERE service_id IS NOT NULL;

COMMENT ON TABLE watershed.audit_log IS 'Who changed what and when, as long as watershed keeps it (AUDIT_RETAIN_DAYS).';
COMMENT ON COLUMN watershed.audit_log.version IS 'The version of the graph that came of it; it was made from the one before.';
COMMENT ON COLUMN watershed.audit_log.at IS 'When the server took it.';
COMMENT ON COLUMN watershed.audit_log.actor IS 'Who: the name of an API key, an address while there are no keys, or watershed itself.';
COMMENT ON COLUMN watershed.audit_log.action IS 'What was done, such as ingested, service_removed or staleness_swept.';
COMMENT ON COLUMN watershed.audit_log.discovery_source IS 'The source that reported, or whose observations were taken back.';
COMMENT ON COLUMN watershed.audit_log.service_id IS 'The service it was done to; of dependencies the caller of the first.';
COMMENT ON COLUMN watershed.audit_log.target_service_id IS 'Who is called in the first of the dependencies it was done to.';
COMMENT ON COLUMN watershed.audit_log.alert_id IS 'The circular dependency alert it was done to.';
COMMENT ON COLUMN watershed.audit_log.services IS 'How many services were reported.';
COMMENT ON COLUMN watershed.audit_log.dependencies IS 'How many dependencies were reported or taken back.';

CREATE TABLE watershed.graph_state (
    is_only      boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    directory_id uuid NOT NULL,
    version      bigint NOT NULL CHECK (version >= 0),
    digest       text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    exported_at  timestamptz NOT NULL
);

COMMENT ON TABLE watershed.graph_state IS 'What the other tables hold, in one row.';
COMMENT ON COLUMN watershed.graph_state.is_only IS 'Keeps the table at one row.';
COMMENT ON COLUMN watershed.graph_state.directory_id IS 'The data directory of the server that wrote it.';
COMMENT ON COLUMN watershed.graph_state.version IS 'The version of the graph, X-Graph-Version of the API.';
COMMENT ON COLUMN watershed.graph_state.digest IS 'The digest of that version, as GET /api/v1/graph/stats shows it.';
COMMENT ON COLUMN watershed.graph_state.exported_at IS 'When it was written.';

CREATE TABLE watershed.export_runs (
    run_id       uuid PRIMARY KEY,
    directory_id uuid NOT NULL,
    state        text NOT NULL CHECK (state IN ('succeeded', 'failed')),
    mode         text CHECK (mode IN ('full', 'incremental')),
    version      bigint NOT NULL CHECK (version >= 0),
    rows         bigint NOT NULL CHECK (rows >= 0),
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz NOT NULL,
    error        text CHECK ((error IS NOT NULL) = (state = 'failed'))
);
CREATE INDEX export_runs_started_at ON watershed.export_runs (started_at);

COMMENT ON TABLE watershed.export_runs IS 'The newest thousand runs of the export, those that failed as far as the database could be told.';
COMMENT ON COLUMN watershed.export_runs.run_id IS 'As GET /api/v1/admin/exports/postgres shows it.';
COMMENT ON COLUMN watershed.export_runs.directory_id IS 'The data directory of the server that ran it.';
COMMENT ON COLUMN watershed.export_runs.state IS 'succeeded or failed.';
COMMENT ON COLUMN watershed.export_runs.mode IS 'full: all was compared; incremental: what had changed since the export before; null where it did not get as far.';
COMMENT ON COLUMN watershed.export_runs.version IS 'The version of the graph that was exported.';
COMMENT ON COLUMN watershed.export_runs.rows IS 'Rows of all tables that were added, changed or removed.';
COMMENT ON COLUMN watershed.export_runs.started_at IS 'When it began.';
COMMENT ON COLUMN watershed.export_runs.finished_at IS 'When it ended.';
COMMENT ON COLUMN watershed.export_runs.error IS 'Why it failed.';

CREATE VIEW watershed.dependencies AS
SELECT shown.source_service_id, shown.target_service_id, shown.communication_mode, shown.criticality, shown.protocol,
       shown.timeout_ms, shown.max_retries, shown.backoff_strategy, shown.confidence_score, shown.discovery_source,
       ARRAY(SELECT each.discovery_source
               FROM watershed.service_dependencies AS each
              WHERE each.source_service_id = shown.source_service_id
                AND each.target_service_id = shown.target_service_id
              ORDER BY array_position(ARRAY['manual', 'service_mesh', 'otel_service_graph', 'kubernetes'],
                                      each.discovery_source)) AS sources,
       shown.last_observed_at, shown.is_stale
  FROM watershed.service_dependencies AS shown
 WHERE shown.is_shown;
COMMENT ON VIEW watershed.dependencies IS 'Dependencies as answers show them: of each the observation of the highest priority that is fresh, and all its sources.';

CREATE VIEW watershed.dependencies_by_team AS
SELECT caller.team AS source_team, called.team AS target_team, count(*) AS dependencies,
       count(*) FILTER (WHERE edge.communication_mode = 'sync' AND edge.criticality = 'hard') AS sync_hard_dependencies,
       count(DISTINCT edge.source_service_id) AS source_services,
       count(DISTINCT edge.target_service_id) AS target_services
  FROM watershed.service_dependencies AS edge
  JOIN watershed.services AS caller ON caller.service_id = edge.source_service_id
  JOIN watershed.services AS called ON called.service_id = edge.target_service_id
 WHERE edge.is_shown AND NOT edge.is_stale
 GROUP BY caller.team, called.team;
COMMENT ON VIEW watershed.dependencies_by_team IS 'How much the services of one team need those of another: fresh dependencies, counted. A null team stands for services without one.';

CREATE VIEW watershed.stale_dependencies AS
SELECT edge.source_service_id, edge.target_service_id, caller.team AS source_team, edge.discovery_source,
       edge.last_observed_at, edge.stale_since
  FROM watershed.service_dependencies AS edge
  JOIN watershed.services AS caller ON caller.service_id = edge.source_service_id
 WHERE edge.is_shown AND edge.is_stale;
COMMENT ON VIEW watershed.stale_dependencies IS 'Dependencies that no source has reported for longer than its threshold.';

CREATE VIEW watershed.open_cycles AS
SELECT id, cardinality(members) AS services, is_strong, cycle_path, members, status, acknowledged_by, detected_at
  FROM watershed.circular_dependency_alerts
 WHERE is_active AND status <> 'resolved';
COMMENT ON VIEW watershed.open_cycles IS 'Circular dependencies that are there and not resolved.';

CREATE VIEW watershed.undeclared_dependencies AS
SELECT edge.source_service_id, edge.target_service_id, caller.team AS source_team, edge.sources, edge.last_observed_at
  FROM watershed.dependencies AS edge
  JOIN watershed.services AS caller ON caller.service_id = edge.source_service_id
 WHERE NOT edge.is_stale
   AND edge.sources && ARRAY['service_mesh', 'otel_service_graph']
   AND NOT edge.sources && ARRAY['manual', 'kubernetes'];
COMMENT ON VIEW watershed.undeclared_dependencies IS 'Fresh dependencies that were seen at run time (service_mesh, otel_service_graph) and never declared (manual, kubernetes).';

CREATE VIEW watershed.most_depended_upon_services AS
SELECT called.service_id, called.team, called.criticality, count(*) AS callers,
       count(*) FILTER (WHERE edge.communication_mode = 'sync' AND edge.criticality = 'hard') AS sync_hard_callers,
       count(DISTINCT caller.team) AS caller_teams
  FROM watershed.service_dependencies AS edge
  JOIN watershed.services AS called ON called.service_id = edge.target_service_id
  JOIN watershed.services AS caller ON caller.service_id = edge.source_service_id
 WHERE edge.is_shown AND NOT edge.is_stale
 GROUP BY called.service_id
 ORDER BY callers DESC, called.service_id COLLATE "C";
COMMENT ON VIEW watershed.most_depended_upon_services IS 'Services by how many call them directly, over fresh dependencies, the most first.';

CREATE VIEW watershed.changes_per_week AS
SELECT date_trunc('week', at AT TIME ZONE 'UTC')::date AS week, action, count(*) AS changes,
       count(DISTINCT actor) AS actors, coalesce(sum(services), 0)::bigint AS services_reported,
       coalesce(sum(dependencies), 0)::bigint AS dependencies_reported
  FROM watershed.audit_log
 GROUP BY 1, 2;
COMMENT ON VIEW watershed.changes_per_week IS 'What changed the graph, by week (Monday, UTC) and kind of change.';
