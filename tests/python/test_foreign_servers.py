"""That the servers of other makers start, serve what they are seeded with, take objects, and depart from TAXII as
FACTS.md says: what is asserted here of them is what `sync` has to live with."""

import base64
import contextlib
import http.client
import ssl
import subprocess
import time
import uuid

import pytest
import requests
from conftest import lacking

from foreign_objects import indicators, indicators_20, keys_of, last_versions
from foreign_servers import SERVERS, STIX_20, TAXII_20, TAXII_21, interpreter
from peer_certificates import PeerAuthority

pytestmark = pytest.mark.timeout(180)
OF_21 = ["medallion", "opentaxii"]
OF_20 = ["medallion20", "medallion20old"]


def seed_of(name, **options):
    return (indicators_20 if name in OF_20 else indicators)(options.pop("count", 45), versions=3, **options)


@pytest.fixture(scope="module")
def running():
    servers = {}

    def running(name):
        if name not in servers:
            if not interpreter(name):
                lacking(f"no virtual environment with requirements-{name}.txt")
            servers[name] = SERVERS[name](seed_of(name))
        return servers[name]

    yield running
    for server in servers.values():
        server.stop()


@pytest.fixture(params=OF_21 + OF_20)
def server(request, running):
    return running(request.param)


@pytest.fixture(params=OF_21)
def server_21(request, running):
    return running(request.param)


@pytest.fixture(params=OF_20)
def server_20(request, running):
    return running(request.param)


@pytest.fixture
def medallion(running):
    return running("medallion")


@pytest.fixture
def opentaxii(running):
    return running("opentaxii")


def fresh(name, seed=None, count=6):
    return seed_of(name, count=count, seed=seed or uuid.uuid4().hex)


# --- All serve and take ------------------------------------------------------------------------


def test_it_serves_what_it_was_seeded_with(server):
    assert keys_of(server.objects("read")) == keys_of(seed_of(server.environment_name))


def test_it_says_what_may_be_read_and_written(server):
    listed = server.get(f"{server.api_root}collections/").json()["collections"]
    rights = {found["id"]: (found["can_read"], found["can_write"]) for found in listed}
    assert {name: rights[found] for name, found in server.collections.items()} == {
        "read": (True, False), "write": (True, True), "closed": (False, False)}


def test_it_takes_objects_and_says_so(server):
    new = fresh(server.environment_name)
    answer = server.post("write", new)
    assert answer.status_code == 202 and answer.json()["status"] == "complete"
    assert (answer.json()["success_count"], answer.json()["total_count"]) == (len(new), len(new))
    status = server.status(answer.json()["id"])
    assert status.status_code == 200 and status.json()["id"] == answer.json()["id"]
    assert set(keys_of(new)) <= set(keys_of(server.objects("write")))
    assert server.post("read", new).status_code in (403, 404) and server.post("closed", new).status_code in (403, 404)


def test_it_lets_nobody_in_with_a_wrong_password(server):
    answer = requests.get(server.discovery_url, auth=("partner", "wrong"), verify=server.ca, headers={"Accept": server.discovery_accept})
    assert answer.status_code == 401
    assert requests.get(server.discovery_url, verify=server.ca, headers={"Accept": server.discovery_accept}).status_code == 401


def test_it_is_there_over_tls_only_and_by_its_own_authority(server):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(server.discovery_url)
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(server.discovery_url.replace("https:", "http:"), timeout=5)


def test_taxii2client_reads_it(server_21):
    from taxii2client.v21 import Server, as_pages

    client = Server(server_21.discovery_url, user=server_21.credentials[0], password=server_21.credentials[1], verify=server_21.ca)
    collection = next(found for found in client.default.collections if found.id == server_21.collections["read"])
    found = [one for page in as_pages(collection.get_objects, per_request=10) for one in page.get("objects", [])]
    assert keys_of(found) == keys_of(last_versions(seed_of(server_21.environment_name)))


@pytest.mark.parametrize("per_request, count", [(10, 41), (45, 19)])
def test_taxii2client_loses_objects_of_it(server_20, per_request, count):
    """It tries both forms of Range, and goes on from what it asked for, not from what came: for comparison, not as a
    model."""
    from taxii2client.v20 import Collection, as_pages

    user, password = server_20.credentials
    collection = Collection(server_20.objects_url("read").removesuffix("objects/"), user=user, password=password, verify=server_20.ca)
    found = [one for page in as_pages(collection.get_objects, per_request=per_request) for one in page["objects"]]
    assert len(found) == count and {one["id"] for one in found} < {one["id"] for one in seed_of("medallion20")}


@pytest.mark.parametrize("name, keeps", [("medallion", False), ("opentaxii", True)])
def test_it_can_be_restarted(running, name, keeps):
    """medallion forgets what it was not seeded with, statuses included."""
    running(name)
    with SERVERS[name](seed_of(name, count=3)) as server:
        new = fresh(name)
        status = server.post("write", new).json()["id"]
        server.go_down()
        with pytest.raises(requests.exceptions.ConnectionError):
            server.get(server.discovery_url)
        server.restart()
        assert keys_of(server.objects("read")) == keys_of(seed_of(name, count=3))
        assert keys_of(server.objects("write")) == (keys_of(new) if keeps else [])
        assert server.status(status).status_code == (200 if keeps else 404)


def test_it_can_require_client_certificates(running):
    running("medallion")
    authority = PeerAuthority()
    with SERVERS["medallion"](seed_of("medallion", count=3), authority=authority, client_ca=authority.ca) as server:
        assert len(server.objects("read")) == 5
        with pytest.raises(requests.exceptions.ConnectionError):
            server.get(server.discovery_url, cert=None)


def test_it_ends_when_it_is_stopped(running):
    server = type(running("medallion"))(seed_of("medallion", count=1))
    process, folder = server.process, server.folder
    server.stop()
    assert process.returncode == 0 and not folder.exists()
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(server.discovery_url, timeout=2)
    assert str(folder) not in subprocess.run(["ps", "axww"], capture_output=True, text=True).stdout


# --- medallion 3 --------------------------------------------------------------------------------


def test_medallion_gives_one_next_for_the_whole_walk_and_takes_it_once(medallion):
    url, query, nexts = medallion.objects_url("read"), {"limit": 10}, []
    while True:
        page = medallion.get(url, params=query).json()
        if not page["more"]:
            break
        nexts.append(page["next"])
        query["next"] = page["next"]
    assert len(nexts) == 4 and len(set(nexts)) == 1
    assert medallion.get(url, params=query).status_code == 400


def test_medallion_breaks_on_next_without_limit(medallion):
    page = medallion.get(medallion.objects_url("read")).json()
    assert len(page["objects"]) == 20 and page["more"]
    answer = medallion.get(medallion.objects_url("read"), params={"next": page["next"]})
    assert answer.status_code == 500 and answer.headers["Content-Type"] == "text/html"


def test_medallion_refuses_next_with_another_filter(medallion):
    url = medallion.objects_url("read")
    after = {"added_after": "2020-01-01T00:00:00Z"}
    page = medallion.get(url, params={"limit": 5} | after).json()
    assert medallion.get(url, params={"limit": 5, "next": page["next"]}).status_code == 400
    assert medallion.get(url, params={"limit": 3, "next": page["next"]} | after).status_code == 200


def test_medallion_loses_objects_by_added_after_where_dates_are_equal(medallion):
    """The objects of one POST have one date_added, and a page ends among them."""
    url, found, after = medallion.objects_url("read"), [], "1970-01-01T00:00:00Z"
    while True:
        answer = medallion.get(url, params={"limit": 7, "added_after": after})
        if not answer.json():
            break
        found += answer.json()["objects"]
        after = answer.headers["X-TAXII-Date-Added-Last"]
    assert len(found) < 45


@pytest.mark.parametrize("accept, status", [
    (TAXII_21, 200), ("application/taxii+json; version=2.1", 200), ("application/taxii+json", 406), ("*/*", 406),
    ("application/taxii+json;version=2.1;q=0.9", 406), ("application/json, application/taxii+json;version=2.1", 200)])
def test_medallion_and_accept(medallion, accept, status):
    assert medallion.get(medallion.discovery_url, accept=accept).status_code == status


def test_medallion_answers_401_in_html(medallion):
    answer = requests.get(medallion.discovery_url, verify=medallion.ca, headers={"Accept": TAXII_21})
    assert answer.headers["Content-Type"].startswith("text/html") and answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_medallion_calls_what_it_has_already_a_failure(medallion):
    new = fresh("medallion")
    medallion.post("write", new)
    again = medallion.post("write", new)
    assert again.status_code == 202 and again.json()["failure_count"] == len(new) and again.json()["failures"][0]["message"] == "Unable to process object"


def test_medallion_keeps_what_came_before_a_bad_object(medallion):
    new = fresh("medallion")
    answer = medallion.post("write", [new[0], {"type": "indicator"}, new[1]])
    kept = set(keys_of(medallion.objects("write")))
    assert answer.status_code == 422 and set(keys_of(new[:1])) <= kept and not set(keys_of(new[1:2])) & kept


@pytest.mark.parametrize("declared, status", [(("Transfer-Encoding", "chunked"), 400), (("Content-Length", "1100000"), 413), (("Content-Length", "2"), 422)])
def test_medallion_judges_a_body_by_its_declared_length(medallion, declared, status):
    """It refuses before it reads, and closes: a client that is still sending loses the answer. So only the heads are sent
    (and two bytes where it does read them)."""
    connection = http.client.HTTPSConnection("localhost", medallion.port, context=ssl.create_default_context(cafile=medallion.ca), timeout=60)
    with contextlib.closing(connection):
        connection.putrequest("POST", medallion.objects_url("write"))
        token = base64.b64encode(":".join(medallion.credentials).encode()).decode()
        for name, value in [("Accept", TAXII_21), ("Content-Type", TAXII_21), ("Authorization", f"Basic {token}"), declared]:
            connection.putheader(name, value)
        connection.endheaders(b"{}" if status == 422 else None)
        assert connection.getresponse().status == status


# --- TAXII 2.0 -----------------------------------------------------------------------------------


def test_the_range_of_one_version_is_refused_by_the_other(server_20):
    answers = {form: server_20.get(server_20.objects_url("read"), accept=STIX_20, headers={"Range": form}) for form in ("items=0-9", "items 0-9")}
    good = server_20.range_form.format(0, 9)
    assert {form: answer.status_code for form, answer in answers.items()} == {form: 206 if form == good else 400 for form in answers}
    # The last of the ten is missing; the header tells what came, and of how many.
    assert len(answers[good].json()["objects"]) == 9 and answers[good].headers["Content-Range"] == "items 0-8/45"


def test_taxii_20_pages_by_range_alone(server_20):
    url = server_20.objects_url("read")
    first = server_20.get(url, accept=STIX_20, params={"limit": "3", "next": "x"})
    assert first.status_code == 206 and len(first.json()["objects"]) == 19 and first.headers["Content-Range"] == "items 0-18/45"
    assert set(first.json()) == {"type", "id", "spec_version", "objects"}
    beyond = server_20.get(url, accept=STIX_20, headers={"Range": server_20.range_form.format(100, 119)})
    assert beyond.status_code == 416 and beyond.headers["Content-Range"] == "items */45"
    found, start = [], 0
    while start < 45:
        found += server_20.get(url, accept=STIX_20, headers={"Range": server_20.range_form.format(start, start + 19)}).json()["objects"]
        start += 20
    assert len(found) == 43


def test_taxii_20_has_media_types_of_its_own(server_20):
    url = server_20.objects_url("read")
    assert [server_20.get(url, accept=accept).status_code for accept in (STIX_20, TAXII_20, TAXII_21, "*/*")] == [206, 406, 406, 406]
    assert [server_20.get(f"{server_20.api_root}collections/", accept=accept).status_code for accept in (STIX_20, TAXII_20)] == [406, 200]
    assert server_20.get(url, accept=STIX_20).headers["Content-Type"] == STIX_20
    assert server_20.post("write", [], **{"Content-Type": TAXII_20}).status_code == 415
    assert server_20.get(f"{server_20.url}/taxii2/", accept=TAXII_20).status_code == 404


def test_taxii_20_new_versions_are_not_found_by_added_after(server_20):
    new = fresh(server_20.environment_name)
    server_20.post("write", new)
    after = server_20.get(server_20.objects_url("write"), accept=STIX_20, params={"match[id]": new[0]["id"]}).headers["X-TAXII-Date-Added-Last"]
    time.sleep(0.01)
    server_20.post("write", [new[0] | {"modified": "2026-01-01T00:00:00.000Z"}])
    found = server_20.get(server_20.objects_url("write"), accept=STIX_20, params={"match[id]": new[0]["id"]}).json()["objects"]
    assert [one["modified"] for one in found] == ["2026-01-01T00:00:00.000Z"]
    assert server_20.get(server_20.objects_url("write"), accept=STIX_20, params={"added_after": after}).json()["objects"] == []


def test_taxii_20_statuses_name_ids_only(server_20):
    new = fresh(server_20.environment_name)
    assert server_20.post("write", new).json()["successes"] == [found["id"] for found in new]
    again = server_20.post("write", new).json()
    assert again["failure_count"] == len(new) and set(again["failures"][0]) == {"id", "message"}


def test_taxii_20_says_nothing_is_there_in_another_way(server_20):
    answer = server_20.get(f"{server_20.objects_url('read')}indicator--{uuid.uuid4()}/", accept=STIX_20)
    assert answer.status_code == 200 and answer.json()["objects"] == []


# --- OpenTAXII -----------------------------------------------------------------------------------


def test_opentaxii_gives_the_type_as_spec_version(opentaxii):
    assert {found["spec_version"] for found in opentaxii.objects("read")} == {"indicator"}


def test_opentaxii_takes_bearer_tokens(opentaxii):
    def status(token):
        return requests.get(opentaxii.discovery_url, verify=opentaxii.ca, headers={"Accept": TAXII_21, "Authorization": f"Bearer {token}"}).status_code

    assert status(opentaxii.token()) == 200 and status("wrong") == 401
    refused = requests.get(opentaxii.discovery_url, verify=opentaxii.ca, headers={"Accept": TAXII_21})
    assert "WWW-Authenticate" not in refused.headers and set(refused.json()) == {"code", "name", "description"}


def test_opentaxii_gives_relative_roots_below_taxii2(opentaxii):
    found = opentaxii.get(opentaxii.discovery_url).json()
    assert found["default"].startswith("/taxii2/") and f"{opentaxii.url}{found['default']}" == opentaxii.api_root


def test_opentaxii_pages_only_if_it_is_asked_to(opentaxii):
    url = opentaxii.objects_url("read")
    assert len(opentaxii.get(url).json()["objects"]) == 45
    page = opentaxii.get(url, params={"limit": 10}).json()
    again = [opentaxii.get(url, params={"limit": 10, "next": page["next"]}).json() for _ in range(2)]
    assert again[0] == again[1] and again[0]["objects"][0] not in page["objects"]
    manifest = opentaxii.get(url.replace("/objects/", "/manifest/"), params={"limit": 10}).json()
    assert manifest["more"] is True and "next" not in manifest


@pytest.mark.parametrize("added_after, status", [
    ("2020-01-01T00:00:00Z", 400), ("2020-01-01T00:00:00.1Z", 200), ("2020-01-01T00:00:00.123456Z", 200), ("2020-01-01T00:00:00.123456789Z", 400)])
def test_opentaxii_wants_a_fraction(opentaxii, added_after, status):
    assert opentaxii.get(opentaxii.objects_url("read"), params={"added_after": added_after}).status_code == status


@pytest.mark.parametrize("kind, status", [
    (TAXII_21, 202), ("application/taxii+json; version=2.1", 415), ("application/taxii+json", 415)])
def test_opentaxii_compares_the_content_type_as_text(opentaxii, kind, status):
    assert opentaxii.post("write", fresh("opentaxii")[:1], **{"Content-Type": kind}).status_code == status


def test_opentaxii_takes_only_what_has_modified_with_a_fraction(opentaxii):
    one = fresh("opentaxii")[0]
    observable = {"type": "ipv4-addr", "spec_version": "2.1", "id": "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4", "value": "198.51.100.3"}
    whole = one | {"created": "2025-01-01T00:00:00Z", "modified": "2025-01-01T00:00:00Z"}
    for bad in (observable, whole):
        answer = opentaxii.post("write", [one, bad])
        assert answer.status_code == 500 and answer.headers["Content-Type"] == "text/html"
    assert opentaxii.post("write", [one, one | {"pattern": "nonsense"}]).status_code == 400
    assert not set(keys_of([one])) & set(keys_of(opentaxii.objects("write")))


def test_opentaxii_calls_what_it_has_already_a_success(opentaxii):
    new = fresh("opentaxii")
    assert [opentaxii.post("write", new).json()["success_count"] for _ in range(2)] == [len(new)] * 2
    assert keys_of(found for found in opentaxii.objects("write") if found["id"] in {one["id"] for one in new}) == keys_of(new)


def test_opentaxii_deletes_nothing(opentaxii):
    one = fresh("opentaxii")[:1]
    opentaxii.post("write", one)
    url = f"{opentaxii.objects_url('write')}{one[0]['id']}/"
    answer = requests.delete(url, auth=opentaxii.credentials, verify=opentaxii.ca, headers={"Accept": TAXII_21})
    assert answer.status_code == 200 and len(opentaxii.get(url).json()["objects"]) == 1
