"""Commands that answer each line with a line: `validate --json-lines`, `pattern check`, `pattern match`, `id`. Their
verdicts are data: whatever the lines are, they end with 0 and answer each exactly once, in order."""

import json
import subprocess
import time

import pytest
from commands import BAD_DATA, DONE, USAGE, ended
from conftest import indicator, uuid4

GOOD = indicator(name="n", description="d")
COMMANDS = {
    "validate": ["validate", "--json-lines", "-"],
    "check": ["pattern", "check"],
    "match": ["pattern", "match"],
    "id": ["id"],
}
# A good line of each, without its name.
FINE = {
    "validate": {"object": GOOD},
    "check": {"pattern": "[url:value = 'x']"},
    "match": {"pattern": "[url:value = 'x']", "observations": []},
    "id": {"object": {"type": "url", "value": "https://example.com/"}},
}
PATTERN = "[domain-name:value = 'a.example']"


@pytest.fixture
def answers(binary):
    """What a command answers to lines, given as bytes, texts or things."""

    def ask(command, lines, *options, parse=json.loads):
        raw = [line if isinstance(line, bytes) else line.encode() if isinstance(line, str) else json.dumps(line).encode() for line in lines]
        answer = subprocess.run(
            [binary, *COMMANDS.get(command, [command]), *options], input=b"\n".join(raw) + b"\n", capture_output=True, timeout=120, check=False
        )
        assert answer.returncode == DONE and answer.stderr == b"", (answer.returncode, answer.stderr)
        assert answer.stdout.endswith(b"\n") or not answer.stdout
        return [parse(line) for line in answer.stdout.decode().split("\n")[:-1]]

    return ask


def codes(answer):
    return [error["code"] for error in answer["errors"]]


# Every command


BROKEN = [
    "hello", "{", '{"name": 1', "[1]", "5", "null", "true", '"text"', "{}", '{"nam": 1}', "[" * 500, b"\xff\xfe", b'{"name": "\xe9"}', "\ufeff{}",
    '{"name": "a", "name": "b"}', '{"name": NaN}', b"\x00", b"\x1b[2J",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_broken_lines_are_answered_and_do_not_stop_the_rest(answers, command):
    fine = FINE[command]
    lines = [line for n, broken in enumerate(BROKEN) for line in (broken, {"name": n} | fine)]
    found = answers(command, lines)
    assert len(found) == len(lines)
    (reference,) = answers(command, [fine])
    for number, answer in enumerate(found):
        if number % 2:
            assert answer == reference | {"name": number // 2}
        else:
            assert answer.get("valid") is not True and "match" not in answer and answer.get("id") is None, lines[number]
            if command == "validate":
                assert answer["errors"]
            elif command != "id":
                assert answer["error"]


@pytest.mark.parametrize("command", COMMANDS)
def test_names_of_any_type_come_back(answers, command):
    names = ["text", "", "ü\u202e\u007f\n", 0, -1, 1.5, True, False, None, [], ["a", 1, None], {}, {"b": {"a": [1.0]}}, 2**53 + 1, 2**63]
    found = answers(command, [{"name": name} | FINE[command] for name in names])
    assert [json.dumps(answer["name"]) for answer in found] == [json.dumps(name) for name in names]


def test_a_name_that_is_a_number_of_any_size_comes_back_as_it_was(answers):
    for name in ("123456789012345678901234567890", "1.00", "-0", "1e2"):
        for command, fine in FINE.items():
            line = json.dumps({"name": "@"} | fine).replace('"@"', name)
            (found,) = answers(command, [line], parse=lambda text: json.loads(text, parse_int=str, parse_float=str))
            assert found["name"] == name, command


@pytest.mark.parametrize("command", COMMANDS)
def test_blank_lines_are_passed_over_and_ends_of_lines_may_be_of_windows(answers, command):
    line = json.dumps({"name": 1} | FINE[command])
    assert len(answers(command, ["", "   ", "\t\r", line + "\r", "", line])) == 2
    assert answers(command, [""]) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_last_line_without_an_end_is_answered(binary, command):
    line = json.dumps({"name": 1} | FINE[command]).encode()
    answer = subprocess.run([binary, *COMMANDS[command]], input=line, capture_output=True, timeout=60, check=False)
    assert answer.returncode == DONE and json.loads(answer.stdout)["name"] == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_lines_come_from_a_file_too(binary, tmp_path, command):
    path = tmp_path / "lines.jsonl"
    path.write_text(json.dumps({"name": 1} | FINE[command]) + "\n")
    arguments = [part for part in COMMANDS[command] if part not in ("--json-lines", "-")]
    ask = lambda file: subprocess.run([binary, *arguments, "--json-lines", file], capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(ended(ask(path), DONE).stdout)["name"] == 1
    ended(ask(tmp_path / "missing.jsonl"), BAD_DATA, "missing.jsonl", "No such file")


def test_a_directory_is_no_file_of_lines(binary, tmp_path):
    for command in COMMANDS.values():
        arguments = [part for part in command if part not in ("--json-lines", "-")]
        answer = subprocess.run([binary, *arguments, "--json-lines", tmp_path], capture_output=True, text=True, timeout=60, check=False)
        ended(answer, BAD_DATA, str(tmp_path))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_line_is_answered_before_the_next_is_read(binary, command):
    with subprocess.Popen([binary, *COMMANDS[command]], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for number in range(3):
            process.stdin.write(json.dumps({"name": number} | FINE[command]).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["name"] == number
        process.stdin.close()
        assert process.wait(20) == DONE


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_has_gone_ends_it_well(binary, command):
    line = json.dumps({"name": 1} | FINE[command]).encode() + b"\n"
    with subprocess.Popen([binary, *COMMANDS[command]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdin.write(line)
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        try:
            for _ in range(2000):
                process.stdin.write(line)
            process.stdin.close()
        except BrokenPipeError:
            process.stdin = None
        assert process.wait(20) == DONE and process.stderr.read() == b""


@pytest.mark.parametrize("command", COMMANDS)
def test_thousands_of_lines_are_answered_in_order(answers, command):
    started = time.monotonic()
    found = answers(command, [{"name": n} | FINE[command] for n in range(5000)])
    assert [answer["name"] for answer in found] == list(range(5000))
    assert time.monotonic() - started < 30


# validate


def test_object_and_text_give_the_same_verdict(answers):
    for thing in (GOOD, GOOD | {"confidence": 101}, {}, [], 5, None, "x", {"type": "bundle", "id": "bundle--1", "objects": [GOOD]}):
        text = json.dumps(thing)
        lines = [f'{{"name": 1, "object": {text}}}', {"name": 1, "text": text}]
        one, other = answers("validate", lines)
        if thing is not None:  # null is no object at all
            assert one == other
        assert one["valid"] is other["valid"] is (thing is GOOD)


def test_both_or_neither_of_object_and_text_is_no_line(answers):
    found = answers("validate", [
        {"name": "both", "object": GOOD, "text": json.dumps(GOOD)}, {"name": "neither"}, {"name": "other", "pattern": "[a:b = 1]"},
    ])
    assert [answer["name"] for answer in found] == ["both", "neither", "other"]
    for answer in found:
        assert answer["valid"] is False and codes(answer) == ["json.syntax"]
        assert "`object`" in answer["errors"][0]["message"] and "`text`" in answer["errors"][0]["message"]


def test_a_text_that_is_no_json_is_a_finding(answers):
    texts = ["", "{", "hello", "{} {}", '{"a": 1, "a": 2}', '{"a": "\\ud800"}', "{'a': 1}", "[" * 1000, "\ufeff{}", "{\"a\": 1e999}", "\u0000"]
    for text, answer in zip(texts, answers("validate", [{"name": text, "text": text} for text in texts]), strict=True):
        assert answer["name"] == text and answer["valid"] is False
        assert codes(answer)[0] in ("json.syntax", "obj.shape"), text


def test_what_the_reader_of_lines_would_pass_is_still_judged(answers):
    found = answers("validate", [
        '{"name": "twice", "object": {"type": "a", "type": "b"}}', '{"name": "surrogate", "object": {"type": "\\ud800"}}',
        '{"name": "huge", "object": {"type": "indicator", "x": 1e999}}',
    ])
    assert [(answer["name"], codes(answer)) for answer in found] == [
        ("twice", ["json.syntax"]), ("surrogate", ["json.syntax"]), ("huge", ["json.syntax"]),
    ]


def test_lines_that_are_not_utf_8_are_answered(answers):
    raw = json.dumps({"name": 1, "object": GOOD | {"name": "@"}}).encode()
    found = answers("validate", [raw, raw.replace(b"@", b"\xe9"), raw.replace(b"@", b"\xed\xa0\x80"), raw.replace(b"@", "é".encode())])
    assert [answer["valid"] for answer in found] == [True, False, False, True]
    assert codes(found[1]) == codes(found[2]) == ["json.syntax"]


def test_a_line_of_five_mebibytes_is_answered(answers):
    small, big = GOOD | {"name": "small"}, GOOD | {"name": "x" * (5 * 1024 * 1024)}
    many = {"type": "bundle", "id": "bundle--a4d2a86e-6d7c-4b22-8b9d-0c8a7f0c5f11",
            "objects": [indicator(name="n", description="x" * 1000) for _ in range(3500)]}
    lines = [{"name": 1, "object": big}, {"name": 2, "object": small}, {"name": 3, "text": json.dumps(big)}, {"name": 4, "object": many}]
    assert min(len(json.dumps(lines[at])) for at in (0, 2, 3)) > 4_500_000
    found = answers("validate", lines)
    assert [answer["name"] for answer in found] == [1, 2, 3, 4] and len(json.dumps(found)) < 5_000
    assert found[1]["valid"] and found[3]["valid"]


def test_an_object_over_the_limit_is_refused_alone_as_in_a_bundle(answers):
    """Limits refuse under every profile (§24), and the hub refuses it: objects have at most 2 MiB."""
    big = GOOD | {"description": "x" * (3 * 1024 * 1024)}
    enveloped, alone = answers("validate", [{"name": 1, "object": {"objects": [big]}}, {"name": 2, "object": big}], "--profile", "permissive")
    assert not enveloped["valid"] and "bytes" in enveloped["errors"][0]["message"]
    assert not alone["valid"]


def test_the_profile_holds_for_lines(answers):
    line = {"name": 1, "object": GOOD | {"x_misp_Capital": 1}}
    (strict,), (interop,) = answers("validate", [line]), answers("validate", [line], "--profile", "interop")
    assert (strict["valid"], interop["valid"]) == (False, True)
    assert codes(strict) == ["prop.name"] and "prop.name" in [warning["code"] for warning in interop["warnings"]]


# pattern


def test_patterns_are_checked(answers):
    good, bad, odd = answers("check", [
        {"name": 1, "pattern": PATTERN}, {"name": 2, "pattern": "[domain-name:value = ü]"},
        {"name": 3, "pattern": "[domain-name:value = 'a.example' AND domain-name:value = 'b.example']"},
    ])
    assert good == {"name": 1, "valid": True, "error": None, "warnings": []}
    assert bad["valid"] is False and bad["error"].startswith("byte 21: ") and bad["warnings"] == []
    assert odd["valid"] is True and odd["error"] is None and isinstance(odd["warnings"], list)


def test_a_line_with_a_wrong_member_keeps_its_name(answers):
    for command, line in [
        ("check", {"pattern": 5}), ("check", {"pattern": ["x"]}), ("match", {"pattern": PATTERN, "observations": 5}), ("match", {"pattern": 5}),
    ]:
        (answer,) = answers(command, [{"name": "mine"} | line])
        assert answer["error"] and answer["name"] == "mine"
    (answer,) = answers("validate", [{"name": "mine", "text": 5}])
    assert answer["valid"] is False and answer["name"] == "mine"


def observed(value, at="2026-01-01T00:00:00Z"):
    return {
        "type": "observed-data", "spec_version": "2.1", "id": f"observed-data--{uuid4()}", "first_observed": at, "last_observed": at, "number_observed": 1,
        "objects": {"0": {"type": "domain-name", "value": value}},
    }


def test_patterns_are_matched(answers):
    yes, no, broken, without = answers("match", [
        {"name": 1, "pattern": PATTERN, "observations": [observed("b.example"), observed("a.example")]},
        {"name": 2, "pattern": PATTERN, "observations": [observed("b.example")]},
        {"name": 3, "pattern": "[x", "observations": []}, {"name": 4, "pattern": PATTERN},
    ])
    assert yes == {"name": 1, "match": True} and no == {"name": 2, "match": False}
    assert broken["name"] == 3 and broken["error"].startswith("byte ") and "match" not in broken
    assert without["name"] == 4 and "`observations`" in without["error"]


def test_patterns_are_explained(binary):
    ask = lambda *pattern: subprocess.run([binary, "pattern", "explain", *pattern], capture_output=True, text=True, timeout=60, check=False)
    ended(ask(PATTERN), DONE, "domain-name", "a.example", "equals")
    for pattern, offset in (("[domain-name:value = ", 21), ("", 0), ("[domain-name:value = 'a'] XOR [x:y = 1]", 26)):
        answer = ended(ask(pattern), BAD_DATA, f"byte {offset}")
        assert answer.stdout == ""
    ended(ask(), USAGE, "PATTERN")
    assert "\x1b" not in ended(ask("[domain-name:value = '\x1b[2J']"), DONE).stdout
