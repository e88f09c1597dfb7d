#!/usr/bin/env python3
"""Adds up which lines of the program were run, and fails below a ratio.

    tests/coverage.py PERCENT LCOV

LCOV is what `llvm-cov export --format=lcov` prints. Lines of tests do not count: files of tests, and what follows
`#[cfg(test)]` at the margin, where modules of tests stand.
"""

import os
import re
import sys

TESTS = re.compile(r"/tests/|/tests\.rs$|/testing\.rs$")


def program_lines(path):
    """How many lines stand before the tests of a file."""
    with open(path, encoding="utf-8") as source:
        for number, line in enumerate(source):
            if line.startswith("#[cfg(test)]") and next(source, "").rstrip().endswith("{"):
                return number
    return sys.maxsize


def read(lcov):
    """{path: {line: how often it was run}}"""
    files = {}
    for entry in lcov:
        kind, _, value = entry.strip().partition(":")
        if kind == "SF":
            lines = files.setdefault(value, {})
        elif kind == "DA":
            number, count = value.split(",")[:2]
            lines[int(number)] = max(lines.get(int(number), 0), int(count))
    return files


def main():
    least = float(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as lcov:
        files = read(lcov)
    covered_in_all = all_lines = 0
    for path, lines in sorted(files.items()):
        if TESTS.search(path):
            continue
        end = program_lines(path)
        counts = [count for number, count in lines.items() if number <= end]
        covered = sum(count > 0 for count in counts)
        missed = sorted(number for number, count in lines.items() if number <= end and count == 0)
        print(f"{os.path.relpath(path)}: {covered}/{len(counts)}", *(["not run:", *missed] if missed else []))
        covered_in_all += covered
        all_lines += len(counts)
    # Nothing found is a mistake of this check, not a program without lines.
    if all_lines < 500:
        sys.exit(f"only {all_lines} lines were found")
    percent = 100 * covered_in_all / all_lines
    print(f"{covered_in_all} of {all_lines} lines were run: {percent:.2f} %")
    if percent < least:
        sys.exit(f"expected at least {least:g} %")


main()
