"""`liaison pattern check` against stix-patterning.md, §1 to §3 and §8; and patterns inside indicators."""

import json

import pytest
from content_binary import check_patterns, report, validate
from pattern_oracle import problem
from stix_model import CONTENT

INDICATOR = {
    "type": "indicator",
    "spec_version": "2.1",
    "id": "indicator--3f0e9a5c-7f1d-4b7e-9c55-0d6a5a1f2b3c",
    "created": "2026-02-03T08:15:30.250Z",
    "modified": "2026-02-03T08:15:30.250Z",
    "name": "n",
    "description": "d",
    "pattern_type": "stix",
    "valid_from": "2026-02-03T08:15:30.250Z",
}
TEST = "[file:name = 'a']"
# Too long for a line of data: §9, 100 000 nested parentheses must fail cleanly.
DEEP = {
    "deep observations": "(" * 100_000 + TEST + ")" * 100_000,
    "deep comparisons": "[" + "(" * 100_000 + "a:b = 1" + ")" * 100_000 + "]",
    "only parentheses": "(" * 100_000,
    "only brackets": "[" * 100_000,
    "long beyond the limit": "[a:b = '" + "x" * 2_000_000 + "']",
    "many observations": " AND ".join([TEST] * 20_000),
    "many repetitions": "(" * 20 + TEST + " REPEATS 1000 TIMES)" * 20,
}


def patterns():
    with open(CONTENT / "patterns.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_oracle_and_pattern_lines_agree():
    assert len(patterns()) > 500
    wrong = [(line["name"], line["pattern"], problem(line["pattern"])) for line in patterns() if (problem(line["pattern"]) is None) != line["valid"]]
    assert not wrong, wrong[:20]


def compare(binary, lines):
    answers = check_patterns(binary, lines)
    problems = []
    for line in lines:
        answer = answers[line["name"]]
        if answer["valid"] is not line["valid"]:
            problems.append((line, {}, f"{answer}: {line.get('why', problem(line['pattern']))}"))
        elif not line["valid"] and not answer["error"]:
            problems.append((line, {}, "no error says why"))
    report(problems, len(lines))


def test_patterns(binary):
    compare(binary, patterns())


def test_patterns_beyond_limits_fail_cleanly(binary):
    compare(binary, [{"name": name, "pattern": text, "valid": False, "why": "limits of §9"} for name, text in DEEP.items()])


@pytest.mark.shared
def test_public_patterns(binary, shared):
    lines = [json.loads(line) for line in (shared / "patterns/patterns.jsonl").read_text().split("\n") if line]
    compare(binary, [line | {"name": f"public {number}"} for number, line in enumerate(lines)])


def test_an_indicator_is_as_valid_as_its_pattern(binary):
    lines = [{"name": line["name"], "object": INDICATOR | {"pattern": line["pattern"]}, "valid": line["valid"]} for line in patterns()]
    answers = validate(binary, "interop", lines)
    problems = []
    for line in lines:
        answer = answers[line["name"]]
        codes = {found["code"] for found in answer["errors"]}
        if "\0" in line["object"]["pattern"]:
            codes = codes and {"indicator.pattern"}  # Whether JSON text may hold U+0000 at all is open.
        if answer["valid"] is not line["valid"] or codes != (set() if line["valid"] else {"indicator.pattern"}):
            problems.append((line, answer, "the pattern decides alone"))
    report(problems, len(lines))
