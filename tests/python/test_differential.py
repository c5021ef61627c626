"""The program and the public Python validators over the same content: every difference has an explanation in
docs/validator-differences.md. About 4,000 objects; `python differential.py --all` takes all of them."""

import collections
import json
import os

import differential
import pytest
from conftest import REPOSITORY, leave_out
from content_binary import check_patterns
from test_content_patterns import patterns

PAGE = REPOSITORY / "docs/validator-differences.md"


@pytest.fixture(scope="module", autouse=True)
def python_validators():
    try:
        import stix2patterns
        import stix2validator
    except ImportError as missing:
        is_required = os.environ.get("CI") == "true" or os.environ.get("LIAISON_REQUIRE_TOOLS") == "1"
        leave_out("test_differential", f"{missing.name} is not installed", is_required)
    assert stix2validator and stix2patterns


def explained():
    """The classes that the page explains: the first cells of its tables."""
    rows = [line.split("|")[1].strip() for line in PAGE.read_text().split("\n") if line.startswith("| `")]
    return {row.strip("`") for row in rows}


@pytest.mark.timeout(600)
def test_every_difference_over_objects_is_explained(binary):
    cases = list(dict(differential.selection(is_all=False)).items())
    assert len(cases) > 3_000
    found = differential.compare(cases, differential.our_verdicts(cases, binary))
    unknown = found.pop("?", [])
    assert not unknown, f"{len(unknown)} differences without a class: " + "\n".join(map(str, unknown[:20]))
    names = {name for key in found for name in key.split(" + ")}
    assert not names - explained(), f"not on {PAGE.name}: {sorted(names - explained())}"


def test_every_difference_over_patterns_is_explained(binary):
    lines = patterns()
    answers = check_patterns(binary, lines)
    found = collections.defaultdict(list)
    for line in lines:
        if key := differential.explain_pattern(line["pattern"], answers[line["name"]]["valid"]):
            found[key].append(line["pattern"])
    assert not found.pop("?", []), f"without a class: {json.dumps(found['?'][:20])}"
    assert not set(found) - explained(), f"not on {PAGE.name}: {sorted(set(found) - explained())}"


def test_the_page_names_no_class_that_does_not_exist():
    known = {name for name in differential.STRICTER.values() if isinstance(name, str)}
    known |= {name for _, name in differential.LAXER} | differential.BY_POINTER
    known |= {name for name, _ in differential.PATTERN_LAXER + differential.PATTERN_STRICTER} | {"pattern-crash"}
    assert explained() == known
