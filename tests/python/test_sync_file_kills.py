"""Jobs that read files and are killed anywhere: in the end the target has exactly what the files hold, each object once.

Kills follow what the job has done, not the clock: after so many parts are on the disk, or in the middle of a download that
the server holds up. So there are as many on a slow machine as on a fast one."""

import json
import random
import shutil
import time

import pytest
from conftest import TLP2, wait_for
from file_lies import SUBMIT, authority, csv_of, event, jobs, stix_of, text_of, web
from foreign_objects import indicators, keys_of
from governance_hub import to_toml
from sync_hubs import SyncHub
from syncing import OTHER, THEM, US

__all__ = ["authority", "jobs", "web"]
pytestmark = pytest.mark.timeout(300)
SIZES = {"page": 10, "answer_secs": 30, "answer_bytes": 64 * 1024 * 1024}
# More than two of the parts in which a file goes to the target.
MANY = 12_000
KILLS = 8


def objects_of(count, seed=1, creator=THEM):
    return indicators(count, seed=seed, created_by_ref=creator, object_marking_refs=[TLP2["GREEN"]])


def written_values(number, count=3):
    return [f"n{value}.f{number}.evil-host.top" for value in range(count)]


class Steps:
    """How often the state of a job was replaced on the disk, which it is after each part."""

    def __init__(self, jobs):
        self.path, self.seen = jobs.state_dir / "pull.json", None
        self.look()

    def look(self):
        try:
            found = self.path.stat()
        except OSError:
            return False
        now = (found.st_ino, found.st_mtime_ns)
        is_new, self.seen = now != self.seen, now
        return is_new

    def wait(self, count, is_running, seconds=60):
        """Waits for so many steps, and for a part of another one; false if the job ended before."""
        deadline, times = time.monotonic() + seconds, []
        while len(times) < count:
            assert time.monotonic() < deadline, "nothing is written any more"
            if not is_running():
                return False
            times += [time.monotonic()] if self.look() else []
            time.sleep(0.0002)
        time.sleep(random.random() * min(0.02, (times[-1] - times[0]) / max(1, count - 1)))
        return True


def kill_again_and_again(jobs, steps, chance, kills=KILLS):
    """Starts the job and kills it some steps later, until it was killed so often or has come to its end."""
    done = 0
    while done < kills:
        watch, process = Steps(jobs), jobs.begin("run", "--once", "pull")
        try:
            watch.wait(chance.randint(*steps), lambda: process.poll() is None)
            done += process.poll() is None
        finally:
            process.kill()
            process.wait()
        if process.returncode == 0:
            break
    return done


def small_files():
    """Files of all kinds by name, and the values in them."""
    files, values = {}, []
    for number in range(45):
        here = written_values(number)
        kinds = ("csv", csv_of(here)), ("txt", text_of(here)), ("json", json.dumps({"Event": json.loads(event(*here).to_json())}))
        ending, text = kinds[number % 3]
        files[f"{number:02}.{ending}"] = text
        values += here
    return files, values


def assert_once(found, values, objects):
    """Exactly these: objects word for word, values in one indicator each."""
    keys = keys_of(objects)
    kept = set(keys)
    whole = [one for one in found if (one["id"], one.get("modified")) in kept]
    rest = [one for one in found if (one["id"], one.get("modified")) not in kept and one["type"] == "indicator"]
    assert sorted(one["pattern"].split("'")[1] for one in rest) == sorted(values)
    assert keys_of(whole) == keys and {one["id"]: one for one in whole} == {one["id"]: one for one in objects}


# Into files


@pytest.mark.parametrize("format", ["bundles", "jsonl"])
def test_a_directory_is_in_files_once_after_kills_between_its_files(jobs, format):
    files, values = small_files()
    jobs.reads_folder(files, format)
    assert kill_again_and_again(jobs, (1, 2), random.Random(f"files {format}")) >= 3
    jobs.once()
    assert_once(jobs.objects(), values, [])
    assert jobs.once()["counts"]["received"] == 0


@pytest.mark.parametrize("format", ["bundles", "jsonl"])
def test_a_large_file_is_in_files_once_after_kills_between_its_parts(jobs, format):
    large = objects_of(MANY)
    jobs.folder.joinpath("large.json").write_text(stix_of(large))
    jobs.declare(
        id="pull", source={"kind": "file", "path": "large.json"}, target={"kind": "files", "dir": "out", "format": format},
        forward={"ours": [US], "identities": [US]})
    assert kill_again_and_again(jobs, (1, 2), random.Random(f"parts {format}"), kills=3) >= 1
    jobs.once()
    assert_once(jobs.objects(), [], large)


@pytest.mark.parametrize("format", ["bundles", "jsonl"])
def test_a_feed_is_in_files_once_after_kills_between_its_events(web, jobs, format):
    values = []
    for number in range(45):
        web.publish(event(*written_values(number), number=number + 1))
        values += written_values(number)
    jobs.follows(web, limits=SIZES, target={"kind": "files", "dir": "out", "format": format})
    assert kill_again_and_again(jobs, (1, 2), random.Random(f"feed {format}")) >= 3
    jobs.once()
    assert_once(jobs.objects(), values, [])


@pytest.mark.parametrize("what", ["file", "event", "manifest"])
def test_kills_in_the_middle_of_a_download_leave_nothing(web, jobs, what):
    """The server sends half of it, and then nothing: each kill hits just there."""
    if what == "file":
        web.put("/list.csv", csv_of(written_values(0, 500)))
        jobs.reads(web, "/list.csv", limits=SIZES)
    else:
        for number in range(3):
            web.publish(event(*written_values(number), number=number + 1))
        jobs.follows(web, limits=SIZES)
    on = event("x", number=2).uuid if what == "event" else what
    web.lie("stall", part="body", on=on)
    for kill in range(5):
        asked, process = len(web.seen(endpoint=on)), jobs.begin("run", "--once", "pull")
        web.wait_for(lambda: len(web.seen(endpoint=on)) > asked and web.seen(endpoint=on)[-1].sent_bytes, 30)
        time.sleep(0.01 * kill)
        assert process.poll() is None
        process.kill()
        process.wait()
    assert sorted(jobs.values()) == (written_values(0) if what == "event" else [])
    web.honest()
    jobs.once()
    expected = written_values(0, 500) if what == "file" else sum(map(written_values, range(3)), [])
    assert_once(jobs.objects(), expected, [])


def test_a_stop_between_the_parts_of_a_file_is_no_reason_to_write_it_twice(jobs):
    """As an init system stops it, not by force."""
    large = objects_of(MANY)
    jobs.folder.joinpath("large.json").write_text(stix_of(large))
    jobs.declare(
        id="pull", source={"kind": "file", "path": "large.json"}, target={"kind": "files", "dir": "out", "format": "jsonl"},
        forward={"ours": [US], "identities": [US]})
    watch, keeper = Steps(jobs), jobs.begin("run")
    watch.wait(1, lambda: keeper.poll() is None)
    keeper.terminate()
    assert keeper.wait(30) == 0
    jobs.once()
    assert_once(jobs.objects(), [], large)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_what_stands_in_several_files_is_in_the_target_once(jobs, kind):
    shared, files, values, objects = objects_of(1, 77, OTHER), {}, ["shared.evil-host.top"], objects_of(1, 77, OTHER)
    for number in range(12):
        own, of_own = written_values(number), objects_of(2, number, OTHER)
        values, objects = values + own, objects + of_own
        # Not in the first ones, which may go out alone.
        is_in = number > 3
        files[f"{number:02}.{kind}"] = csv_of(own + values[:is_in]) if kind == "csv" else stix_of(of_own + shared[:is_in])
    jobs.reads_folder(files)
    jobs.once()
    assert_once(jobs.objects(), values if kind == "csv" else [], objects if kind == "json" else [])


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_what_a_target_lacks_that_was_set_back_comes_again(jobs, kind):
    """From a backup, with the position that it had then: what came since must come again."""
    content = {"csv": lambda count: csv_of(written_values(0, count)), "json": lambda count: stix_of(objects_of(count, 1, OTHER))}[kind]
    jobs.reads_folder({f"a.{kind}": content(2)})
    jobs.once()
    shutil.copytree(jobs.folder / "out", jobs.folder / "backup")
    (jobs.folder / f"in/a.{kind}").write_text(content(5))
    jobs.once()
    shutil.rmtree(jobs.folder / "out")
    (jobs.folder / "backup").rename(jobs.folder / "out")
    jobs.once()
    found = {one["id"]: one for one in jobs.objects() if one["type"] == "indicator"}
    assert len(found) == 5


def test_what_a_crash_cut_off_beside_a_job_costs_no_more_than_that(jobs):
    """Files that only grow end in the middle of something when the machine goes down."""
    jobs.reads_folder({"a.csv": csv_of(written_values(0, 3))})
    jobs.once()
    for path in jobs.state_dir.iterdir():
        if path.suffix not in (".json", ".lock"):
            path.write_bytes(path.read_bytes()[:-3])
    for count in (6, 7, 8):
        (jobs.folder / "in/a.csv").write_text(csv_of(written_values(0, count)))
        jobs.once()
    found = jobs.values()
    # The last one that each of the two files of a job knew.
    assert set(found) == set(written_values(0, 8)) and len(found) <= 8 + 2, found


# Into a hub


@pytest.fixture
def hub(make_hub):
    """A hub of cert-a, of which cert-b is a partner; not started."""
    made = SyncHub(make_hub(start=False), "cert-a")
    made.hub.apply(to_toml(made.registry()))
    return made


SUBMIT_THEIRS = SUBMIT | {"author": THEM, "author_name": "CERT THEM"}


def into(hub, source, **more):
    source = {"kind": "file", "submit": SUBMIT_THEIRS} | source
    hub.jobs.declare(id="pull", limits=SIZES, source=source, target={"kind": "hub", "collection": "shared", "client": "cert-a/feed"}, **more)


def kill_hub(hub, steps, chance, kills=KILLS):
    """Starts the hub and kills it when its job has done some steps, until the job has come to its end."""
    def is_running():
        try:
            return json.loads((hub.jobs.state_dir / "pull.json").read_text())["runs"] == 0
        except FileNotFoundError:
            return True

    done = 0
    while done < kills and is_running():
        watch = Steps(hub.jobs)
        hub.start()
        done += watch.wait(chance.randint(*steps), is_running) and is_running()
        hub.hub.kill()
    return done


def complete(hub, count):
    hub.start()
    wait_for(lambda: hub.jobs.status()["is"] == "well", 120, "the job does not come to its end")
    wait_for(lambda: len(hub.all_objects()) >= count, 60, f"not {count} objects")


def test_a_directory_is_in_a_hub_once_after_kills(hub):
    (files, values), large = small_files(), objects_of(MANY, seed=2)
    (hub.hub.dir / "in").mkdir()
    for name, text in {**files, "15-large.json": stix_of(large)}.items():
        (hub.hub.dir / "in" / name).write_text(text)
    into(hub, {"path": "in"})
    assert kill_hub(hub, (1, 2), random.Random("hub directory")) >= 3
    complete(hub, len(values) + len(large))
    assert_once(hub.all_objects(), values, large)
    assert hub.jobs.letters() == [] and hub.hub.on_hub("audit", "verify").returncode == 0


def test_a_feed_and_a_large_file_are_in_a_hub_once_after_kills(hub, web):
    values = []
    for number in range(40):
        web.publish(event(*written_values(number), number=number + 1))
        values += written_values(number)
    large = objects_of(MANY, seed=3)
    web.put("/large.json", stix_of(large))
    access = {"ca": str(web.ca), "allow_addresses": ["127.0.0.0/8", "::1/128"]}
    into(hub, {"server": access | {"url": f"{web.url}/feed"}, "misp_feed": True})
    hub.jobs.jobs["large"] = hub.jobs.jobs["pull"] | {"id": "large", "source": {"kind": "file", "server": access | {"url": f"{web.url}/large.json"}}}
    hub.jobs.write()
    assert kill_hub(hub, (1, 2), random.Random("hub feed")) >= 3
    complete(hub, len(values) + len(large))
    wait_for(lambda: hub.jobs.status("large")["is"] == "well", 60, "the large file does not come")
    assert_once(hub.all_objects(), values, large)
    assert hub.jobs.letters() == hub.jobs.letters("large") == [] and hub.hub.on_hub("audit", "verify").returncode == 0


def test_what_a_hub_lacks_that_was_set_back_comes_again(hub):
    """Its database from a backup, as after a broken disk; the folder of the jobs stands beside the settings, and may be newer."""
    database, path = hub.hub.dir / "liaison.db", hub.hub.dir / "list.csv"
    into(hub, {"path": "list.csv"})
    for count in (2, 5):
        path.write_text(csv_of(written_values(0, count)))
        hub.start()
        hub.await_objects("cert-a", count)
        hub.hub.stop()
        if count == 2:
            shutil.copy(database, database.with_suffix(".backup"))
    for name in ("liaison.db-wal", "liaison.db-shm", "audit.checkpoints"):
        (hub.hub.dir / name).unlink(missing_ok=True)
    database.with_suffix(".backup").rename(database)
    hub.start()
    hub.await_objects("cert-a", 5)
    assert_once(hub.all_objects(), written_values(0, 5), [])


def test_what_a_hub_says_in_its_own_name_from_a_file_comes_or_is_refused_when_it_is_declared(hub):
    """Not left out, all of it, by a job that is well."""
    (hub.hub.dir / "list.csv").write_text(csv_of(written_values(0)))
    into(hub, {"path": "list.csv", "submit": SUBMIT}, enabled=False)
    checked = hub.jobs.run("check", "--offline")
    if checked.returncode == 0:
        hub.start()
        hub.jobs.run("run", "--once", "pull")
        assert_once(hub.all_objects(), written_values(0), [])
