#!/usr/bin/env python3
"""A real graph for benchmarks: packages and what they depend on, as the lists say that apt keeps on this machine.

usage: packages.py [--out DIR] NAME       writes NAME.ndjson, .starts, .expected and .hubs, as gen.py does

A package is a service, its section the team. Of alternatives the first one counts, of versions the first one listed;
Pre-Depends are synchronous and hard, Depends synchronous and hard, Recommends asynchronous and soft. What no list has
is left out. The same lists give the same bytes.
"""
import argparse
import json
import os
import random
import re
import subprocess

FIELDS = {"Pre-Depends": ("sync", "hard"), "Depends": ("sync", "hard"), "Recommends": ("async", "soft")}


def packages():
    """Name to (section, priority, {dependency: (mode, criticality)}), in order of name."""
    text = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True, text=True).stdout
    found = {}
    for stanza in text.split("\n\n"):
        fields = dict(re.findall(r"^([A-Z][\w-]*): (.*)$", stanza, re.MULTILINE))
        name = fields.get("Package")
        if not name or name in found:
            continue
        needs = {}
        for field, attributes in FIELDS.items():
            for alternatives in fields.get(field, "").split(","):
                first = re.match(r"\s*([a-z0-9][a-z0-9+.-]*)", alternatives)
                if first and first.group(1) != name:
                    needs.setdefault(first.group(1), attributes)
        found[name] = (fields.get("Section", "none"), fields.get("Priority", "optional"), needs)
    for _, _, needs in found.values():
        for name in [name for name in needs if name not in found]:
            del needs[name]
    return dict(sorted(found.items()))


def three_hops(graph, start):
    """Services within three hops, the start among them, and the dependencies on the way."""
    seen, level, edges = {start}, [start], 0
    for _ in range(3):
        following = []
        for name in level:
            for other in graph[name][2]:
                edges += 1
                if other not in seen:
                    seen.add(other)
                    following.append(other)
        level = following
    return len(seen), edges


def write(path, graph):
    dump = json.JSONEncoder(separators=(",", ":")).encode
    callers = dict.fromkeys(graph, 0)
    with open(path + ".ndjson", "w") as lines:
        lines.write(dump({"source": "manual", "timestamp": "2026-11-01T00:00:00Z", "mode": "upsert"}) + "\n")
        for name, (section, priority, _) in graph.items():
            criticality = {"required": "critical", "important": "high", "standard": "medium"}.get(priority, "low")
            metadata = {"team": section, "criticality": criticality}
            lines.write(dump({"node": {"service_id": name, "metadata": metadata}}) + "\n")
        for name, (_, _, needs) in graph.items():
            for other, (mode, criticality) in sorted(needs.items()):
                callers[other] += 1
                attributes = {"communication_mode": mode, "criticality": criticality}
                lines.write(dump({"edge": {"source": name, "target": other, "attributes": attributes}}) + "\n")
    starts = random.Random(43).sample([name for name, (_, _, needs) in graph.items() if needs], 200)
    with open(path + ".starts", "w") as names, open(path + ".expected", "w") as expected:
        for start in starts:
            names.write(start + "\n")
            expected.write("\t".join(map(str, (start, *three_hops(graph, start)))) + "\n")
    with open(path + ".hubs", "w") as hubs:
        for name in sorted(callers, key=lambda name: (-callers[name], name))[:10]:
            hubs.write(f"{name}\t{callers[name]}\n")
    print(f"{len(graph)} services, {sum(callers.values())} dependencies, largest in-degree {max(callers.values())}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", default=".")
    arguments.add_argument("name")
    given = arguments.parse_args()
    os.makedirs(given.out, exist_ok=True)
    write(os.path.join(given.out, given.name), packages())
