"""The same objects judged by the public Python validators (stix2-validator, stix2-patterns) and by
`liaison validate --profile strict`. Every difference must belong to a class below, each explained in
docs/validator-differences.md with the clause of the reference.

    LIAISON_BIN=… python differential.py             about 4,000 cases
    LIAISON_BIN=… python differential.py --all       all of them, some minutes
    python differential.py --oracle [--all]          the oracle in place of the program
"""

import contextlib
import io
import json
import os
import re
import sys
import warnings

import stix_cases
from pattern_oracle import problem
from stix_model import KIND

STEP = 10


class Case:
    """One object, our verdict with its error codes and pointers, and theirs with its messages."""

    def __init__(self, thing, valid, errors, their_valid, messages):
        self.thing, self.valid, self.errors = thing, valid, errors
        self.their_valid, self.messages = their_valid, messages

    def value(self, pointer):
        found = self.thing
        for step in pointer.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(step)] if isinstance(found, list) else found[step]
            except (KeyError, IndexError, ValueError, TypeError):
                return None
        return found

    def text(self, pointer):
        found = self.value(pointer)
        return found if isinstance(found, str) else ""

    def member(self, pointer):
        """The object of a bundle that the pointer leads into, and the pointer inside it."""
        found = re.match(r"/objects/(\d+)(.*)", pointer)
        if self.thing.get("type") == "bundle" and found and isinstance(self.thing.get("objects"), list):
            member = self.thing["objects"][int(found[1])] if int(found[1]) < len(self.thing["objects"]) else {}
            return member if isinstance(member, dict) else {}, found[2]
        return self.thing, pointer


def selection(is_all):
    """Valid fixtures and rule lines, and the generated cases or every tenth of them, as (name, object)."""
    for line in [*stix_cases.fixtures(), *stix_cases.rules()]:
        if "object" in line:
            yield line["name"], line["object"]
    for number, case in enumerate(stix_cases.cases()):
        if "object" in case and (is_all or number % STEP == 0):
            yield case["name"], case["object"]


def python_verdict(thing):
    """(valid, messages) of stix2-validator; valid is None where it ends in a Python error."""
    from stix2validator import ValidationOptions, validate_instance

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = validate_instance(thing, ValidationOptions(version="2.1"))
        except Exception as error:  # It does end in any of Python's own errors.
            return None, [f"{type(error).__name__}: {error}"]
    return found.is_valid, [str(error) for error in found.errors]


def explain(case):
    """The class of a difference, None for agreement, or "?" when no class explains it."""
    if case.their_valid is case.valid:
        return None
    if case.their_valid is None:
        return "crash" if not case.valid or crashes_on(case) else "?"
    if not case.valid:
        return " + ".join(sorted({stricter(case, code, pointer) for code, pointer in case.errors}))
    if case.thing.get("defanged") is True:
        return "defanged"
    if case.thing["type"] == "bundle" and case.thing.get("spec_version", "2.1") != "2.1":
        return "bundle-spec-version"
    found = {laxer(message) for message in case.messages}
    return "?" if "?" in found else " + ".join(sorted(found))


def crashes_on(case):
    """What ends in a Python error although nothing is wrong: embedded objects without ids."""
    return "KeyError: 'id'" in case.messages and '"objects": {' in json.dumps(case.thing)


# We refuse, stix2-validator does not: by rule, and where the rule is not enough, by what is at the pointer.


def stricter(case, code, pointer):
    name = STRICTER.get(code)
    if name is None:
        return "?"
    return name if isinstance(name, str) else name(case, pointer) or "?"


def _newline(case, pointer):
    return "newline" if case.text(pointer).endswith("\n") else None


def _form(case, pointer):
    member, inside = case.member(pointer)
    if case.text(pointer).endswith("\n"):
        return "newline"
    if re.match(r"/object_refs/|/sample_refs/", inside):
        return "sco-references"
    if KIND.get(member.get("type")) == "sco" or inside.startswith("/extensions/") or re.match(r"/objects/[^/]+/\w", inside):
        return "sco-references"
    return None


def _type(case, pointer):
    if re.search(r"/(additional_header_fields|request_header)/[^/]+(/\d+)?$", pointer):
        return "header-values"
    if "/environment_variables/" in pointer:
        return "environment-values"
    if isinstance(case.value(pointer), list):
        return "list-in-list"
    return "integers" if pointer.endswith("/gid") else None


def _range(case, pointer):
    found = case.value(pointer)
    if isinstance(found, (int, float)) and abs(found) > 2**53 - 1:
        return "integers"
    return "counts-below-zero" if re.search(r"_(byte_count|packets)$", pointer) else None


def _empty(case, pointer):
    if pointer.endswith("/source_name"):
        return "source-name"
    return "custom-values" if _custom(pointer) or "/contents/" in pointer else None


def _null(case, pointer):
    return "custom-values" if _custom(pointer) or pointer.count("/") > 1 else None


def _custom(pointer):
    return re.search(r"/(x_example\w*|abc)$", pointer)


def _hash(case, pointer):
    if case.text(pointer).endswith("\n"):
        return "newline"
    return "hash-values" if pointer.endswith(("/SSDEEP", "/TLSH")) else None


def _required(case, pointer):
    if pointer.endswith("/created_by_ref"):
        return "creator-of-extension"
    member, inside = case.member(pointer)
    return "class-by-extension" if inside in ("/created", "/modified") and '"new-s' in json.dumps(member) else None


def _hex(case, pointer):
    return _newline(case, pointer) or ("hex-capitals" if re.search("[A-F]", case.text(pointer)) else None)


def _times(case, pointer):
    member, _ = case.member(pointer)
    return "marking-created" if member.get("type") == "marking-definition" else None


def _form_of_time(case, pointer):
    member, inside = case.member(pointer)
    is_other = (member.get("type"), inside) == ("marking-definition", "/modified")
    return "not-applicable" if is_other else _newline(case, pointer)


STRICTER = {
    "ref.type": "reference-targets",
    "mark.ref": "reference-targets",
    "ref.form": _form,
    "prop.suffix": "suffixes",
    "prop.name": "property-names",
    "prop.range": _range,
    "prop.type": _type,
    "prop.empty": _empty,
    "prop.reserved": "reserved-names",
    "prop.not-applicable": "not-applicable",
    "prop.required": _required,
    "hash.value": _hash,
    "json.null": _null,
    "ext.key": "extension-keys",
    "ext.props": "extension-content",
    "spec_version": "spec-version",
    "mark.granular": "granular-both",
    "mark.selector": "selectors-into-strings",
    "mark.self": "marking-itself",
    "mark.tlp-fixed": "tlp-fixed",
    "id.form": _newline,
    "id.type": "id-type",
    "ts.form": _form_of_time,
    "ts.precision": _times,
    "ts.order": "finer-than-microseconds",
    "fmt.hex": _hex,
    "fmt.ipv4": "addresses",
    "fmt.ipv6": "addresses",
    "fmt.mac": _newline,
    "fmt.base64": _newline,
    "fmt.email": _newline,
    "fmt.url": "urls",
    "reg.hive": "hives",
    "rel.type-name": _newline,
    "indicator.pattern": "patterns",
    "rule.oneof": "one-of",
    "rule.requires": "requires",
    "bundle.empty": "bundles",
    "bundle.nested": "bundles",
    "bundle.dup": "bundles",
}

# Classes that the functions above and `explain` choose.
BY_POINTER = {
    "bundle-spec-version", "counts-below-zero", "crash", "creator-of-extension", "custom-values", "defanged",
    "environment-values", "header-values", "hash-values", "hex-capitals", "integers", "list-in-list", "marking-created",
    "newline", "sco-references", "source-name",
}

# stix2-validator refuses, we do not: by its message.
LAXER = (
    (r"(?:'.*?'|id:.*) does not match the id format", "uuid-versions"),
    (r"is not valid under any of the given schemas:\n\{'type': 'string', 'anyOf'", "uuid-versions"),
    (r"'definition' must contain a valid statement, TLP|marking definitions must use the 'definition_type'", "uuid-versions"),
    (r"hashes: .* does not match '\^MD5\|SHA-1", "hash-keys"),
    (r"hashes\.TLSH: ", "hash-values"),
    (r"granular_markings\[\d+\]: 'marking_ref' is a required property", "granular-lang"),
    (r"granular_markings\[\d+\]\.selectors\[\d+\]: .* does not match", "selectors"),
    (r"is not a valid timestamp: second must be in", "leap-seconds"),
    (r"is not a valid RFC 5646 language code|must be an RFC 5646 code", "language-tags"),
    (r"contains an invalid language code|languages\[\d+\]: ", "language-tags"),
    (r"must be later than", "finer-than-microseconds"),
    (r"mime_type: .* does not match|must be an IANA registered MIME Type", "media-types"),
    (r"If the external reference is a CVE", "cve"),
    (r"is not a valid observable property name", "pattern-property-names"),
    (r"'(created|modified)' is a required property", "class-by-extension"),
    (r"extensions\.extension-definition--\S+: (empty arrays|null properties) are not allowed", "extension-values"),
    (r"is not a 'idn-hostname'", "domain-names"),
    (r"is not a 'email'", "email-addresses"),
    (r"value: '[0-9a-fA-F:.]+' does not match '\^s\*", "addresses"),
    (r"additional_header_fields\.\S+: ", "header-values"),
    (r"extensions\.\S+\.(options|exif_tags|startup_info|document_info_dict)\b", "dictionary-keys"),
    (r"extensions\.windows-process-ext: .* is not valid under any", "one-of"),
    (r"Custom extension keys may only contain", "nested-custom"),
    (r"object_ref: .* should not be valid under \{'pattern': '\^\(bundle\|language-content\)", "language-content-target"),
    (r"key: .* should not be valid under \{'pattern': '\^HKLM", "hives"),
)


def laxer(message):
    for pattern, name in LAXER:
        if re.search(pattern, message, re.S):
            return name
    return "?"


def compare(cases, ours):
    """Differences by class: {class: [(name, ours, theirs)]}; the key "?" holds those without one."""
    found = {}
    for name, thing in cases:
        valid, errors = ours[name]
        their_valid, messages = python_verdict(thing)
        case = Case(thing, valid, errors, their_valid, messages)
        if key := explain(case):
            key = "?" if "?" in key else key
            found.setdefault(key, []).append((name, errors[:4], [message[:240] for message in messages[:3]] or their_valid))
    return found


def our_verdicts(cases, binary):
    """{name: (valid, errors)} of the program, or of the oracle."""
    if binary is None:
        from stix_oracle import judge

        judged = {name: judge(thing) for name, thing in cases}
        return {name: (found.verdict("strict"), found.errors()) for name, found in judged.items()}
    from content_binary import validate

    answers = validate(binary, "strict", [{"name": name, "object": thing} for name, thing in cases])
    return {
        name: (answer["valid"], [(found["code"], found["pointer"]) for found in answer["errors"]])
        for name, answer in answers.items()
    }


# Patterns

# What stix2-patterns refuses and the reference does not, by what the pattern has.
PATTERN_LAXER = (
    ("pattern-leading-comment", r"^\s*(/\*|//)"),
    ("pattern-binary", r"b'(\s*|[A-Za-z0-9+/=]*\n[A-Za-z0-9+/=\n]*)'"),
    ("pattern-hash-operators", r"hashes\.\S+ (NOT )?(LIKE|MATCHES|IN)\b"),
)
# What the reference refuses and stix2-patterns does not, by what pattern_oracle says is wrong.
PATTERN_STRICTER = (
    ("pattern-dates", r"timestamp$"),
    ("pattern-in-kinds", r"constants of different types in IN"),
    ("pattern-counts", r"must be positive"),
    ("pattern-qualifier-twice", r"(WITHIN|REPEATS|START) twice"),
    ("pattern-and-across-types", r"AND across object types"),
    ("pattern-hash-other-kinds", r"not a (SSDEEP|TLSH) value"),
    ("pattern-matches", r"expression: "),
)


def python_pattern(text):
    """True, False, or None where stix2-patterns ends in a Python error."""
    from stix2patterns.validator import run_validator

    try:
        return not run_validator(text, "2.1")
    except Exception:
        return None


def explain_pattern(text, valid):
    """The class of a difference over a pattern, as `explain`."""
    theirs = python_pattern(text)
    if theirs is valid:
        return None
    if theirs is None:
        return "?" if valid else "pattern-crash"
    said = text if valid else problem(text) or ""
    for name, form in PATTERN_LAXER if valid else PATTERN_STRICTER:
        if re.search(form, said, re.S):
            return name
    return "?"


def main():
    binary = None if "--oracle" in sys.argv else os.environ["LIAISON_BIN"]
    cases = list(dict(selection("--all" in sys.argv)).items())
    found = compare(cases, our_verdicts(cases, binary))
    for key in sorted(found, key=lambda key: -len(found[key])):
        print(f"{len(found[key]):6} {key}: {found[key][0][0]}")
    for line in found.get("?", [])[:40]:
        print("?", line)
    print(f"{len(cases)} cases, {sum(map(len, found.values()))} differences, {len(found.get('?', []))} without a class")
    return 1 if found.get("?") else 0


if __name__ == "__main__":
    sys.exit(main())
