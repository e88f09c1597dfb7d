"""Runs what RUNBOOK.md says.

python3 tests/runbook.py BINARY [SECTION]

- A section gets a directory, a running server with the platform sample and an admin key named operator, and a shell.
- In a block of `sh`, a line with `$ ` is a command, `# exit N` at its end its exit code, and the lines below it what it
  prints, `…` standing for anything; a command without such lines may print what it likes.
- `<!-- test: NAME -->` calls that function of tests/runbook.sh: what goes wrong, or a look that readers need not take.
"""

import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile

SECTIONS = [
    "Sizing", "Backup and restore", "Upgrade", "Disk full", "Damaged log", "Lost keys", "Slow queries", "Export behind",
]  # fmt: skip
SECONDS_MAX = 120


def sections(text):
    """The sections by name."""
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def steps(section):
    """Commands and calls in order: (command, exit code, lines or None)."""
    found = []
    for call, block in re.findall(r"^<!-- test: (\w+) -->$|^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
        if call:
            found.append((call, 0, None))
            continue
        for line in block.splitlines():
            if line.startswith("$ "):
                command, code = re.fullmatch(r"\$ (.*?)(?: +# exit (\d+))?", line).groups()
                found.append((command, int(code or 0), None))
            elif found and block.startswith("$ "):
                command, code, lines = found.pop()
                found.append((command, code, [*(lines or []), line]))
    return found


def script(found, directory):
    """A program of the shell that takes each step and stops at the first with another exit code."""
    lines = [f"source {shlex.quote(os.path.abspath('tests/runbook.sh'))}"]
    for number, (command, code, _) in enumerate(found):
        out = shlex.quote(f"{directory}/step-{number}")
        lines += [f"{{ {command}", f"}} >{out} 2>&1 </dev/null", "code=$?"]
        lines += [f"echo $code >{out}.code", f"((code == {code})) || exit 99"]
    return "\n".join([*lines, ""])


def matches(expected, printed):
    """Whether this was printed, `…` being anything."""
    pattern = ".*".join(re.escape(part) for part in "\n".join(expected).split("…"))
    return re.fullmatch(pattern, printed.rstrip("\n"), re.DOTALL) is not None


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def inside(name):
    """How to start a shell: where the disk is filled, with a name space in which a small one can be mounted."""
    if name != "Disk full":
        return []
    for flags in (["--mount"], ["--user", "--map-root-user", "--mount"]):
        if subprocess.run(["unshare", *flags, "--", "true"], capture_output=True, check=False).returncode == 0:
            return ["unshare", *flags, "--"]
    sys.exit("a mount name space is needed for the full disk")


def run(name, found, ask, binary):
    """What went wrong in a section, or None."""
    with tempfile.TemporaryDirectory() as directory:
        os.mkdir(f"{directory}/bin")
        os.symlink(binary, f"{directory}/bin/watershed")
        port = str(free_port())
        environment = {
            "PATH": f"{directory}/bin:{os.environ['PATH']}", "HOME": directory, "WORK": directory, "REPOSITORY": os.getcwd(),
            "API_PORT": port, "WATERSHED_URL": f"http://127.0.0.1:{port}", "LOG_FORMAT": "json", "ASK": ask,
            "RATE_LIMIT_INGESTION": "0", "RATE_LIMIT_QUERY": "0", "RATE_LIMIT_DEFAULT": "0",
        }  # fmt: skip
        command = [*inside(name), "bash", "-c", script(found, directory)]
        shell = subprocess.Popen(command, cwd=directory, env=environment, start_new_session=True)
        try:
            status = shell.wait(SECONDS_MAX)
        except subprocess.TimeoutExpired:
            status = "none in time"
            os.killpg(shell.pid, 9)
            shell.wait()
        for number, (text, code, expected) in enumerate(found):
            ended, printed = read(f"{directory}/step-{number}.code"), read(f"{directory}/step-{number}")
            if ended is None or int(ended) != code:
                log = "\n".join((read(f"{directory}/log") or "").splitlines()[-5:])
                return f"{text}\n  exit code {(ended or 'none').strip()}, expected {code}; it printed:\n{printed}\n{log}"
            if expected is not None and not matches(expected, printed):
                return f"{text}\n  it printed:\n{printed}\n  expected:\n" + "\n".join(expected)
        return None if status == 0 else f"the shell ended with {status}"


def main(binary, only=None):
    with open("RUNBOOK.md", encoding="utf-8") as file:
        text = file.read()
    found = sections(text)
    if list(found) != SECTIONS:
        sys.exit(f"RUNBOOK.md has the sections {list(found)}; expected {SECTIONS}")
    ask = re.search(r"^ask\(\) .*$", text, re.MULTILINE).group()
    bad, total = 0, 0
    for name, section in found.items():
        if only not in (None, name):
            continue
        wanted = steps(section)
        if not wanted:
            sys.exit(f"{name}: no commands")
        wrong = run(name, wanted, ask, binary)
        total += len(wanted)
        bad += wrong is not None
        print(f"{name}: {len(wanted)} steps, {'ok' if wrong is None else 'FAILED'}", flush=True)
        if wrong:
            print(wrong, file=sys.stderr)
    print(f"runbook: {total} steps in {len(found)} sections, {bad} failed")
    sys.exit(1 if bad or not total else 0)


main(*sys.argv[1:])
