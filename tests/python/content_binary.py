"""Runs `liaison validate`, `liaison id` and `liaison pattern check` over JSON lines, and holds what they say
against what the reference says."""

import json
import re
import subprocess

from stix_oracle import STRUCTURAL

SHOWN = 20
# Where the rule list of the reference (§24) has two names for one finding, either will do.
ALTERNATIVES = {
    "bundle.empty": {"prop.empty"},  # an empty list, and a rule of its own
    "ext.empty": {"prop.empty", "rule.oneof", "prop.required"},  # an empty dictionary, "at least one own property"
    "ext.key": {"prop.not-applicable"},  # extensions on an extension-definition: §4 and §12
    "ext.props": {"prop.name", "rule.oneof"},  # names: §2 and §12; a property of its own
    "ext.type": {"prop.required", "prop.type", "enum"},  # `extension_type` is required, a string, an enum
    "mark.definition": {"prop.required", "prop.type", "rule.requires"},
    "mark.granular": {"prop.required", "prop.empty", "rule.oneof"},
    "mark.ref": {"ref.type"},  # §9 names object_marking_refs too
    "obj.shape": {"json.null", "prop.type", "prop.required"},  # `id: null`; inside the observable container
    "prop.not-applicable": {"ext.key"},
    "prop.empty": {"prop.required", "ext.empty"},  # an empty source_name
    "prop.suffix": {"rule.requires"},  # `_enc` without its sibling is a rule of the table too
    "ref.form": {"ref.dangling", "mark.ref"},  # a key that is not in the observable container
    "rule.oneof": {"rule.requires", "prop.required", "prop.empty", "ext.empty", "ref.type"},
    "rule.requires": {"rule.oneof", "prop.required", "prop.suffix", "ext.props"},
    "spec_version": {"prop.type", "json.null"},
    "ts.calendar": {"ts.form"},  # second 60 outside 23:59
}
# Findings about several members at once: their pointer may be the object's or one of the members'.
LOOSE = {
    "bundle.dup", "bundle.nested", "ext.empty", "ext.type", "ext.props", "extref.detail", "mark.definition", "mark.granular",
    "mark.self", "mark.tlp-fixed", "rule.oneof", "rule.requires", "obj.shape", "prop.suffix",
}


def json_lines(command, lines, timeout=120):
    """Writes lines to a command and reads its answers, by name. It must answer each line exactly once."""
    sent = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    answer = subprocess.run(command, input=sent.encode(), capture_output=True, timeout=timeout, check=False)
    told = answer.stderr.decode(errors="replace")[-2000:]
    assert answer.returncode in (0, 1, 65), f"{command[1:]} ended with {answer.returncode}: {told}"
    assert "panicked" not in told, told
    found = {}
    for text in answer.stdout.decode().split("\n"):
        if text:
            line = json.loads(text)
            assert line["name"] not in found, f"two answers for {line['name']}"
            found[line["name"]] = line
    missing = [line["name"] for line in lines if line["name"] not in found]
    assert not missing and len(found) == len(lines), f"{len(missing)} lines without an answer: {missing[:5]}; {told}"
    return found


def validate(binary, profile, cases):
    lines = [{name: case[name] for name in ("name", "object", "text") if name in case} for case in cases]
    return json_lines([binary, "validate", "--profile", profile, "--json-lines", "-"], lines)


def check_ids(binary, cases):
    return json_lines([binary, "id", "--json-lines", "-"], cases)


def check_patterns(binary, cases):
    lines = [{"name": case["name"], "pattern": case["pattern"]} for case in cases]
    return json_lines([binary, "pattern", "check", "--json-lines", "-"], lines)


def same_place(code, wanted, got):
    """Whether a pointer will do; `wanted` may be a list of pointers."""
    if isinstance(wanted, list):
        return any(same_place(code, one, got) for one in wanted)
    if wanted is None or wanted == got:
        return True
    if code not in LOOSE:
        return False
    parent = wanted.rpartition("/")[0]
    return got == parent or got.startswith(wanted + "/") or got.rpartition("/")[0] in (parent, wanted)


def has(findings, code, pointer):
    codes = {code} | ALTERNATIVES.get(code, set())
    return any(
        found["code"] in codes and (same_place(code, pointer, found["pointer"]) or stands_for(found, pointer))
        for found in findings
    )


def stands_for(found, wanted):
    """Whether a warning that was found in several places of a list is told for this one too."""
    general = [re.sub(r"/\d+(?=/|$)", "/*", pointer) for pointer in (found["pointer"], wanted if isinstance(wanted, str) else "")]
    return found.get("count", 1) > 1 and general[0] == general[1]


def verdict_problem(answer, wanted, is_clean=False):
    if wanted is not None and answer["valid"] is not wanted:
        return f"valid is {answer['valid']}, wanted {wanted}"
    if not answer["valid"] and not answer["errors"]:
        return "not valid, but no error says why"
    if is_clean and answer["errors"]:
        return "errors where nothing is wrong"
    return None


def case_problem(case, answer, profile):
    """What is wrong with the answer to a case that carries the oracle's findings, or None."""
    if found := verdict_problem(answer, case["valid"][profile]):
        return found
    findings = answer["errors"] + answer["warnings"]
    errors = case["errors"]
    structural = [error for error in errors if error[0] in STRUCTURAL]
    for code, pointer in structural or errors:
        if not has(findings if profile != "strict" else answer["errors"], code, pointer):
            return f"no {code} at {pointer!r}"
    return None


def surplus(case, answer):
    """Error codes of a strict answer that the reference gives no ground for."""
    grounds = {code for code, _ in case["errors"]}
    for code in set(grounds):
        grounds |= ALTERNATIVES.get(code, set())
    if grounds & {"prop.type", "json.null"}:
        # A member that is no list at all does not hold what a rule wants of it either.
        grounds |= {"rule.oneof", "rule.requires"}
    if grounds & set(STRUCTURAL):
        return None
    more = sorted({found["code"] for found in answer["errors"]} - grounds)
    return f"errors without ground: {', '.join(more)}" if more else None


def report(problems, total):
    """Fails with the first problems: (case, answer, what is wrong)."""
    if not problems:
        return
    lines = [f"{len(problems)} of {total} differ; the first {min(SHOWN, len(problems))}:"]
    for case, answer, problem in problems[:SHOWN]:
        shown = case["text"] if "text" in case else json.dumps(case.get("object", case.get("pattern")), ensure_ascii=False)
        got = [f"{found['code']} {found['pointer']}" for found in answer.get("errors", [])][:6]
        warned = [f"{found['code']} {found['pointer']}" for found in answer.get("warnings", [])][:6]
        wanted = [case["valid"], *case.get("errors", []), *case.get("warnings", [])] if "valid" in case else True
        lines.append(
            f"- {case['name'][:150]}: {problem}\n    wanted {str(wanted)[:300]}\n    got    errors {got} warnings {warned}\n"
            f"    object {shown[:600]}"
        )
    raise AssertionError("\n".join(lines))
