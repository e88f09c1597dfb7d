"""What must hold for the workflows beyond their syntax: pinned actions, least rights, bounds, scripts that exist.

python3 tests/workflows.py FILE...
"""

import os
import re
import sys

import yaml

PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
RUNNERS = {"ubuntu-24.04"}
MINUTES_MAX = 120
# All that any job may write, and no other.
WRITES = {
    ("release.yml", "image"): {"packages", "id-token", "attestations"},
    ("release.yml", "publish"): {"contents", "id-token", "attestations"},
}


def check(name, text):
    """All that is wrong with a workflow."""
    workflow = yaml.safe_load(text)
    for used in re.findall(r"^\s*(?:- )?uses: *(.*)$", text, re.MULTILINE):
        if not PINNED.fullmatch(used):
            yield f"{used}: not pinned to a commit, with its version beside it"
    if workflow.get("permissions") != {"contents": "read"}:
        yield "the workflow as a whole may do more than read, or does not say"
    if "group" not in workflow.get("concurrency", {}):
        yield "no concurrency group"
    for job_name, job in workflow["jobs"].items():
        for wrong in check_job(job, WRITES.get((name, job_name), set())):
            yield f"{job_name}: {wrong}"


def check_job(job, may_write):
    """All that is wrong with a job."""
    if job.get("runs-on") not in RUNNERS:
        yield f"runs on {job.get('runs-on')}; expected one of {sorted(RUNNERS)}"
    if not 0 < job.get("timeout-minutes", 0) <= MINUTES_MAX:
        yield f"no timeout of at most {MINUTES_MAX} minutes"
    rights = job.get("permissions", {})
    writes = {right for right, value in rights.items() if value != "read"} if isinstance(rights, dict) else {rights}
    if writes != may_write:
        yield f"may write {sorted(writes)}; expected {sorted(may_write)}"
    for step in job["steps"]:
        is_checkout = step.get("uses", "").startswith("actions/checkout@")
        if is_checkout and step.get("with", {}).get("persist-credentials") is not False:
            yield "checkout leaves its credentials in the work tree"
        yield from check_script(step.get("run", ""))
        if step.get("with", {}).get("push"):
            yield from check_image(step["with"])


def check_image(image):
    """All that is wrong with an image that is published: what it is called, and what it says of itself."""
    if not image.get("tags", "").endswith(".outputs.version }}"):
        yield f"the image is called {image.get('tags')}; the manifests ask for the version without a v"
    with open("Dockerfile", encoding="utf-8") as file:
        wanted = set(re.findall(r"^ARG (\w+)$", file.read(), re.MULTILINE))
    given = {line.partition("=")[0] for line in image.get("build-args", "").splitlines()}
    if not wanted or given != wanted:
        yield f"the image is told {sorted(given)}; its labels need {sorted(wanted)}"
    if not image.get("sbom") or "max" not in image.get("provenance", ""):
        yield "the image has no SBOM, or does not say how it was made"


def check_script(script):
    """All that is wrong with what a step runs."""
    if "${{" in script:
        yield f"{script!r}: an expression in a script is code from outside; hand it over as a variable"
    for command in re.findall(r"(?:^|&& )(\.?[\w-]+(?:/[\w-]+)+)", script, re.MULTILINE):
        if not os.access(command, os.X_OK):
            yield f"{command}: no such program"


def prove(texts):
    """Each rule finds the mistake that it is there for."""
    mistakes = [
        ("ci.yml", r"@[0-9a-f]{40} # v6\.0\.2", "@v6", "not pinned"),
        ("ci.yml", r" # v6\.0\.2", "", "not pinned"),
        ("ci.yml", r"contents: read", "contents: write", "more than read"),
        ("ci.yml", r"concurrency:", "environment:", "no concurrency"),
        ("ci.yml", r"timeout-minutes: 15", "timeout-minutes: 360", "no timeout"),
        ("ci.yml", r"runs-on: .*", "runs-on: ubuntu-latest", "runs on"),
        ("ci.yml", r"run: \.ci/run", "run: .ci/walk", "no such program"),
        ("ci.yml", r"persist-credentials: false", "persist-credentials: true", "credentials"),
        ("release.yml", r"packages: write", "packages: write\n      actions: write", "may write"),
        ("release.yml", r"outputs\.version }}\n          build", "outputs.tag }}\n          build", "without a v"),
        ("release.yml", r"REVISION=", "REF=", "labels need"),
        ("release.yml", r"sbom: true", "sbom: false", "no SBOM"),
        ("release.yml", r"\"\$GITHUB_REF_NAME\"", "${{ github.ref_name }}", "code from outside"),
    ]
    for name, right, wrong, expected in mistakes:
        changed, count = re.subn(right, wrong, texts[name])
        if count == 0 or not any(expected in found for found in check(name, changed)):
            yield f"{name}: {right} as {wrong!r} is not found"


def main(paths):
    texts = {os.path.basename(path): open(path, encoding="utf-8").read() for path in paths}
    wrong = list(prove(texts))
    for name, text in texts.items():
        wrong += [f"{name}: {found}" for found in check(name, text)]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"rules: {len(texts)} workflows, {len(wrong)} findings")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
