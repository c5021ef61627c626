"""What the registry says about content: extensions with their schemas, and the rules of collections."""

import json
import time
import tomllib

import pytest
from commands import BAD_DATA, DONE, ended
from conftest import indicator, to_toml, uuid4, wait_for

SCORE = "extension-definition--11111111-1111-4111-8111-111111111111"
OTHER = "extension-definition--22222222-2222-4222-8222-222222222222"
SCHEMA = '{"required": ["risk_score"], "properties": {"risk_score": {"type": "integer", "maximum": 10}}}'


def text_of(hub, extensions=(), **collection):
    """The hub's registry with extensions and rules for its collection."""
    registry = hub.registry()
    registry["agreement"][0]["collection"][0].update(collection)
    lines = [to_toml(registry)]
    for extension in extensions:
        lines.append("[[extension]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in extension.items()))
    return "\n".join(lines)


def change(hub, command, extensions=(), **collection):
    """`registry plan` or `apply` of such a registry, which stands beside the hub's own."""
    path = hub.dir / "changed.toml"
    path.write_text(text_of(hub, extensions, **collection))
    return hub.on_hub("registry", command, path)


def scored(score, **more):
    return indicator(extensions={SCORE: {"extension_type": "property-extension", "risk_score": score}}, **more)


def fails(hub, thing):
    """The message if the hub refuses an object, else nothing."""
    status = hub.post([thing])
    return status["failures"][0]["message"] if status["failure_count"] else None


def in_force(hub):
    return ended(hub.on_hub("registry", "show"), DONE).stdout


# Schemas


NOT_USABLE = {
    "missing": (None, "No such file"),
    "empty": ("", "no JSON"),
    "not-json": ("hello", "no JSON"),
    "cut": ('{"type": ', "no JSON"),
    "trailing-comma": ('{"type": "object",}', "no JSON"),
    "byte-order-mark": ("\ufeff{}", "no JSON"),
    "no-schema": ('{"type": "nonsense"}', "no JSON Schema"),
    "a-list": ("[]", "no JSON Schema"),
    "a-number": ("5", "no JSON Schema"),
    "ref-http": ('{"$ref": "https://example.com/other.json"}', "stands alone"),
    "ref-file": ('{"properties": {"risk_score": {"$ref": "file:///etc/hostname"}}}', "stands alone"),
    "ref-relative": ('{"$defs": {"a": {"$ref": "other.json#/a"}}}', "stands alone"),
    "ref-dynamic": ('{"$dynamicRef": "https://example.com/other.json"}', "stands alone"),
    "look-ahead": ('{"properties": {"risk_score": {"pattern": "^(?=a)b"}}}', "regex"),
    "look-behind": ('{"patternProperties": {"(?<!a)b": {}}}', "regex"),
    "back-reference": (r'{"properties": {"risk_score": {"pattern": "(a)\\1"}}}', "regex"),
    "too-large-an-expression": ('{"properties": {"risk_score": {"pattern": "((a{100}){100}){100}"}}}', "regex"),
    "too-long": (json.dumps({"description": "x" * 256 * 1024}), "bytes"),
}


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_schema_that_cannot_be_used_is_named_with_its_extension_and_file(make_hub, command):
    hub = make_hub(start=False)
    before = in_force(hub)
    for case, (text, word) in NOT_USABLE.items():
        if text is not None:
            (hub.dir / f"{case}.json").write_text(text, encoding="utf-8")
        answer = change(hub, command, [{"id": SCORE, "schema": f"{case}.json"}])
        ended(answer, BAD_DATA, f"extension {SCORE}", f"{case}.json", word)
        assert answer.stdout == "" and len(answer.stderr) < 2000, case
    assert in_force(hub) == before, "nothing was applied"


def test_a_schema_that_is_no_text_is_named(make_hub):
    hub = make_hub(start=False)
    (hub.dir / "binary.json").write_bytes(b'{"title": "\xff"}')
    ended(change(hub, "apply", [{"id": SCORE, "schema": "binary.json"}]), BAD_DATA, f"extension {SCORE}", "binary.json")
    ended(change(hub, "apply", [{"id": SCORE, "schema": "."}]), BAD_DATA, f"extension {SCORE}")


WRONG = [
    ([{"id": "extension-definition--1"}], {}, ["extension-definition"]),
    ([{"id": f"indicator--{uuid4()}"}], {}, ["extension-definition"]),
    ([{"id": SCORE, "schemas": "x"}], {}, ["schemas"]),
    ([{"title": "no id"}], {}, ["id"]),
    ([{"id": SCORE, "schema": '{"type": "nonsense"}'}], {}, [f"extension {SCORE}", "no JSON Schema"]),
    ([{"id": SCORE}, {"id": SCORE}], {}, [SCORE, "occurs twice"]),
    ([], {"profile": "lax"}, ["lax", "strict", "interop", "permissive"]),
    ([], {"unknown_extensions": "drop"}, ["drop", "accept", "refuse"]),
    ([], {"require_extensions": ["ntfs-ext"]}, ["ntfs-ext", "extension-definition"]),
    ([], {"types": "indicator"}, ["types"]),
    ([], {"profiles": "strict"}, ["profiles"]),
]


def test_extensions_and_rules_that_are_wrong_are_refused_with_what_would_be_right(make_hub):
    hub = make_hub(start=False)
    before = in_force(hub)
    for extensions, rules, words in WRONG:
        ended(change(hub, "apply", extensions, **rules), BAD_DATA, *words)
    assert in_force(hub) == before


def test_types_must_be_among_those_of_the_agreement(make_hub):
    hub = make_hub(start=False)
    registry = hub.registry()
    registry["agreement"][0]["types"] = ["indicator", "malware"]
    registry["agreement"][0]["collection"][0]["types"] = ["malware", "tool"]
    path = hub.dir / "changed.toml"
    path.write_text(to_toml(registry))
    ended(hub.on_hub("registry", "plan", path), BAD_DATA, hub.collection, "`tool`")
    registry["agreement"][0]["collection"][0]["types"] = ["malware"]
    path.write_text(to_toml(registry))
    ended(hub.on_hub("registry", "plan", path), DONE, "types")


def test_plan_changes_nothing_and_shows_what_apply_would_do(make_hub):
    hub = make_hub(start=False)
    (hub.dir / "score.json").write_text(SCHEMA)
    before = in_force(hub)
    rules = {"profile": "strict", "unknown_extensions": "refuse", "require_extensions": [SCORE], "types": ["indicator"]}
    planned = ended(change(hub, "plan", [{"id": SCORE, "title": "Score", "schema": "score.json"}], **rules), DONE)
    for word in (f"+ extension {SCORE}", "Score", "risk_score", "profile", "strict", "unknown_extensions", "require_extensions", "types"):
        assert word in planned.stdout, word
    assert in_force(hub) == before
    applied = ended(change(hub, "apply", [{"id": SCORE, "title": "Score", "schema": "score.json"}], **rules), DONE)
    assert [line for line in applied.stdout.splitlines() if line[:1] in "+~-"] == [
        line for line in planned.stdout.splitlines() if line[:1] in "+~-"
    ]
    shown = tomllib.loads(in_force(hub))
    (extension,) = shown["extension"]
    assert extension == {"id": SCORE, "title": "Score", "schema": SCHEMA}
    assert rules.items() <= shown["agreement"][0]["collection"][0].items()
    again = ended(change(hub, "plan", [{"id": SCORE, "title": "Score", "schema": "score.json"}], **rules), DONE)
    assert "nothing to change" in again.stdout
    # Another text under the same name is a change.
    (hub.dir / "score.json").write_text(SCHEMA.replace("10", "11"))
    changed = ended(change(hub, "plan", [{"id": SCORE, "title": "Score", "schema": "score.json"}], **rules), DONE)
    assert f"~ extension {SCORE}" in changed.stdout


def test_the_text_of_a_schema_is_kept_and_its_file_not_needed_any_more(hub):
    path = hub.dir / "score.json"
    path.write_text(SCHEMA)
    hub.apply(text_of(hub, [{"id": SCORE, "schema": "score.json"}]))
    path.unlink()
    assert f"/extensions/{SCORE}/risk_score" in fails(hub, scored(11)) and fails(hub, scored(10)) is None
    hub.stop()
    hub.start()
    assert SCORE in fails(hub, scored(11)) and fails(hub, scored(10)) is None
    assert SCHEMA in in_force(hub)
    assert [thing["extensions"][SCORE]["risk_score"] for thing in hub.fetch()] == [10, 10]
    # What `show` prints can be applied elsewhere.
    (hub.dir / "shown.toml").write_text(in_force(hub))
    ended(hub.on_hub("registry", "plan", hub.dir / "shown.toml"), DONE, "nothing to change")


@pytest.mark.parametrize("schema", [
    '{\n\t"type": "object",\n\t"description": "tabs"\n}\n',
    '{\r\n  "type": "object"\r\n}\r\n',
    '{"description": "\'\'\' and \\"\\"\\" and \\\\ and \u00fc"}',
    '{"description": "\u202e and \u2028, escaped for a terminal"}',
    '{"description": "\u0080 is a control character"}',
], ids=["tabs", "crlf", "quotes", "bidi", "control"])
def test_what_is_shown_is_what_is_in_force(make_hub, schema):
    """`show` is how an operator gets a registry to change it, and --json is for programs."""
    hub = make_hub(start=False)
    (hub.dir / "s.json").write_bytes(schema.encode())
    ended(change(hub, "apply", [{"id": SCORE, "schema": "s.json"}]), DONE)
    assert json.loads(ended(hub.on_hub("registry", "show", "--json"), DONE).stdout)["extension"][0]["schema"] == schema
    assert tomllib.loads(in_force(hub))["extension"][0]["schema"].replace("\r\n", "\n") == schema.replace("\r\n", "\n")
    (hub.dir / "shown.toml").write_bytes(in_force(hub).encode())
    ended(hub.on_hub("registry", "plan", hub.dir / "shown.toml"), DONE)


# A hub that runs


def taken(hub, thing, is_taken):
    """Within how many seconds the hub does so; each try is another object."""
    started = time.monotonic()
    wait_for(lambda: (fails(hub, thing | {"id": f"{thing['type']}--{uuid4()}"}) is None) == is_taken, 3, "not within 3 s")
    return time.monotonic() - started


def test_a_running_hub_takes_a_changed_profile_over_within_seconds(hub):
    relaxed, wrong = indicator(x_misp_Capital="x"), indicator(confidence=101)
    assert fails(hub, relaxed) is None and "prop.range" in fails(hub, wrong)
    ended(change(hub, "apply", profile="strict"), DONE, "profile", "within a second")
    taken(hub, relaxed, False)
    ended(change(hub, "apply", profile="permissive"), DONE)
    taken(hub, wrong, True)
    assert fails(hub, indicator(x_misp_Capital="x")) is None
    ended(change(hub, "apply"), DONE)
    taken(hub, wrong, False)
    # What was let in stays.
    assert any(thing.get("confidence") == 101 for thing in hub.fetch())


def test_a_running_hub_takes_changed_rules_and_schemas_over_within_seconds(hub):
    (hub.dir / "score.json").write_text(SCHEMA)
    foreign = indicator(extensions={OTHER: {"extension_type": "property-extension", "other_name": 1}})
    sent = []
    for extensions, rules, thing, is_taken in [
        ([], {"unknown_extensions": "refuse"}, foreign, False),
        ([{"id": OTHER}], {"unknown_extensions": "refuse"}, foreign, True),
        ([{"id": SCORE}], {}, scored(11), True),
        ([{"id": SCORE, "schema": "score.json"}], {}, scored(11), False),
        ([{"id": SCORE, "schema": "score.json"}], {"require_extensions": [SCORE]}, foreign, False),
        ([], {"types": ["indicator"]}, foreign, True),
        ([], {"types": ["malware"]}, foreign, False),
    ]:
        ended(change(hub, "apply", extensions, **rules), DONE)
        sent.append(taken(hub, thing, is_taken))
    assert max(sent) < 3


def test_a_registry_that_is_refused_leaves_a_running_hub_as_it_was(hub):
    (hub.dir / "score.json").write_text(SCHEMA)
    ended(change(hub, "apply", [{"id": SCORE, "schema": "score.json"}], profile="strict"), DONE)
    taken(hub, scored(11), False)
    (hub.dir / "score.json").write_text('{"type": ')
    ended(change(hub, "apply", [{"id": SCORE, "schema": "score.json"}], profile="permissive"), BAD_DATA)
    time.sleep(1.5)
    assert SCORE in fails(hub, scored(11)) and "prop.name" in fails(hub, indicator(x_misp_Capital="x"))
