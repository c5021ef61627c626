"""Exports over HTTP: who gets them by certificate and by token, what a cache may know, and what the audit log tells."""

import base64
import datetime
import gzip
import hashlib
import json
import subprocess
from email.utils import parsedate_to_datetime

import pytest
import requests
from commands import DONE, ended
from conftest import Hub, free_port, wait_for
from exporting import day, indicator, stix

TOKENS = {"soc": "a" * 48, "other": "b" * 48}


def value(text, **more):
    return stix(indicator(f"[domain-name:value = '{text}.example.com']", **more))


def declared(hub, name, format="list", **keys):
    return {"id": name, "organisation": "cert-a", "collections": [hub.collection], "format": format, "tlp_max": "AMBER"} | keys


@pytest.fixture(scope="module")
def served(binary, tmp_path_factory):
    """A hub with exports for cert-a, and a listener for devices."""
    hub = Hub(binary, tmp_path_factory.mktemp("served"), [])
    hub.device_port = free_port()
    hub.sets.append(f"export.listen=127.0.0.1:{hub.device_port}")
    registry = hub.registry()
    registry["organisation"][0]["client"] += [
        {"id": "low", "role": "consumer", "tlp_max": "GREEN"}, {"id": "auditor", "role": "auditor"}, {"id": "operator", "role": "operator"}]
    hashed = {name: hashlib.sha256(token.encode()).hexdigest() for name, token in TOKENS.items()}
    registry["export"] = [
        declared(hub, "soc", token_sha256=hashed["soc"]),
        declared(hub, "other", token_sha256=hashed["other"]),
        declared(hub, "few", readers=["feed"]),
        declared(hub, "green", tlp_max="GREEN"),
        declared(hub, "splunk", format="splunk"),
        declared(hub, "rules", format="suricata", options={"layout": "rules"}),
        declared(hub, "theirs", organisation="cert-b"),
    ]
    hub.apply(registry)
    hub.start()
    hub.thing = value("first", tlp="GREEN")
    hub.post([hub.thing, value("second")])
    yield hub
    hub.judge()


def get(hub, path="soc", org="cert-a", client="siem", method="GET", **headers):
    with hub.session(org, client) as session:
        session.headers.clear()
        headers = {name.replace("_", "-"): text for name, text in headers.items()}
        return session.request(method, f"{hub.url}/liaison/v1/export{'/' if path else ''}{path}", headers=headers)


def at_device(hub, path="soc", method="GET", **headers):
    return at_port(hub, f"/liaison/v1/export/{path}", method, headers)


def at_port(hub, path, method, headers):
    with requests.Session() as session:
        session.trust_env = False
        session.verify = hub.ca
        return session.request(method, f"https://localhost:{hub.device_port}{path}", headers=headers)


def same(one, other):
    """Nothing but the number of the error tells two answers apart."""
    def masked(answer):
        body = answer.json()
        body.pop("error_id")
        return answer.status_code, body, sorted(set(answer.headers) - {"Date"})

    assert masked(one) == masked(other)


# By certificate


def test_the_file_comes_with_what_caches_need(served):
    answer = get(served)
    assert answer.status_code == 200 and "first.example.com\n" in answer.text and "second.example.com\n" in answer.text
    digest = hashlib.sha256(answer.content).hexdigest()
    on_disk = served.dir / "exports/soc/soc.txt"
    assert answer.content == on_disk.read_bytes() and (on_disk.parent / "soc.txt.sha256").read_text() == f"{digest}  soc.txt\n"
    assert answer.headers["ETag"] == f'"{digest}"' and answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Content-Type"].startswith("text/plain") and answer.headers["Vary"].lower() == "accept-encoding"
    meta = get(served, "soc/soc.meta.json").json()
    assert parsedate_to_datetime(answer.headers["Last-Modified"]).strftime("%Y-%m-%dT%H:%M:%SZ") == meta["generated"]
    assert [file["sha256"] for file in meta["files"]] == [digest]


def test_what_a_client_has_already_is_not_sent_again(served):
    tag = get(served).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = get(served, If_None_Match=known)
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag), known
    for other in ('"x"', tag.strip('"')[:-1], f'"{tag[1:-2]}0"'):
        assert get(served, If_None_Match=other).status_code == 200, other


def test_packed_bytes_have_a_tag_of_their_own(served):
    plain, packed = get(served), get(served, Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip" and packed.content == plain.content
    assert packed.headers["ETag"] != plain.headers["ETag"] and "Content-Encoding" not in plain.headers
    with served.session("cert-a", "siem") as session:
        raw = session.get(f"{served.url}/liaison/v1/export/soc", headers={"Accept-Encoding": "gzip"}, stream=True).raw
        assert gzip.decompress(raw.read(decode_content=False)) == plain.content
    assert get(served, If_None_Match=packed.headers["ETag"], Accept_Encoding="gzip").status_code == 304
    assert "Content-Encoding" not in get(served, Accept_Encoding="gzip;q=0").headers


@pytest.mark.parametrize(
    ("accepted", "coding"), [(None, "zstd"), ("zstd", "zstd"), ("gzip", "gzip"), ("zstd;q=0.1, gzip", "gzip"), ("br", None)])
def test_curl_unpacks_what_it_asked_for(served, tool, tmp_path, accepted, coding):
    """By itself `--compressed` asks for all that curl knows."""
    served.post([value(f"curl{number}") for number in range(2_000)])
    plain, files = get(served), served.client("cert-a", "siem")
    command = [
        tool("curl"), "--silent", "--show-error", "--noproxy", "*", "--max-time", "10", "--compressed", "--dump-header", "-",
        "--output", tmp_path / "list", "--cacert", served.ca, "--cert", files.crt, "--key", files.key,
        *(["--header", f"Accept-Encoding: {accepted}"] if accepted else []), f"{served.url}/liaison/v1/export/soc"]
    headers = subprocess.run(command, check=True, capture_output=True, text=True).stdout.lower()
    assert (tmp_path / "list").read_bytes() == plain.content and len(plain.content) > 30_000
    assert (f"content-encoding: {coding}" in headers) if coding else ("content-encoding" not in headers)
    digest = hashlib.sha256(plain.content).hexdigest()
    assert (f'etag: "{digest}-{coding}"' if coding else f'etag: "{digest}"') in headers


def test_head_tells_what_get_would(served):
    answer, head = get(served), get(served, method="HEAD")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("ETag", "Last-Modified", "Content-Length", "Content-Type", "Cache-Control"):
        assert head.headers[name] == answer.headers[name], name
    for method in ("POST", "PUT", "DELETE"):
        refused = get(served, method=method)
        assert refused.status_code == 405 and "GET" in refused.headers["Allow"], method


def test_what_is_published_is_in_the_next_answer(served):
    before = get(served)
    served.post([value("later")])
    after = get(served, If_None_Match=before.headers["ETag"])
    assert after.status_code == 200 and "later.example.com\n" in after.text
    assert after.headers["ETag"] != before.headers["ETag"]


def test_what_is_over_by_now_is_not_in_the_next_answer(served):
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
    served.post([value("soon-over", valid_until=until.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))])
    assert "soon-over" in get(served).text
    wait_for(lambda: "soon-over" not in get(served).text, 8, "it is over, and still served")


def test_each_file_has_its_name(served):
    main = get(served, "splunk")
    meta = get(served, "splunk/splunk.meta.json").json()
    assert main.content == get(served, f"splunk/{meta['files'][0]['name']}").content
    domains = get(served, "splunk/domain_intel.csv")
    assert domains.headers["Content-Type"].startswith("text/csv") and ",first.example.com," in domains.text
    for name in ("nothing.csv", ".lock", "splunk.meta.json.sha256", "..%2Fsoc%2Fsoc.txt", "%2e%2e/soc/soc.txt", "domain_intel.csv%00"):
        assert get(served, f"splunk/{name}").status_code in (400, 404), name


def test_what_only_the_writer_needs_is_not_served(served):
    get(served, "rules")
    kept = json.loads((served.dir / "exports/rules/rules.meta.json").read_text())["files"]
    hidden = [file["name"] for file in kept if file.get("is_state")]
    assert hidden, "numbers of rules are kept"
    told = get(served, "rules/rules.meta.json").json()
    assert {file["name"] for file in told["files"]} == {file["name"] for file in kept} - set(hidden)
    for name in hidden:
        assert get(served, f"rules/{name}").status_code == 404


def test_for_others_there_is_no_such_export(served):
    absent = get(served, "nothing")
    assert absent.status_code == 404
    for path, org, client in [
        ("soc", "cert-b", "siem"), ("soc/soc.meta.json", "cert-b", "feed"), ("few", "cert-a", "siem"), ("soc", "cert-a", "low"),
        ("soc", "cert-a", "auditor"), ("soc", "cert-a", "operator"), ("theirs", "cert-a", "siem"),
    ]:
        same(get(served, path, org, client), absent)
        same(get(served, path, org, client, method="GET", If_None_Match="*"), absent)
    assert get(served, "few", client="feed").status_code == 200 and get(served, "theirs", "cert-b").status_code == 200
    green = get(served, "green", client="low")
    assert green.status_code == 200 and "first" in green.text and "second" not in green.text


@pytest.mark.parametrize("org, client, names", [
    ("cert-a", "feed", ["soc", "other", "few", "green", "splunk", "rules"]), ("cert-a", "siem", ["soc", "other", "green", "splunk", "rules"]),
    ("cert-a", "low", ["green"]), ("cert-a", "auditor", []), ("cert-b", "siem", ["theirs"]),
])
def test_the_list_has_what_may_be_fetched(served, org, client, names):
    answer = get(served, "", org, client)
    if answer.status_code != 200:
        assert client == "auditor" and answer.status_code in (403, 404)
        return
    offered = answer.json()["exports"]
    assert [one["name"] for one in offered] == names
    for one in offered:
        assert one["url"] == f"{served.url}/liaison/v1/export/{one['name']}"
        assert get(served, one["name"], org, client).status_code == 200


# By token


def basic(name, token):
    return "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode()


def test_a_device_fetches_by_token(served):
    expected = get(served)
    for header in (f"Bearer {TOKENS['soc']}", f"bearer {TOKENS['soc']}", basic("any", TOKENS["soc"]), basic("", TOKENS["soc"])):
        answer = at_device(served, Authorization=header)
        assert (answer.status_code, answer.content) == (200, expected.content), header
        assert answer.headers["ETag"].removesuffix('-gzip"').strip('"') == expected.headers["ETag"].strip('"')
    header = f"Bearer {TOKENS['soc']}"
    for coding in ("zstd", "gzip"):
        packed = at_device(served, method="HEAD", Authorization=header, **{"Accept-Encoding": coding}).headers
        assert packed["Content-Encoding"] == coding and packed["ETag"] == expected.headers["ETag"][:-1] + f'-{coding}"'
    assert at_device(served, "soc/soc.meta.json", Authorization=header).json()["name"] == "soc"
    tag = expected.headers["ETag"]
    assert at_device(served, Authorization=header, **{"If-None-Match": tag}).status_code == 304
    assert at_device(served, method="HEAD", Authorization=header).status_code == 200
    assert at_device(served, method="POST", Authorization=header).status_code == 405


def test_without_the_right_token_every_export_is_alike(served):
    refused = at_device(served)
    assert refused.status_code == 401 and "Bearer" in refused.headers["WWW-Authenticate"] and "Basic" in refused.headers["WWW-Authenticate"]
    token = TOKENS["soc"]
    for path, header in [
        ("soc", f"Bearer {TOKENS['other']}"), ("other", f"Bearer {token}"), ("few", f"Bearer {token}"), ("nothing", f"Bearer {token}"),
        ("soc", "Bearer "), ("soc", token), ("soc", f"Digest {token}"), ("soc", f"Bearer {token}x"), ("soc", f"Bearer {token.upper()}"),
        ("soc", basic(token, "")), ("soc", "Basic " + token), ("soc", f"Bearer {hashlib.sha256(token.encode()).hexdigest()}"), ("splunk", basic("x", "")),
    ]:
        same(at_device(served, path, Authorization=header), refused)
    same(at_device(served, "soc/soc.meta.json"), refused)


def test_a_device_reaches_nothing_else(served):
    right = {"Authorization": f"Bearer {TOKENS['soc']}"}
    assert at_port(served, "/liaison/v1/export/soc", "GET", right).status_code == 200
    for path in ("/taxii2/", "/exchange/", f"/exchange/collections/{served.collection}/objects/", "/liaison/v1/export", "/healthz", "/status", "/"):
        assert at_port(served, path, "GET", right).status_code == 404, path
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(f"http://localhost:{served.device_port}/liaison/v1/export/soc", headers=right)


# The audit log


def recipients(hub, id):
    told = json.loads(hub.on_hub("audit", "recipients", id, "--json").stdout)["versions"]
    assert all(one["how"] == "objects" for version in told for one in version["recipients"])
    return {one["client"] for version in told for one in version["recipients"]}


def test_the_log_names_who_fetched_and_only_of_what(served):
    thing, level = value("watched", tlp="GREEN"), value("watched-too", tlp="AMBER")
    served.post([thing, level])
    assert recipients(served, thing["id"]) == set()
    assert get(served, "soc", client="feed").status_code == get(served, "green", client="low").status_code == 200
    assert "watched-too" in at_device(served, Authorization=f"Bearer {TOKENS['soc']}").text
    ended(served.on_hub("export", "run", "other"), DONE)
    expected = {"cert-a/feed", "cert-a/device:soc", "cert-a/export:other"}
    wait_for(lambda: recipients(served, level["id"]) >= expected, 5, f"not {expected}, but {recipients(served, level['id'])}")
    wait_for(lambda: recipients(served, thing["id"]) >= expected | {"cert-a/low"}, 5, "the other reader is missing")
    assert recipients(served, level["id"]) == expected
    told = ended(served.on_hub("audit", "recipients", level["id"]), DONE, "cert-a/device:soc").stdout
    assert "cert-a/low" not in told


def test_whoever_has_it_already_is_not_noted_as_receiving_it_again(served):
    thing = value("unsent")
    served.post([thing])
    tag = get(served, client="feed").headers["ETag"]
    wait_for(lambda: recipients(served, thing["id"]), 5, "nobody received it")
    assert get(served, client="siem", If_None_Match=tag).status_code == 304
    assert get(served, method="HEAD", client="siem").status_code == 200
    assert at_device(served, "other").status_code == 401
    # What comes later is in the log, so what came before would be, too.
    assert at_device(served, Authorization=f"Bearer {TOKENS['soc']}").status_code == 200
    wait_for(lambda: "cert-a/device:soc" in recipients(served, thing["id"]), 5, "the device is missing")
    assert recipients(served, thing["id"]) == {"cert-a/feed", "cert-a/device:soc"}
