"""What the reference (stix-2.1-objects.md) says about an object, in the fewest words of Python: the
findings of its rule list (§24), and from them the verdict of each profile.

    judge(thing).verdict("interop")   True or False
    judge(thing).errors()             [(code, pointer), ...]

Findings that only warn are found where a test is about them, not all of them.
"""

import re

import stix_formats as formats
from stix_oracle_objects import Judge

PROFILES = ("strict", "interop", "permissive")
# §24, "permissive refuses only": whole families, and ts.form of created and modified.
PERMISSIVE = ("json.", "obj.shape", "type.name", "id.form", "id.type", "spec_version", "version.")
# After one of these an implementation may stop looking.
STRUCTURAL = ("json.syntax", "obj.shape", "type.name")


class Findings:
    """Errors, each (code, pointer, is relaxed in interop), and warnings."""

    def __init__(self):
        self.found, self.warned = [], []
        # Inside what everybody knows by its id: refused by `strict` alone.
        self.excused = False

    def error(self, code, pointer, relaxed=False):
        self.found.append((code, pointer, "excused" if self.excused else relaxed))

    def warn(self, code, pointer):
        self.warned.append((code, pointer))

    def errors(self):
        return sorted({(code, pointer) for code, pointer, _ in self.found})

    def warnings(self):
        return sorted(set(self.warned))

    def refusing(self, profile):
        for code, pointer, relaxed in self.found:
            if relaxed == "excused" and profile != "strict":
                continue
            if profile == "permissive":
                if code.startswith(PERMISSIVE) or (code == "ts.form" and header(pointer) in ("/created", "/modified")):
                    yield code, pointer
            elif profile == "strict" or not relaxed:
                yield code, pointer

    def verdict(self, profile):
        """True, False, or None where the reference leaves it open: it names `ts.form` of `created` and `modified`
        as what permissive refuses, but a number or an impossible date there leaves no version to store either."""
        if any(self.refusing(profile)):
            return False
        if profile == "permissive" and any(
            code in ("prop.type", "ts.calendar") and header(pointer) in ("/created", "/modified") and relaxed != "excused"
            for code, pointer, relaxed in self.found
        ):
            return None
        return True


def judge(thing):
    """Judges an object or a bundle given as data."""
    findings = Findings()
    Judge(findings).object(thing, "")
    return findings


def judge_text(text):
    """Judges raw JSON."""
    try:
        thing = formats.json_strict(text)
    except (ValueError, RecursionError):
        findings = Findings()
        findings.error("json.syntax", "")
        return findings
    return judge(thing)


def header(pointer):
    """The pointer inside the member of a bundle."""
    return re.sub(r"^/objects/\d+(?=/)", "", pointer)
