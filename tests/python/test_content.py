"""`liaison validate` against the reference: own fixtures, one pair for each rule, and thousands of mutations, in
all three profiles. What is expected comes from the reference alone (stix_oracle.py, stix_mutations.py, content/)."""

import functools
import json

import pytest
import stix_cases
from content_binary import case_problem, has, report, surplus, validate, verdict_problem
from stix_model import COMMON, CONTENT, KIND, TYPES, common_class, properties
from stix_oracle import PROFILES, judge, judge_text

# Rules of §24 without a line of their own in rules.jsonl, and why.
NOT_TESTED = {
    "id.namespace": "the reference does not say of what an SDO's id would be recomputed; §25 says warn, do not refuse",
    "version.*": "checked against the store, which `validate` has not",
}


@functools.cache
def generated():
    return list(stix_cases.cases())


@pytest.fixture(scope="module")
def answers(binary):
    """Answers of one process for each profile, over all cases of a kind."""
    kept = {}

    def ask(kind, cases, profile):
        if (kind, profile) not in kept:
            kept[kind, profile] = validate(binary, profile, cases)
        return kept[kind, profile]

    return ask


# The material itself


def test_fixtures_use_every_property_of_every_type():
    used = {}

    def walk(thing, name):
        used.setdefault(name, set()).update(thing)
        for property_name, value in thing.items():
            wanted = properties(name).get(property_name, (None,))[0] if name in TYPES else None
            inner = wanted.of if wanted and wanted.name == "list" else wanted
            if inner and inner.name == "obj":
                for item in value if isinstance(value, list) else [value]:
                    walk(item, inner.of)
        for key, entry in thing.get("extensions", {}).items():
            if KIND.get(key) == "ext":
                walk(entry, key)

    for fixture in stix_cases.fixtures():
        thing = fixture["object"]
        members = thing.get("objects", []) if thing["type"] == "bundle" else [thing]
        for member in members:
            walk(member, member["type"])
    for name, kind in KIND.items():
        if kind == "bundle":
            continue
        wanted = {found for found, (of, _) in properties(name).items() if of.name != "reserved"}
        if kind in ("sdo", "sro", "sco", "meta"):
            wanted |= {found for found, level in COMMON[common_class(name, kind)].items() if level in "Ro"}
        assert not wanted - used.get(name, set()), f"{name}: no fixture uses {sorted(wanted - used.get(name, set()))}"


def test_oracle_finds_nothing_in_the_fixtures():
    for fixture in stix_cases.fixtures():
        assert not judge(fixture["object"]).errors(), fixture["name"]


def test_oracle_and_rule_lines_agree():
    problems = []
    for line in stix_cases.rules():
        found = judge_text(line["text"]) if "text" in line else judge(line["object"])
        answer = {"errors": [{"code": code, "pointer": pointer} for code, pointer in found.errors()], "warnings": []}
        for profile, wanted in line["valid"].items():
            if wanted is not None and found.verdict(profile) not in (wanted, None):
                problems.append((line, answer, f"{profile} is {found.verdict(profile)}, wanted {wanted}"))
        if any(not has(answer["errors"], code, line.get("pointer")) for code in line["errors"]):
            problems.append((line, answer, "codes or pointer"))
    report(problems, len(stix_cases.rules()))


def test_oracle_and_mutations_agree():
    """Each mutation was made for a finding; the oracle, written apart, must have it, or nothing at that place."""
    problems = []
    for case in generated():
        answer = {"errors": [{"code": code, "pointer": pointer} for code, pointer in case["errors"]]}
        wants = case["wants"]
        if wants is None:
            continue
        if any(tuple(want) not in case["errors"] for want in wants):
            problems.append((case, answer, f"made for {wants}"))
        elif not wants and any(pointer.startswith(case["at"]) for _, pointer in case["errors"]):
            problems.append((case, answer, f"nothing is wrong at {case['at']!r}"))
    report(problems, len(generated()))
    names = [case["name"] for case in generated()]
    assert len(names) == len(set(names)) > 20_000


def test_every_rule_of_the_reference_has_lines_on_both_sides():
    listed = json.loads((CONTENT / "rule-names.json").read_text())
    lines = stix_cases.rules()
    broken = {line["rule"] for line in lines if line["errors"] or line["warnings"]}
    kept = {line["rule"] for line in lines if line.get("without")}
    assert set(listed) - broken == set(NOT_TESTED)
    # `fmt.…` and `prop.…` rules all have twins; these two differ only in the other object of a bundle or in text.
    assert not set(listed) - kept - set(NOT_TESTED), set(listed) - kept


# The program


@pytest.mark.parametrize("profile", PROFILES)
def test_fixtures_are_valid(answers, profile):
    fixtures = stix_cases.fixtures()
    found = answers("valid", fixtures, profile)
    problems = [
        (fixture, found[fixture["name"]], problem)
        for fixture in fixtures
        if (problem := verdict_problem(found[fixture["name"]], True, is_clean=True))
    ]
    report(problems, len(fixtures))


@pytest.mark.parametrize("profile", PROFILES)
def test_rules_from_both_sides(answers, profile):
    lines = stix_cases.rules()
    found = answers("rules", lines, profile)
    problems = [
        (line, found[line["name"]], problem) for line in lines if (problem := rule_problem(line, found[line["name"]], profile))
    ]
    report(problems, len(lines))


def rule_problem(line, answer, profile):
    if problem := verdict_problem(answer, line["valid"][profile]):
        return problem
    findings = answer["errors"] + answer["warnings"]
    for code in line["errors"]:
        if not has(answer["errors"] if profile == "strict" else findings, code, line.get("pointer")):
            return f"no {code} at {line.get('pointer')!r}"
    for code in line["warnings"]:
        if not has(answer["warnings"], code, line.get("pointer")):
            return f"no warning {code} at {line.get('pointer')!r}"
    for code in line.get("either", []):
        if not has(findings, code, line.get("pointer")):
            return f"neither error nor warning {code} at {line.get('pointer')!r}"
    for code in line.get("without", []):
        if profile == "strict" and any(found["code"] == code for found in findings):
            return f"{code} where nothing is wrong"
    return None


@pytest.mark.parametrize("profile", PROFILES)
def test_mutations(answers, profile):
    cases = generated()
    found = answers("generated", cases, profile)
    problems = [
        (case, found[case["name"]], problem)
        for case in cases
        if (problem := case_problem(case, found[case["name"]], profile))
    ]
    report(problems, len(cases))


def test_no_error_is_without_ground(answers):
    """Strict finds no error in a mutation that the reference does not give."""
    cases = generated()
    found = answers("generated", cases, "strict")
    problems = [
        (case, found[case["name"]], problem) for case in cases if (problem := surplus(case, found[case["name"]]))
    ]
    report(problems, len(cases))


def test_findings_say_what_a_person_needs(answers):
    """§24: every finding carries its rule, a pointer and a message."""
    listed = set(json.loads((CONTENT / "rule-names.json").read_text()))
    for line in answers("rules", stix_cases.rules(), "strict").values():
        for found in line["errors"] + line["warnings"]:
            name = found["code"] if not found["code"].startswith("version.") else "version.*"
            assert name in listed, found
            assert found["pointer"] == "" or found["pointer"].startswith("/"), found
            assert len(found["message"]) > 8 and "\n" not in found["message"], found


@pytest.mark.parametrize("profile", PROFILES)
def test_deep_json_fails_cleanly(binary, profile):
    deep = {
        "lists": '{"type":"tool","x_example_a":' + "[" * 100_000 + "]" * 100_000 + "}",
        "objects": '{"type":"tool","x_example_a":' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}",
        "not closed": "[" * 500_000,
    }
    answers = validate(binary, profile, [{"name": name, "text": text} for name, text in deep.items()])
    for name, answer in answers.items():
        assert answer["valid"] is False and [found["code"] for found in answer["errors"]] == ["json.syntax"], name
