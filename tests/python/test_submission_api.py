"""The same submission over HTTP, as a console uses it: shown first, then stored; judged beside `liaison publish`."""

import json

import pytest
from conftest import to_toml, uuid4
from test_submission import MAIL, TERMS, stored, told

STATED = {"tlp": "AMBER", "purposes": ["cyber-defence"], "title": "Wave 7"}


@pytest.fixture
def submit(hub):
    """Hands a text in as a client; the answer, and its status."""

    def ask(text=MAIL, name="mail.txt", org="cert-a", client="feed", terms=STATED, status=200, collection=None, **more):
        body = {"files": [{"name": name, "content": text}], "terms": terms} | more
        with hub.session(org, client) as session:
            answer = session.post(f"{hub.url}/liaison/v1/submission/exchange/{collection or hub.collection}/", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    ask.hub = hub
    return ask


def rows(answer):
    return {(row["type"], row["value"]) for row in answer["values"]}


def test_it_is_shown_with_who_would_read_it_and_stored_only_if_asked(submit):
    shown = submit()
    assert ("domain-name", "evil-c2.xyz") in rows(shown) and len(rows(shown)) == 5
    assert {left["text"] for left in shown["left_out"]} == {"soc@cert-b.example", "https://vendor-blog.com/post", "info@cert-b.org"}
    assert len(shown["objects"]) == 7 and "status" not in shown
    (audience,) = shown["preview"]["audiences"]
    assert {party["organisation"]: party["reads"] for party in audience} == {"cert-a": True, "cert-b": True}
    assert any("documentation" in text for row in shown["values"] for text in row["warnings"])
    assert stored(submit.hub) == {}
    sent = submit(send=True, status=202)
    assert sent["status"]["success_count"] == 7 and "preview" not in sent
    assert set(stored(submit.hub)) == {one["id"] for one in sent["objects"]}
    again = submit(send=True)
    assert (again["objects"], len(again["unchanged"])) == ([], 7) and "status" not in again
    known = {row["value"]: row["known"] for row in again["values"]}
    assert known["evil-c2.xyz"][0].startswith("CERT A 20")


def test_the_command_finds_just_what_was_stored_over_http(submit, tmp_path):
    submit(send=True, status=202)
    before = stored(submit.hub)
    path = tmp_path / "mail.txt"
    path.write_text(MAIL)
    command = ["publish", "--profile", submit.hub.profile("cert-a"), *TERMS, "--title", "Wave 7", "--json", path]
    answer = told(submit.hub.run(*command))
    assert answer["submission"]["new"] == [] and len(answer["submission"]["unchanged"]) == 7
    assert stored(submit.hub) == before


def test_a_table_with_a_mapping_an_event_and_a_text_at_once(submit):
    event = {"Event": {"info": "x", "Attribute": [{"type": "ip-dst", "category": "Network activity", "value": "203.0.113.50", "to_ids": True, "uuid": uuid4()}]}}
    files = [
        {"name": "theirs.txt", "format": "csv", "content": "IOC|Kind\nevil-csv.top|domain\n"},
        {"name": "event.json", "content": json.dumps(event)},
        {"content": "Block evil-text[.]top", "format": "text"},
    ]
    mapping = 'delimiter = "|"\n[columns]\nvalue = "IOC"\n'
    with submit.hub.session("cert-a", "feed") as session:
        url = f"{submit.hub.url}/liaison/v1/submission/exchange/{submit.hub.collection}/"
        answer = session.post(url, json={"files": files[:1] + files[2:], "mapping": mapping, "terms": STATED})
        assert answer.status_code == 200, answer.text
        assert rows(answer.json()) == {("domain-name", "evil-csv.top"), ("domain-name", "evil-text.top")}
        answer = session.post(url, json={"files": files[1:], "terms": STATED})
        assert rows(answer.json()) == {("ipv4-addr", "203.0.113.50"), ("domain-name", "evil-text.top")}


@pytest.mark.parametrize("terms, term", [
    ({}, "tlp"), ({"tlp": "AMBER"}, "purposes"), ({"tlp": "AMBER", "purposes": ["cyber-defence"]}, "title"),
    (STATED | {"tlp": "PINK"}, "tlp"), (STATED | {"pap": "PINK"}, "pap"), (STATED | {"purposes": ["Any thing"]}, "purposes"),
    (STATED | {"confidence": 101}, "confidence"),
])
def test_marking_and_purpose_are_never_guessed(submit, terms, term):
    shown = submit(terms=terms)
    assert shown["wrong"]["term"] == term and shown["objects"] == [] and len(shown["values"]) == 5
    refused = submit(terms=terms, send=True, status=400)
    assert f"terms.{term}" in refused["title"] + refused.get("description", ""), refused
    assert stored(submit.hub) == {}


@pytest.mark.parametrize("body, text", [
    (b"{", "EOF"), (b"[]", "expected"), (b'{"files": [], "tems": {}}', "tems"), (b'{"files": [{"name": "x"}]}', "content"),
    (json.dumps({"files": [{"name": "x.json", "content": '{"type": "bundle", "objects": []}'}]}).encode(), "it is STIX"),
    (json.dumps({"files": [{"name": "x.json", "content": "{}"}]}).encode(), "files[0] x.json: JSON, but neither STIX"),
    (json.dumps({"files": [{"name": "x.csv", "content": "a;b\n1;2\n", "format": "csv"}]}).encode(), "files[0] x.csv: "),
    (json.dumps({"files": [], "mapping": "x = "}).encode(), "mapping"),
    (json.dumps({"files": [{"content": "nothing here"}], "terms": STATED, "send": True}).encode(), "no value"),
    (json.dumps({"files": [{"content": "\n".join(f"evil-{n}[.]top" for n in range(5_001))}]}).encode(), "at most 5000"),
])
def test_what_cannot_be_read_is_told(submit, body, text):
    with submit.hub.session("cert-a", "feed") as session:
        answer = session.post(f"{submit.hub.url}/liaison/v1/submission/exchange/{submit.hub.collection}/", data=body)
    assert answer.status_code == 400, answer.text
    assert text in answer.json()["title"] + answer.json().get("description", ""), answer.text


def test_five_thousand_values_go_at_once(submit):
    text = "\n".join(f"evil-{n}[.]top" for n in range(5_000))
    sent = submit(text, send=True, status=202)
    assert sent["status"]["failure_count"] == 0 and sent["status"]["success_count"] == 5_002
    assert len(stored(submit.hub)) == 5_002


def test_only_who_may_write_hands_anything_in(submit):
    registry = submit.hub.registry()
    registry["agreement"][0]["collection"][0]["write"] = ["cert-b"]
    submit.hub.apply(registry)
    submit(status=403)
    submit(org="cert-b", client="siem", status=403)
    submit(org="cert-b", client="feed")
    submit(org="cert-b", client="feed", collection=uuid4(), status=404)
    assert "consumer" in to_toml(registry)


def test_where_officers_release_it_waits_for_them(submit):
    registry = submit.hub.registry()
    registry["agreement"][0]["release"] = "reviewed"
    submit.hub.apply(registry)
    assert submit()["preview"]["waits_for_release"] is True
    assert submit(send=True, status=202)["status"]["pending_count"] == 7
    assert stored(submit.hub) == {}


def test_what_is_learnt_from_it_is_in_the_audit_log(submit):
    """Who hands a known value in learns of the object that names it: it counts as a receiver."""
    answer = submit("Block evil-b[.]top", org="cert-b", terms=STATED | {"tlp": "GREEN"}, send=True, status=202)
    (indicator,) = [one["id"] for one in answer["objects"] if one["type"] == "indicator"]
    assert submit("Block evil-b[.]top")["values"][0]["known"][0].startswith("CERT B 20")
    submit.hub.stop()
    submit.hub.start()
    found = submit.hub.on_hub("audit", "recipients", indicator, "--json")
    clients = {receiver["client"] for version in json.loads(found.stdout)["versions"] for receiver in version["recipients"]}
    assert "cert-a/feed" in clients, found.stdout
