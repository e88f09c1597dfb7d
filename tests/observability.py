"""What a Prometheus has of a server, held against the contract, the server, the rules and the dashboard.

python3 tests/observability.py PROMETHEUS SERVER RULES_DIRECTORY
"""

import json
import re
import sys
import urllib.parse
import urllib.request

FAMILIES = """
http_requests_total http_request_duration_seconds_bucket graph_traversal_duration_seconds_bucket cache_hits_total
cache_misses_total graph_nodes_upserted_total graph_edges_upserted_total circular_dependencies_detected_total
rate_limit_exceeded_total db_pool_size db_connections_active db_connections_idle graph_nodes graph_edges graph_version
wal_append_duration_seconds_bucket wal_fsync_duration_seconds_bucket wal_bytes publish_duration_seconds_bucket
snapshot_duration_seconds_bucket snapshot_age_seconds export_duration_seconds_bucket export_lag_versions
discovery_runs_total process_resident_memory_bytes jemalloc_resident_bytes
""".split()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def main(prometheus, server, rules):
    def query(expression):
        answer = get(f"{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        assert answer["status"] == "success", answer
        return answer["data"]["result"]

    for family in FAMILIES:
        assert query(f'watershed_{family}{{job="watershed"}}'), f"no watershed_{family}"

    stats = get(f"{server}/api/v1/graph/stats")
    for series, member in (("nodes", "services"), ("edges", "dependencies"), ("version", "version")):
        (sample,) = query(f"watershed_graph_{series}")
        assert float(sample["value"][1]) == stats[member], (series, sample, stats)
    answered = query('watershed_http_requests_total{endpoint="/api/v1/services/{service_id}/dependencies",status_code="200"}')
    assert [float(sample["value"][1]) for sample in answered] == [1.0], answered

    loaded = get(f"{prometheus}/api/v1/rules")["data"]["groups"]
    states = {rule["name"]: (rule["state"], rule["health"]) for group in loaded for rule in group["rules"]}
    assert len(states) == 14, states
    for name, (state, _) in states.items():
        assert state == "inactive", f"{name} is {state} on a healthy server"

    with open(f"{rules}/grafana-dashboard.json", encoding="utf-8") as file:
        panels = [panel for panel in json.load(file)["panels"] if panel["type"] != "row"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(expressions) > 30, len(expressions)
    variables = {"$job": "watershed", "$instance": ".*", "$__rate_interval": "1m"}
    for expression in expressions:
        for name, value in variables.items():
            expression = expression.replace(name, value)
        query(expression)  # which is refused where it is no PromQL

    with open(f"{rules}/alerts.yaml", encoding="utf-8") as file:
        named = set(re.findall(r"\bwatershed_\w+", file.read() + " ".join(expressions)))
    for name in sorted(named):
        assert query(name), f"{name} is asked for and does not exist"
    print(f"{len(FAMILIES)} families, {len(states)} rules, {len(expressions)} expressions of the dashboard hold")


main(*sys.argv[1:])
