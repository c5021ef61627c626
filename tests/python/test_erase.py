"""erase, hold and retention: commands beside a running hub and without one."""

import json
import subprocess
import time

from commands import BAD_DATA, DEGRADED, DONE, FAILED, UNREACHABLE, USAGE, ended, ended_json  # noqa: F401
from conftest import indicator, marked, wait_for

HANDLING = "extension-definition--93786750-2f8f-4886-8165-b32d0ab69bfb"


def noted(text, **more):
    return indicator(description=f"{text} " * 40, **more)


def files(hub):
    """The bytes of the database and its log."""
    return b"".join(path.read_bytes() for path in hub.dir.glob("liaison.db*") if path.suffix in (".db", ".db-wal"))


def ids(objects):
    return sorted(found["id"] for found in objects)


def erase(hub, *arguments, reason="request 2026-17", **options):
    return hub.on_hub("erase", *arguments, "--reason", reason, **options)


def short(hub, days):
    """Puts a registry in force whose collection keeps for so many days."""
    registry = hub.registry()
    registry["agreement"][0]["collection"][0]["retention_days"] = days
    return registry


def test_erase_beside_a_running_hub(hub):
    gone, kept = noted("first-secret"), noted("second-secret")
    hub.post([gone, kept])
    assert b"first-secret" in files(hub)
    planned = ended_json(erase(hub, gone["id"], "--dry-run", "--json"), DONE)
    assert [found["id"] for found in planned["versions"]] == [gone["id"]] and planned["order"] is None
    assert planned["versions"][0]["owner"] == "cert-a" and planned["versions"][0]["collection"] == hub.collection
    ended(erase(hub, gone["id"]), USAGE, "--yes")
    assert ids(hub.fetch()) == ids([gone, kept]), "nothing goes without a yes"
    ended(erase(hub, gone["id"], "--yes"), DONE, gone["id"], "Backups", "received")
    assert ids(hub.fetch()) == [kept["id"]]
    with hub.session("cert-a") as session:
        known, never = (session.get(f"{hub.objects_url()}{found['id']}/") for found in (gone, indicator()))
    assert known.status_code == never.status_code == 404
    assert b"first-secret" not in files(hub) and b"second-secret" in files(hub)
    (failure,) = hub.post([gone])["failures"]
    assert "erased" in failure["message"]
    assert hub.post([gone | {"modified": "2026-02-03T00:00:00.000Z"}])["success_count"] == 1
    ended(erase(hub, indicator()["id"], "--yes"), FAILED, "nothing of that is stored")
    ended(hub.on_hub("check"), DONE)


def test_erase_without_a_hub(hub):
    objects = [noted(f"secret-{n}") for n in range(3)]
    hub.post(objects)
    hub.stop()
    answer = ended_json(erase(hub, objects[0]["id"], objects[1]["id"], "--yes", "--json"), DONE)
    assert ids(answer["versions"]) == ids(objects[:2]) and answer["held"] == [] and answer["order"] == 1
    assert b"secret-0" not in files(hub) and b"secret-1" not in files(hub) and b"secret-2" in files(hub)
    hub.start()
    assert ids(hub.fetch()) == [objects[2]["id"]]
    assert hub.post([objects[0]])["failure_count"] == 1


def test_erase_what_a_collection_holds_of_a_kind(hub):
    mine = [indicator(), {"type": "ipv4-addr", "id": "ipv4-addr--efcd5e80-570d-4131-b213-62cb18eaa6a8", "value": "198.51.100.1"}]
    theirs = [indicator()]
    hub.post(mine)
    hub.post(theirs, org="cert-b")
    by = ("--collection", "indicators", "--yes")
    ended(erase(hub, *by, "--before", "2020-01-01"), FAILED, "nothing of that")
    ended(erase(hub, *by, "--before", "yesterday"), USAGE, "yesterday", "2026-03-01")
    ended(erase(hub, *by, "--owner", "cert-q"), USAGE, "cert-q", "cert-a")
    ended(erase(hub, *by, "--type", "Not A Type"), USAGE, "Not A Type")
    ended(erase(hub, "--collection", "elsewhere", "--yes"), USAGE, "elsewhere")
    ended(erase(hub, "no-id", "--yes"), USAGE, "no-id")
    ended(erase(hub, mine[0]["id"], *by), USAGE)
    ended(erase(hub, "--yes"), USAGE)
    ended(erase(hub, mine[0]["id"], "--yes", reason=" "), USAGE, "--reason")
    ended(hub.on_hub("erase", mine[0]["id"], "--yes"), USAGE, "--reason")
    answer = ended_json(erase(hub, *by, "--type", "indicator", "--owner", "cert-a", "--json"), DONE)
    assert ids(answer["versions"]) == [mine[0]["id"]]
    ended(erase(hub, "--collection", hub.collection, "--owner", "cert-b", "--yes"), DONE, theirs[0]["id"])
    assert ids(hub.fetch(org="cert-a")) == [mine[1]["id"]]


def test_hold(hub):
    objects = [indicator() for _ in range(3)]
    hub.post(objects)
    held = ended_json(hub.on_hub("hold", "add", objects[0]["id"], "--reason", "court order 12/26", "--json"), DONE)
    assert (held["hold"], held["versions"]) == (1, 1)
    ended(hub.on_hub("hold", "add", "--collection", "indicators", "--type", "note", "--reason", "inquiry"), DONE, "hold 2")
    ended(hub.on_hub("hold", "list"), DONE, "court order 12/26", objects[0]["id"], "type note", "hold 2")
    answer = erase(hub, "--collection", "indicators", "--yes", "--json")
    told = ended_json(answer, DEGRADED)
    assert ids(told["versions"]) == ids(objects[1:]) and ids(told["held"]) == [objects[0]["id"]] and told["held"][0]["holds"] == [1]
    ended(erase(hub, objects[0]["id"], "--yes"), FAILED, "kept by a legal hold", "hold 1")
    with hub.session("cert-a") as session:
        answer = session.delete(f"{hub.objects_url()}{objects[0]['id']}/")
    assert answer.status_code == 403 and "legal hold" in answer.json()["title"]
    with hub.session("cert-b") as session:
        answer = session.delete(f"{hub.objects_url()}{objects[0]['id']}/")
    assert answer.status_code == 403 and "hold" not in answer.text
    ended(hub.on_hub("hold", "lift", "7", "--reason", "closed"), FAILED, "no hold 7", "hold list")
    hub.stop()
    ended(hub.on_hub("hold", "lift", "1", "--reason", "closed"), DONE, "hold 1 is lifted")
    ended(hub.on_hub("hold", "lift", "1", "--reason", "closed"), FAILED, "no hold 1")
    assert [found["hold"] for found in json.loads(hub.on_hub("hold", "list", "--json").stdout)] == [2]
    ended(hub.on_hub("hold", "list", "--all"), DONE, "lifted", "closed")
    hub.start()
    ended(erase(hub, objects[0]["id"], "--yes"), DONE)


def test_retention(hub):
    until = {"extension_type": "property-extension", "retention_until": "2026-01-03T00:00:00Z"}
    marking = {
        "type": "marking-definition", "spec_version": "2.1", "id": "marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "created": "2026-01-02T00:00:00.000Z", "extensions": {HANDLING: until},
    }
    due, kept = marked("AMBER"), marked("GREEN")
    due["object_marking_refs"].append(marking["id"])
    hub.post([marking, due, kept])
    hub.kill()
    hub.start()
    wait_for(lambda: ids(hub.fetch()) == [kept["id"]], 10, "what is due did not go at the start")


def test_registry_plan_tells_what_a_shorter_time_erases(make_hub, tool):
    faketime = tool("faketime")
    hub = make_hub()
    objects = [indicator() for _ in range(3)]
    hub.post(objects)
    ended(hub.on_hub("hold", "add", objects[0]["id"], "--reason", "inquiry"), DONE)
    hub.stop()
    path = hub.dir / "shorter.toml"
    from conftest import to_toml

    path.write_text(to_toml(short(hub, 10)))
    later = [faketime, "-f", "+20d", *hub.command("registry", "plan", path, "--config", hub.config)]
    told = subprocess.run(later, capture_output=True, text=True, env=hub.environment(), timeout=60)
    assert told.returncode == DONE, told.stderr
    assert "2 object versions" in told.stdout and "keeps 1 more" in told.stdout, told.stdout
    (planned,) = json.loads(subprocess.run([*later, "--json"], capture_output=True, text=True, env=hub.environment(), timeout=60).stdout)["erases"]
    assert planned == {"collection": hub.collection, "versions": 2, "held": 1}
    now = ended_json(hub.on_hub("registry", "plan", path, "--json"), DONE)
    assert now["erases"] == []


def test_a_killed_hub_goes_on_erasing(hub):
    """kill -9 in the middle of a large order: after the restart the rest goes, and nothing else."""
    objects = [indicator() for _ in range(6000)]
    for start in range(0, len(objects), 1000):
        hub.post(objects[start : start + 1000])
    kept = [indicator() for _ in range(50)]
    hub.post(kept, org="cert-b")
    command = hub.command("erase", "--collection", "indicators", "--owner", "cert-a", "--yes", "--json", "--reason", "request", "--config", hub.config)
    order = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=hub.environment())
    try:
        first = f"{hub.objects_url()}{objects[0]['id']}/"
        with hub.session("cert-a") as session:
            deadline = time.monotonic() + 30
            while session.get(first).status_code == 200:
                assert time.monotonic() < deadline
                time.sleep(0.005)
        hub.kill()
        hub.start()
        answer, problems = order.communicate(timeout=120)
    finally:
        order.kill()
    assert order.returncode == DONE, problems
    assert len(json.loads(answer)["versions"]) == len(objects)
    assert ids(hub.fetch()) == ids(kept)
    ended(hub.on_hub("check"), DONE)
