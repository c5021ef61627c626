"""`revoke_on_expiry`: a hub revokes what has expired, and poll, exports and the audit log tell it."""

import datetime
import json
import time

import stix2
from commands import DONE, ended, ended_json
from conftest import marked, to_toml, wait_for
from stix2validator import ValidationOptions, validate_string


def ends_in(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def revoking(hub):
    registry = hub.registry()
    registry["agreement"][0]["collection"][0]["revoke_on_expiry"] = True
    return registry


def versions(hub, thing, **query):
    found = hub.fetch(**({"match[id]": thing["id"], "match[version]": "all"} | query))
    return [found["modified"] for found in found if found["id"] == thing["id"]]


def test_a_hub_revokes_what_has_expired(make_hub):
    hub = make_hub()
    hub.apply(revoking(hub))
    soon, later, endless = (marked("GREEN", **more) for more in ({"valid_until": ends_in(4)}, {"valid_until": ends_in(3600)}, {}))
    hub.post([soon, later, endless])
    polled = hub.fetch()
    assert len(polled) == 3
    with hub.session("cert-b") as session:
        newest = session.get(f"{hub.objects_url()}?limit=10").headers["X-TAXII-Date-Added-Last"]
    assert len(versions(hub, soon)) == 1
    time.sleep(4)
    # It looks once a minute, and at its start.
    hub.kill()
    hub.start()
    wait_for(lambda: len(versions(hub, soon)) == 2, 30, "nothing was revoked")
    with hub.session("cert-b") as session:
        answer = session.get(hub.objects_url(), params={"added_after": newest})
    (news,) = answer.json()["objects"]
    assert news == soon | {"modified": soon["valid_until"], "revoked": True}
    assert answer.headers["X-TAXII-Date-Added-First"] >= soon["valid_until"]
    assert stix2.parse(news, allow_custom=False).revoked
    found = validate_string(json.dumps(news), ValidationOptions(version="2.1"))
    assert found.is_valid, found
    assert versions(hub, later) == [later["modified"]] and versions(hub, endless) == [endless["modified"]]
    (failure,) = hub.post([soon | {"modified": ends_in(0), "valid_until": ends_in(3600)}])["failures"]
    assert failure["message"].startswith("revoked")
    hub.stop()
    hub.start()
    time.sleep(1)
    assert len(versions(hub, soon)) == 2
    ended(hub.on_hub("check"), DONE)
    ended(hub.on_hub("audit", "verify"), DONE)


def test_turning_it_on_is_told_before_and_counts_for_what_is_over(make_hub):
    hub = make_hub()
    over = [marked("GREEN", valid_until="2026-02-01T00:00:00Z") for _ in range(300)]
    gone = marked("GREEN", valid_until="2026-02-01T00:00:00Z", revoked=True)
    hub.post([*over, gone, marked("GREEN")])
    path = hub.dir / "revoking.toml"
    path.write_text(to_toml(revoking(hub)))
    ended(hub.on_hub("registry", "plan", path), DONE, "300 indicators", "revoked at once")
    (planned,) = ended_json(hub.on_hub("registry", "plan", path, "--json"), DONE)["revokes"]
    assert planned == {"collection": hub.collection, "indicators": 300}
    hub.kill()
    ended(hub.on_hub("registry", "apply", path), DONE, "300 indicators")
    hub.start()
    last = {"match[type]": "indicator"}
    wait_for(lambda: sum("revoked" in found for found in hub.fetch(**last)) == 301, 30, "not all were revoked")
    assert len(hub.fetch(**last)) == 302
    ended(hub.on_hub("registry", "plan", path), DONE, "nothing to change")
