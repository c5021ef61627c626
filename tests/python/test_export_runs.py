"""What becomes of the files of an export from one run to the next."""

import hashlib
import json
import re
import stat
import subprocess

import pytest
from commands import FAILED
from exporting import address, day, export, exporter, found, name  # noqa: F401: fixtures

BLOCK = "list"


def state(directory):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in directory.iterdir() if path.name != ".lock"}


def run_again(export, name, *arguments):
    ran = export.hub.on_hub("export", "run", name, "--json", *arguments)
    return ran.returncode, json.loads(ran.stdout)[0]


def revoke(export, place, count):
    """New versions by which the first so many values are over."""
    gone = [thing | {"revoked": True, "modified": day(0)} for thing in list(place[1].values())[:count]]
    export.publish(place[0], gone)


def test_a_run_with_nothing_new_touches_nothing(export):
    place = export.place([name("a"), name("b")])
    directory, report = export.over(place, BLOCK)
    assert report["outcome"] == "written"
    before = state(directory)
    code, said = run_again(export, report["name"])
    assert (code, said["outcome"]) == (0, "unchanged") and state(directory) == before
    revoke(export, place, 1)
    code, said = run_again(export, report["name"])
    assert (code, said["outcome"]) == (0, "written") and found(directory, report) == ["b"]
    assert said["meta"]["generated"] > json.loads(before[f"{report['name']}.meta.json"][0])["generated"]


def test_files_have_sums_and_are_not_for_others(export):
    directory, report = export("splunk", [name("a"), address(1)])
    sums = [path for path in directory.iterdir() if path.suffix == ".sha256"]
    assert sorted(path.name for path in sums) == sorted(f"{name}.sha256" for name in report["files"]) and len(sums) == 10
    for path in sums:
        subprocess.run(["sha256sum", "--check", "--strict", path.name], cwd=directory, check=True, capture_output=True)
    meta = json.loads((directory / f"{report['name']}.meta.json").read_text())
    for file in meta["files"]:
        assert file["sha256"] == hashlib.sha256((directory / file["name"]).read_bytes()).hexdigest()
        assert file["bytes"] == (directory / file["name"]).stat().st_size
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir() if path.name != ".lock"} == {0o640}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", meta["generated"])


@pytest.mark.parametrize("shrink, gone, is_held", [(None, 5, False), (None, 6, True), (20, 2, False), (20, 3, True), (100, 10, False), (0, 1, True)])
def test_too_much_does_not_go_at_once(export, shrink, gone, is_held):
    place = export.place([name(f"n{n}") for n in range(10)])
    directory, report = export.over(place, BLOCK, **({} if shrink is None else {"max_shrink": shrink}))
    before = state(directory)
    revoke(export, place, gone)
    code, said = run_again(export, report["name"])
    left = [f"n{n}" for n in range(gone, 10)]
    if not is_held:
        assert (code, said["outcome"]) == (0, "written") and found(directory, report) == left
        return
    assert (code, said["outcome"], said["before"], said["rows"]) == (FAILED, "held", 10, 10 - gone)
    held = state(directory).items() - before.items()
    assert [name for name, _ in held] == [f"{report['name']}.txt.held"] and state(directory).items() >= before.items()
    assert found(directory, {"files": {f"{report['name']}.txt.held": 1}}) == left
    # It stays held until somebody says so.
    assert run_again(export, report["name"])[0] == FAILED and found(directory, report) == [f"n{n}" for n in range(10)]
    code, said = run_again(export, report["name"], "--accept-shrink")
    assert (code, said["outcome"]) == (0, "written") and found(directory, report) == left
    assert not list(directory.glob("*.held"))


def test_trying_writes_nothing(export):
    place = export.place([name("a")])
    directory, report = export.over(place, BLOCK)
    before = state(directory)
    revoke(export, place, 1)
    code, said = run_again(export, report["name"], "--dry-run")
    assert (code, said["outcome"], said["meta"]["rows"]) == (0, "tried", 0) and state(directory) == before
