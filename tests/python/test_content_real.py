"""Real STIX content through `liaison validate`, and vectors for deterministic ids.

Bundles of the shared data must be valid in `interop`, but for what EXCEPTIONS names; the verdict of each object
is also the oracle's."""

import collections
import functools
import gzip
import json

import pytest
import stix_formats
from content_binary import case_problem, check_ids, report, validate
from stix_cases import finished, fixtures

pytestmark = pytest.mark.shared

MISP = "misp-stix-mapping-objects.jsonl"
# Objects that break the standard, so that `interop` refuses them: by file and rule, how many, and why.
EXCEPTIONS = {
    (MISP, "fmt.base64"): (4, "payload_bin shortened to `…[...]…` for the documentation"),
    (MISP, "fmt.lang"): (2, "programming languages (`C#`, `Python`) in software.languages, which holds RFC 5646 tags"),
    (MISP, "indicator.pattern"): (1, "AND of domain-name and network-traffic in one pair of brackets (patterning, §3)"),
    (MISP, "rule.requires"): (1, "decryption_key without encryption_algorithm (artifact)"),
}
# What the reference leaves open; either verdict passes. Official ATT&CK content writes "no reference" as an empty
# string in a custom property: §2 makes that an error and interop (§24) does not relax it, though §12 says to refuse
# no x_mitre_ name.
OPEN = {("prop.suffix", "x_mitre_data_source_ref", "")}
# Relaxed by `interop` (§24): in strict these are errors.
RELAXED = {
    (MISP, "prop.name"): 4,
    (MISP, "prop.type"): 5,
    (MISP, "fmt.hex"): 1,
    (MISP, "reg.hive"): 2,
}


def read(path):
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    if path.name.endswith(".jsonl"):
        return [json.loads(line) for line in raw.split(b"\n") if line.strip()]
    return [json.loads(raw)]


@pytest.fixture(scope="module")
def real(shared):
    """Cases: every object on its own, and every bundle of less than a megabyte whole."""
    stix_formats.CHARSETS |= set((shared / "iana/charsets.txt").read_text().split())
    cases = []
    paths = [*sorted((shared / "examples").rglob("*.json")), *sorted((shared / "indicators").glob("*.json*"))]
    paths += sorted((shared / "attack").glob("*.gz")) + sorted((shared / "markings").glob("*.json"))
    for path in paths:
        for number, found in enumerate(read(path)):
            members = found["objects"] if found["type"] == "bundle" else [found]
            for place, member in enumerate(members):
                cases.append((path.name, f"{path.name} {number} {place} {member['id']}", member))
            if found["type"] == "bundle" and path.stat().st_size < 1_000_000 and path.suffix != ".gz":
                cases.append((path.name, f"{path.name} whole", found))
    assert len(cases) > 30_000
    return [(source, finished(name, thing, "", None)) for source, name, thing in cases]


def is_open(case):
    return any(
        code == wanted and pointer == f"/{name}" and case["object"].get(name) == value
        for code, pointer in case["errors"]
        for wanted, name, value in OPEN
    )


def test_exceptions_are_all_that_interop_refuses(real):
    """The oracle alone: what it refuses in real content is exactly what the table names."""
    seen, relaxed = collections.Counter(), collections.Counter()
    for source, case in real:
        if is_open(case):
            continue
        if not case["valid"]["interop"]:
            codes = {code for code, pointer in case["errors"] if (code, pointer) not in case["relaxed"]}
            seen.update((source, code) for code in codes)
        relaxed.update({(source, code) for code, _ in case["relaxed"]})
    assert seen == {key: count for key, (count, _) in EXCEPTIONS.items()}
    assert set(relaxed) == set(RELAXED)


@functools.cache
def asked(binary, profile, lines):
    return validate(binary, profile, [json.loads(line) for line in lines])


@pytest.mark.parametrize("profile", ["strict", "interop", "permissive"])
def test_real_content(binary, real, profile):
    lines = tuple(json.dumps({"name": case["name"], "object": case["object"]}) for _, case in real)
    answers = asked(binary, profile, lines)
    problems = []
    for _, case in real:
        if not is_open(case) and (problem := case_problem(case, answers[case["name"]], profile)):
            problems.append((case, answers[case["name"]], problem))
    report(problems, len(real))


def test_real_content_has_no_error_without_ground(binary, real):
    lines = tuple(json.dumps({"name": case["name"], "object": case["object"]}) for _, case in real)
    answers = asked(binary, "interop", lines)
    problems = []
    for _, case in real:
        codes = {code for code, _ in case["errors"]}
        more = {found["code"] for found in answers[case["name"]]["errors"]} - codes
        if more and not is_open(case):
            problems.append((case, answers[case["name"]], f"errors without ground: {sorted(more)}"))
    report(problems, len(real))


# Deterministic ids, §6


def test_id_vectors(binary, shared):
    lines = [json.loads(line) for line in (shared / "sco-ids.jsonl").read_text().split("\n") if line]
    assert len(lines) >= 33
    compare_ids(binary, [(f"vector {number}", line["object"], line["id"]) for number, line in enumerate(lines)])


def test_ids_of_the_fixtures(binary):
    cases = []
    for fixture in fixtures():
        thing = fixture["object"]
        if thing["type"] in stix_formats.CONTRIBUTING:
            wanted = stix_formats.deterministic_id(thing)
            cases.append((fixture["name"], {name: value for name, value in thing.items() if name != "id"}, wanted))
    assert len(cases) > 90
    compare_ids(binary, cases)


def test_ids_of_text_that_is_hard_to_write_the_same(binary):
    """RFC 8785: escapes, order of members by UTF-16 code units, numbers."""
    cases = []
    for number, text in enumerate(["\u0000\u001f\u007f\u0080", "\"\\/\b\f\n\r\t", "\u2028\u2029\ufeff", "\U0001f9ca é e\u0301", "</script>", ""]):
        cases.append((f"text {number}", {"type": "mutex", "name": text}))
    keys = {"\ufb01": "a", "\U0001f9ca": "b", "a": "c", "B": "d", "é": "e", "": "f"}
    entry = {"extension_type": "property-extension", "values_of": keys, "numbers": [1.0, 0.5, -0.0, 123456789012, 4.5e15]}
    extensions = {"extension-definition--3f0e9a5c-7f1d-4b7e-9c55-0d6a5a1f2b3c": entry}
    cases.append(("order of members", {"type": "file", "name": "a", "extensions": extensions}))
    cases.append(("unknown hash alone", {"type": "file", "hashes": {"x_example": "1", "SSDEEP": "3:a:b"}}))
    cases.append(("whole number with a fraction", {"type": "autonomous-system", "number": 64496.0}))
    cases.append(("hash order", {"type": "file", "hashes": {"SHA-512": "00", "SHA-256": "01", "SHA-1": "02"}}))
    compare_ids(binary, [(name, thing, stix_formats.deterministic_id(thing)) for name, thing in cases])


def compare_ids(binary, cases):
    answers = check_ids(binary, [{"name": name, "object": thing} for name, thing, _ in cases])
    wrong = [(name, wanted, answers[name]["id"]) for name, _, wanted in cases if answers[name]["id"] != wanted]
    assert not wrong, f"{len(wrong)} ids differ (name, wanted, got): {wrong[:20]}"
