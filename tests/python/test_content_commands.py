"""`liaison validate` on files and on lines, `pattern`, `id`, `schema`: what they print and how they end."""

import gzip
import json
import subprocess

import pytest
from commands import BAD_DATA, DONE, FAILED, USAGE, bundle, ended
from conftest import indicator, uuid4

FULL = {"name": "n", "description": "d"}


@pytest.fixture
def run(binary, tmp_path):
    """Runs a command in a directory of its own; bytes on standard input give bytes."""

    def command(*arguments, stdin=None):
        return subprocess.run(
            [binary, *map(str, arguments)], input=stdin, capture_output=True, text=not isinstance(stdin, bytes),
            timeout=120, cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=False,
        )

    return command


@pytest.fixture
def write(tmp_path):
    def file(name, content):
        content = content if isinstance(content, (str, bytes)) else json.dumps(content)
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return file


def good(**more):
    """Nothing is to be said about it."""
    return indicator(**FULL | more)


def bad(**more):
    return good(confidence=101, **more)


def verdicts(answer, code=DONE):
    out = answer.stdout.decode() if isinstance(answer.stdout, bytes) else answer.stdout
    assert answer.returncode == code, (out, answer.stderr)
    return [json.loads(line) for line in out.split("\n") if line]


def summary(answer):
    return answer.stdout.splitlines()[-1]


# Files


def test_every_form_of_file_is_read(run, write):
    lines = lambda things: "\n".join(map(json.dumps, things)) + "\n"
    forms = {
        "bundle.json": (json.dumps(bundle([good(), bad()]), indent=2), 2),
        "envelope.json": ({"objects": [good(), bad(), good()], "more": True}, 3),
        "lines.jsonl": (lines([good(), bad()]) + "\n\n", 2),
        "lines-of-bundles.jsonl": (lines([bundle([good(), bad()]), good()]), 3),
        "single.json": (json.dumps(bad(), indent=1), 1),
        "packed.json.gz": (gzip.compress(json.dumps(bundle([good(), bad()])).encode()), 2),
        "packed-twice.gz": (gzip.compress(json.dumps(good()).encode()) + gzip.compress(json.dumps(bad()).encode()), 2),
        "packed-without-a-name": (gzip.compress(lines([bad(), good()]).encode()), 2),
    }
    for name, (content, count) in forms.items():
        write(name, content)
        wanted = f"{name}: {count} objects, {count - 1} valid, 1 refused; 0 warnings"
        assert summary(ended(run("validate", name), FAILED)) == wanted
        found = verdicts(run("validate", "--json", name), FAILED)
        assert sorted(verdict["valid"] for verdict in found) == [False] + [True] * (count - 1)
        piped = (content if isinstance(content, (str, bytes)) else json.dumps(content))
        piped = run("validate", "-", stdin=piped if isinstance(piped, bytes) else piped.encode())
        assert piped.returncode == FAILED and piped.stdout.decode().splitlines()[-1] == wanted.replace(name, "standard input")
    # All at once: each has its line, in order.
    told = ended(run("validate", *forms), FAILED)
    assert [line.split(":")[0] for line in told.stdout.splitlines() if " refused; " in line] == list(forms)


def test_what_is_valid_ends_with_0_and_is_counted(run, write):
    write("good.json", bundle([good(), good()]))
    told = ended(run("validate", "good.json"), DONE)
    assert told.stdout == "good.json: 2 objects, 2 valid, 0 refused; 0 warnings\n" and told.stderr == ""
    things = [good(), good()]
    write("two.jsonl", "\n".join(map(json.dumps, things)))
    assert verdicts(run("validate", "--json", "two.jsonl")) == [
        {"id": thing["id"], "valid": True, "errors": [], "warnings": []} for thing in things
    ]


def test_a_file_without_objects_has_nothing_wrong(run, write):
    for name, content in {"empty": "", "blank": " \n\n", "empty.gz": gzip.compress(b""), "envelope": {"objects": []}}.items():
        told = ended(run("validate", write(name, content)), DONE)
        assert summary(told) == f"{name}: 0 objects, 0 valid, 0 refused; 0 warnings"
        assert verdicts(run("validate", "--json", name)) == []
    told = ended(run("validate", write("bundle", bundle([]))), FAILED, "bundle.empty")


@pytest.mark.parametrize("name, content, words", [
    ("cut.json", '{"type": "indicator"', ["cut.json"]),
    ("words.txt", "hello", ["words.txt", "byte 0"]),
    ("later.jsonl", json.dumps({"type": "x"}) + "\n{]\n", ["later.jsonl line 2"]),
    ("twice.json", '{"type": "a", "type": "b"}', ["twice.json", "`type` occurs twice"]),
    ("latin.json", b'{"name": "\xe9"}', ["latin.json"]),
    ("cut.json.gz", gzip.compress(b"x" * 100_000)[:40], ["cut.json.gz"]),
    ("deep.json", "[" * 1000, ["deep.json"]),
    (None, None, ["missing.json", "No such file"]),
], ids=["cut", "words", "later", "twice", "latin", "cut-gz", "deep", "missing"])
def test_a_file_that_cannot_be_read_ends_with_65_and_its_name(run, write, name, content, words):
    name = write(name, content) if name else "missing.json"
    for options in ([], ["--json"], ["--profile", "permissive"]):
        answer = ended(run("validate", *options, name), BAD_DATA, *words)
        assert answer.stdout == "" and answer.stderr.startswith("error: ") and answer.stderr.count("\n") == 1
    write("bad.json", bad())
    ended(run("validate", "bad.json", name), BAD_DATA, "prop.range", *words)


def test_usage_is_told(run, write):
    write("good.json", good())
    ended(run("validate"), USAGE, "name the files", "--json-lines -")
    ended(run("validate", "--profile", "lax", "good.json"), USAGE, "strict, interop or permissive")
    ended(run("validate", "--json-lines", "-", "good.json"), USAGE, "--json-lines")
    ended(run("validate", "--nonsense", "good.json"), USAGE, "--nonsense")


def test_a_person_is_told_level_object_rule_place_value_and_remedy(run, write):
    thing = bad(labels=[], x_acme=1)
    lines = ended(run("validate", write("bad.json", thing)), FAILED).stdout.splitlines()
    assert lines[-1] == "bad.json: 1 objects, 0 valid, 1 refused; 1 warnings"
    errors = [line for line in lines if line.startswith(f"error: {thing['id']}: ")]
    assert any("prop.range: `/confidence` is 101; " in line for line in errors)
    assert any("prop.empty: `/labels`" in line for line in errors) and len(errors) == 2
    (warning,) = [line for line in lines if line.startswith(f"warning: {thing['id']}: ")]
    assert "prop.custom: `/x_acme`" in warning
    (verdict,) = verdicts(run("validate", "--json", "bad.json"), FAILED)
    assert verdict["id"] == thing["id"] and verdict["valid"] is False
    assert {(error["code"], error["pointer"]) for error in verdict["errors"]} == {("prop.range", "/confidence"), ("prop.empty", "/labels")}
    assert next(error["value"] for error in verdict["errors"] if error["code"] == "prop.range") == "101"
    assert all(error["message"] for error in verdict["errors"] + verdict["warnings"])


def test_what_concerns_the_whole_is_told_too(run, write):
    twin = good()
    both = bundle([twin, twin | {"name": "other"}])
    told = verdicts(run("validate", "--json", write("twins.json", both)), FAILED)
    assert [verdict["id"] for verdict in told] == [twin["id"], twin["id"], both["id"]]
    (error,) = told[-1]["errors"]
    assert (error["code"], error["pointer"]) == ("bundle.dup", "/objects/1")
    told = ended(run("validate", write("nested.json", bundle([good(), bundle([good()])]))), FAILED)
    assert "bundle.nested" in told.stdout


def test_repeated_warnings_of_an_object_are_told_once_with_their_number(run, write):
    phases = [{"kill_chain_name": "A B", "phase_name": f"p-{number}"} for number in range(40)]
    write("same.json", good(kill_chain_phases=phases))
    told = ended(run("validate", "same.json"), DONE).stdout.splitlines()
    assert len(told) == 2 and told[1].endswith("; 40 warnings")
    assert "`/kill_chain_phases/0/kill_chain_name`" in told[0] and told[0].endswith("(40 places)")
    (verdict,) = verdicts(run("validate", "--json", "same.json"))
    (warning,) = verdict["warnings"]
    assert (warning["pointer"], warning["count"]) == ("/kill_chain_phases/0/kill_chain_name", 40)


def test_after_many_lines_only_the_sums_are_told(run, write):
    write("many.jsonl", "\n".join(json.dumps(bad()) for _ in range(3000)))
    lines = ended(run("validate", "many.jsonl"), FAILED).stdout.splitlines()
    assert len(lines) == 52 and "--json lists all" in lines[50]
    assert lines[51] == "many.jsonl: 3000 objects, 0 valid, 3000 refused; 0 warnings"
    assert len(verdicts(run("validate", "--json", "many.jsonl"), FAILED)) == 3000


def test_an_error_is_told_though_many_warnings_come_first(run, write):
    things = [good(x_acme=number) for number in range(100)] + [bad()]
    told = ended(run("validate", write("late.jsonl", "\n".join(map(json.dumps, things)))), FAILED)
    assert "prop.range: `/confidence` is 101" in told.stdout, told.stdout[-300:]


def test_the_profile_decides_and_strict_is_the_default(run, write):
    capital, enum = good(x_misp_Capital="x"), bad()
    for name, thing, refusing in [
        ("capital.json", capital, {None, "strict"}), ("range.json", enum, {None, "strict", "interop"}),
        ("id.json", good(id="indicator--1"), {None, "strict", "interop", "permissive"}), ("good.json", good(), set()),
    ]:
        write(name, thing)
        for profile in (None, "strict", "interop", "permissive"):
            options = ["--profile", profile] if profile else []
            told = run("validate", *options, name)
            assert told.returncode == (FAILED if profile in refusing else DONE), (name, profile, told.stdout)
            if profile not in refusing and refusing:
                assert told.stdout.startswith("warning: "), "what is let pass is still told"


ODD = {
    "escape": "\u001b[2J", "delete": "\u007f", "control": "\u0085", "override": "\u202e", "separator": "\u2028",
    "isolate": "\u2066", "mark": "\u200f", "arabic-mark": "\u061c", "zero-width": "\u200b", "no-break": "\ufeff", "tag": "\U000e0041",
}


def odd(text):
    return json.dumps(good(id=f"indicator--{text}", labels=[], lang=f"de{text}"), ensure_ascii=False)


def test_text_from_outside_is_escaped_for_people(run, write):
    """Control, bidirectional and zero-width characters (security §5.3)."""
    told = {name: ended(run("validate", write("odd.json", odd(text))), FAILED).stdout for name, text in ODD.items()}
    assert all("indicator--" in text for text in told.values())
    assert not [name for name, text in told.items() if ODD[name] in text]


def test_what_programs_are_told_of_it_is_json(run, write):
    for text in ODD.values():
        (verdict,) = verdicts(run("validate", "--json", write("odd.json", odd(text))), FAILED)
        assert verdict["id"] == f"indicator--{text}"


def test_text_from_outside_does_not_make_lines(run, write):
    forged = "x\nodd.json: 1 objects, 1 valid, 0 refused; 0 warnings"
    told = ended(run("validate", write("odd.json", odd(forged))), FAILED).stdout.splitlines()
    assert all(line.startswith("error: ") for line in told[:-1]) and "1 refused" in told[-1], told
    assert verdicts(run("validate", "--json", "odd.json"), FAILED)[0]["id"] == f"indicator--{forged}"


def test_a_reader_that_has_gone_is_no_failure(binary, write, tmp_path):
    write("many.jsonl", "\n".join(json.dumps(bad()) for _ in range(2000)))
    with subprocess.Popen([binary, "validate", "--json", "many.jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
    assert process.returncode in (DONE, FAILED) and told == b""


def test_the_help_of_each_command_shows_an_example(run):
    without = [
        " ".join(command)
        for command in (["validate"], ["pattern"], ["pattern", "check"], ["pattern", "match"], ["pattern", "explain"], ["id"], ["schema"])
        if f"liaison {command[0]}" not in ended(run(*command, "--help"), DONE).stdout.partition("Example")[2]
    ]
    assert not without


# schema


def test_schemas_are_listed_and_printed(run):
    names = ended(run("schema", "--list"), DONE).stdout.split()
    assert {"indicator", "bundle", "marking-definition", "ipv4-addr"} <= set(names) and len(names) == len(set(names)) > 40
    for name in names:
        schema = json.loads(ended(run("schema", name), DONE).stdout)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema" and schema["$id"].endswith(f":{name}")
    for unknown in ("nonsense", "Indicator", "", "../taxii/status"):
        answer = ended(run("schema", unknown), USAGE, f"`{unknown}`", "--list")
        assert answer.stdout == ""


def test_ids_are_those_of_the_standard(run, write):
    # From the STIX 2.1 OASIS example and the reference §6: the id depends on `value` alone.
    things = [{"type": "ipv4-addr", "value": "198.51.100.3"}, {"type": "ipv4-addr", "value": "198.51.100.3", "id": f"ipv4-addr--{uuid4()}", "defanged": False}]
    lines = [*({"name": n, "object": thing} for n, thing in enumerate(things)), {"name": "process", "object": {"type": "process", "pid": 1}},
             {"name": "sdo", "object": good()}, {"name": "none"}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    wanted = [(0, "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"), (1, "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"),
              ("process", None), ("sdo", None), ("none", None)]
    for answer in (run("id", stdin=text), run("id", "--json-lines", "-", stdin=text), run("id", "--json-lines", write("in.jsonl", text))):
        assert [(line["name"], line["id"]) for line in verdicts(answer)] == wanted
