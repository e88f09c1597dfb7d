"""The rendered manifests held against the rules of kubernetes_policy.py, each of which must also be able to object.

python kubernetes.py [--binary PROGRAM] DIRECTORY...   checks the renderings in each directory, which are to be the same
python kubernetes.py --settings FILE                   prints the settings of a rendering, NAME=VALUE a line
python kubernetes.py --rule                            writes the groups of alerts.yaml into prometheusrule.yaml
"""

import copy
import functools
import pathlib
import re
import subprocess
import sys

import kubernetes_validate
import yaml
from kubernetes_policy import GONE, RULES, VERSIONS, Rendering, alerts


def broken(rendering, which, path, value):
    """The rendering with one value changed or taken out."""
    other = Rendering(copy.deepcopy(rendering.objects))
    kind, _, name = which.partition(" ")
    item = other.one(kind, name) if name else sorted(other.of(kind), key=lambda item: item["metadata"]["name"])[0]
    *steps, last = (step.replace("\\.", ".") for step in re.split(r"(?<!\\)\.", path))
    for step in steps:
        item = item[int(step)] if isinstance(item, list) else item[step]
    key = int(last) if isinstance(item, list) else last
    before = copy.deepcopy(item)
    if value is GONE:
        del item[key]
    else:
        item[key] = value
    assert item != before, f"{which} {path} is so already"
    return other


def write_prometheus_rule():
    """Keeps the head of the file; the groups are those of the other one, further in."""
    path = pathlib.Path("k8s/observability/prometheusrule.yaml")
    head = path.read_text(encoding="utf-8").partition("  groups:\n")[0]
    _, begin, rest = alerts().partition("groups:\n")
    groups = [f"  {line}" if line.strip() else line for line in (begin + rest).splitlines(keepends=True)]
    path.write_text(head + "".join(groups), encoding="utf-8")


def without_hashes(objects):
    """The objects by kind and name, with the hashes taken off that each kustomize makes in a way of its own."""
    # A key that is made anew each time is in the Secret, which kustomize has no part in.
    text = yaml.safe_dump([item for item in objects if item["kind"] != "Secret"])
    text = re.sub(r"\b(watershed|watershed-restore)-[a-z0-9]{10}\b", r"\1", text)
    text = text.replace("    annotations: {}\n", "").replace("    labels: {}\n", "")
    return sorted(yaml.safe_load(text), key=lambda item: (item["kind"], item["metadata"]["name"]))


def read(path):
    objects = [item for item in yaml.safe_load_all(path.read_text(encoding="utf-8")) if item]
    return Rendering([item for item in objects if item["kind"]])


def takes(binary, container):
    """What the program says to a command: it fails at what is unknown before it comes to the --help behind it."""
    return subprocess.run([binary, *container["args"], "--help"], capture_output=True, check=False)


def check(directories, binary):
    faults, renderings = [], {}
    for directory in directories:
        for path in sorted(directory.glob("*.yaml")):
            rendering = renderings[directory.name, path.stem] = read(path)
            for one, _ in RULES:
                faults += [f"{directory.name} {path.stem}: {one.__name__}: {fault}" for fault in one(rendering)]
    for (which, name), rendering in renderings.items():
        first = renderings[directories[0].name, name]
        if without_hashes(rendering.objects) != without_hashes(first.objects):
            faults.append(f"{name}: {which} and {directories[0].name} render it differently")
    assert len({name for _, name in renderings}) == 4, renderings.keys()

    # The one that has every object.
    example = renderings[directories[0].name, "restore"]
    if binary:
        for where, container, _ in example.containers():
            result = takes(binary, container)
            if result.returncode:
                faults.append(f"{where}: {container['args']}: {result.stderr.decode().strip()}")
        assert takes(binary, {"args": ["snapshot", "copy"]}).returncode, "every command is taken"
    if faults:
        sys.exit("\n".join(faults))

    breaks = 0
    for one, ways in RULES:
        for which, path, value in ways:
            breaks += 1
            if not list(one(broken(example, which, path, value))):
                sys.exit(f"{one.__name__} does not object to {which} {path} {'gone' if value is GONE else value}")
    print(f"{len(renderings)} renderings of {len(example.objects)} objects at most, Kubernetes {' and '.join(VERSIONS)}; "
          f"{len(RULES)} rules hold, and object to {breaks} ways of breaking them")


def main(arguments):
    match arguments:
        case ["--rule"]:
            write_prometheus_rule()
        case ["--settings", file, *_]:
            print("\n".join(f"{name}={value}" for name, value in read(pathlib.Path(file)).settings().items()))
        case ["--binary", binary, *directories]:
            check([pathlib.Path(directory) for directory in directories], binary)
        case directories:
            check([pathlib.Path(directory) for directory in directories], None)


# A schema is a file, and its definitions are two megabytes of another: each is read once.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)
main(sys.argv[1:])
