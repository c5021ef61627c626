"""Exports pushed to targets: a program with files, Splunk's collector, Elastic's bulk interface, syslog over TLS."""

import json
import re
import time

import pytest
from conftest import Hub, uuid4, wait_for
from exporting import day, indicator, stix
from push_receivers import Siem, Syslog, server_tls

SYSLOG = re.compile(r"<134>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (\S+) liaison - (\S+) - (.*)", re.DOTALL)


class Pusher:
    """A hub with an export, and targets whose certificate its own authority has signed."""

    def __init__(self, make_hub, folder):
        self.hub = make_hub(start=False)
        self.folder = folder
        self.settings = self.hub.config.read_text()
        self.registry = self.hub.registry()
        self.registry["export"] = []
        self.collections = {}
        self.pushes = []
        self.closing = []
        self.ca = folder / "siem.ca.pem"
        self.ca.write_text((self.hub.dir / "pki/ca.crt").read_text())
        self.tls = server_tls(self.hub.dir / "pki/server.crt", self.hub.dir / "pki/server.key")

    def export(self, name, format):
        collection = uuid4()
        self.collections[name] = collection
        self.registry["agreement"][0]["collection"].append(
            {"id": collection, "title": name, "alias": name, "api_root": "exchange", "unmarked": "reject"}
        )
        self.registry["export"].append(
            {"id": name, "organisation": "cert-a", "collections": [collection], "format": format, "tlp_max": "RED", "max_shrink": 100}
        )
        self.hub.apply(self.registry, issue=False)

    def push(self, **keys):
        """Declares a push; `every` is short so that the test is."""
        self.pushes.append({"every": "1s"} | keys)
        tables = ["[[push]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in push.items()) for push in self.pushes]
        self.hub.config.write_text(self.settings + "\n" + "\n".join(tables))

    def token(self, text="s3cret-token", mode=0o600):
        path = self.folder / "token"
        path.write_text(text + "\n")
        path.chmod(mode)
        return str(path)

    def siem(self, tls=True):
        siem = Siem(self.tls if tls else None)
        self.closing.append(siem)
        return siem

    def syslog(self, tls=None):
        syslog = Syslog(tls or self.tls)
        self.closing.append(syslog)
        return syslog

    def elastic(self, export="soc", **keys):
        siem = self.siem()
        self.push(id="es", export=export, kind="elastic", url=f"https://localhost:{siem.port}", ca=str(self.ca), index="ti",
                  token_file=self.token(), **keys)
        return siem

    def publish(self, name, objects):
        for start in range(0, len(objects), 100):
            status = self.hub.post(objects[start : start + 100], collection=self.collections[name])
            assert status["failure_count"] == 0, status["failures"][:3]

    def once(self, name, code=0):
        ran = self.hub.on_hub("export", "push", name, "--json")
        assert ran.returncode == code, ran.stdout + ran.stderr
        (told,) = json.loads(ran.stdout)
        return told

    def status(self, push):
        ran = self.hub.on_hub("export", "list", "--json")
        assert ran.returncode == 0, ran.stderr
        shown = [found for export in json.loads(ran.stdout) for found in export["pushes"]]
        return next(found for found in shown if found["push"] == push)["status"]

    def audited(self, by):
        """Deliveries to a push that the audit log has."""
        records = self.hub.on_hub("audit", "tail", "--json")
        assert records.returncode == 0, records.stderr
        return records.stdout.count(by)


@pytest.fixture
def pusher(make_hub, tmp_path):
    pusher = Pusher(make_hub, tmp_path)
    yield pusher
    for receiver in pusher.closing:
        receiver.close()


def domains(count, start=0, **keys):
    return [stix(indicator(f"[domain-name:value = 'host-{n}.bad.net']", confidence=80, **keys)) for n in range(start, start + count)]


def changed(thing, **keys):
    return thing | keys | {"modified": day(-2).replace("T06", f"T{6 + keys.pop('hour', 1):02}")}


def names(siem):
    return sorted(document["threat"]["indicator"]["name"] for document in siem.documents.values())


def expected(*numbers):
    return sorted(f"host-{n}.bad.net" for n in numbers)


# Elastic


def test_elastic_gets_what_is_new_and_changed_and_loses_what_is_gone(pusher):
    pusher.export("soc", "ecs")
    siem = pusher.elastic()
    pusher.hub.start()
    things = domains(1100)
    pusher.publish("soc", things)
    wait_for(lambda: len(siem.documents) == 1100, 60, "not all documents came")
    assert names(siem) == expected(*range(1100))
    first = siem.requests[0]
    assert first["path"] == "/_bulk" and first["headers"]["authorization"] == "ApiKey s3cret-token"
    assert all(len(request["body"].split(b"\n")) <= 1001 for request in siem.requests)
    assert {key[0] for key in siem.documents} == {"ti"}

    wait_for(lambda: pusher.status("es")["last_success"], 20, "the push is not complete")
    before = len(siem.actions)
    pusher.publish("soc", [changed(things[3], confidence=10), changed(things[4], revoked=True), changed(things[5], revoked=True)])
    wait_for(lambda: len(siem.documents) == 1098, 30, "what is gone was not deleted")
    sent = siem.actions[before:]
    assert sorted(action for action, *_ in sent) == ["delete", "delete", "index"], "nothing but what has changed"
    confidence = {d["threat"]["indicator"]["name"]: d["threat"]["indicator"]["confidence"] for d in siem.documents.values()}
    assert confidence["host-3.bad.net"] == "Low" and confidence["host-6.bad.net"] == "High"
    # Rows must not be sent for looking at them.
    requests = len(siem.requests)
    time.sleep(3)
    assert len(siem.requests) == requests
    wait_for(lambda: pusher.audited("cert-a/push:es") >= 2, 10, "deliveries are not in the audit log")
    status = pusher.status("es")
    assert (status["waiting"], status["failures"], status["refused"], status["last_error"]) == (0, 0, 0, None)


def test_elastic_items_that_fail_are_sent_again_and_no_others(pusher):
    pusher.export("soc", "ecs")
    siem = pusher.elastic()
    busy = lambda action, document: 429 if int(document["threat"]["indicator"]["name"].split("-")[1].split(".")[0]) % 5 == 0 else None
    bad = lambda action, document: 400 if document["threat"]["indicator"]["name"] == "host-5.bad.net" else None
    siem.plan = [503]
    pusher.hub.start()
    pusher.publish("soc", domains(20))
    pusher.hub.stop()
    siem.plan = [busy, bad, "ok"]
    told = pusher.once("es", code=1)
    assert "429" in told["text"] and len(siem.documents) == 16
    told = pusher.once("es", code=1)
    assert (told["sent"], told["refused"]) == (3, 1), "those that were busy, but for the one that is refused"
    assert pusher.status("es")["refused"] == 1
    assert len(siem.actions) == 20 + 4
    told = pusher.once("es")
    assert told["sent"] == 1 and names(siem) == expected(*range(20)), "by hand it is tried again"
    assert pusher.once("es")["outcome"] == "unchanged"


def test_half_answers_and_broken_connections_repeat_one_batch(pusher):
    pusher.export("soc", "ecs")
    siem = pusher.elastic()
    pusher.hub.start()
    siem.plan = [503]
    pusher.publish("soc", domains(1100))
    pusher.hub.stop()
    siem.plan, siem.requests, siem.actions = ["ok", "half", "drop", "ok"], [], []
    pusher.once("es", code=1)
    pusher.once("es", code=1)
    assert pusher.status("es")["waiting"] == 600
    told = pusher.once("es")
    assert told["sent"] == 600 and names(siem) == expected(*range(1100))
    counts = {}
    for _, key, _ in siem.actions:
        counts[key] = counts.get(key, 0) + 1
    assert sorted(counts.values()) == [1] * 600 + [2] * 500, "the batch whose answer broke off, and nothing else"


def test_a_hub_that_is_killed_loses_nothing_and_repeats_one_batch(pusher):
    pusher.export("soc", "ecs")
    siem = pusher.elastic()
    siem.plan = [503]
    pusher.hub.start()
    pusher.publish("soc", domains(1600))
    pusher.hub.stop()
    siem.plan = ["ok", "hang", "ok"]
    # As if the operator had moved it: nothing is known of the target, and there is nothing to wait for.
    for path in (pusher.hub.dir / "exports/soc").glob(".push-*"):
        path.unlink()
    pusher.hub.start()
    wait_for(lambda: any(request["fate"] == "hang" for request in siem.requests), 30, "the second batch did not come")
    time.sleep(0.2)
    pusher.hub.kill()
    pusher.hub.start()
    wait_for(lambda: len(siem.documents) == 1600, 60, "something is lost")
    wait_for(lambda: pusher.status("es")["last_success"], 20, "the push is not complete")
    counts = {}
    for _, key, _ in siem.actions:
        counts[key] = counts.get(key, 0) + 1
    assert sum(counts.values()) == 2100 and max(counts.values()) == 2, "one batch twice, and nothing else"


def test_a_row_that_goes_while_its_answer_is_lost_is_deleted(pusher):
    """The hub does not know whether the target has it, so it must see to it that it has not."""
    pusher.export("soc", "ecs")
    siem = pusher.elastic()
    siem.plan = [503]
    pusher.hub.start()
    things = domains(3)
    pusher.publish("soc", things)
    wait_for(lambda: siem.requests, 20, "nothing was tried")
    pusher.hub.stop()
    siem.plan = ["half", "ok"]
    pusher.once("es", code=1)
    assert len(siem.documents) == 3
    siem.plan = [503]
    pusher.hub.start()
    pusher.publish("soc", [changed(things[0], revoked=True)])
    pusher.hub.stop()
    siem.plan = ["ok"]
    told = pusher.once("es")
    assert (told["sent"], told["deleted"]) == (2, 1) and names(siem) == expected(1, 2)


def test_backing_off_honours_retry_after_and_doubles(pusher):
    pusher.export("soc", "ecs")
    siem = pusher.elastic()
    siem.plan = [(429, {"Retry-After": "6"}), 503, 503, 503, "ok"]
    pusher.hub.start()
    pusher.publish("soc", domains(2))
    wait_for(lambda: len(siem.documents) == 2, 90, "it gave up")
    times = [request["time"] for request in siem.requests]
    waits = [later - earlier for earlier, later in zip(times, times[1:])]
    # Half of 4, 8 and 16 seconds at least; a look may come late, but not early.
    for wait, least, most in zip(waits, [6, 2, 4, 8], [8, 7, 11, 19]):
        assert least <= wait <= most, waits
    wait_for(lambda: pusher.status("es")["failures"] == 0, 5, "a success ends it")


def test_waiting_goes_on_after_a_restart_and_is_shown(pusher):
    pusher.export("soc", "ecs")
    siem = pusher.elastic()
    siem.plan = [(503, {"Retry-After": "600"})]
    pusher.hub.start()
    pusher.publish("soc", domains(2))
    wait_for(lambda: pusher.status("es")["failures"] == 1, 20, "no failure is shown")
    requests = len(siem.requests)
    pusher.hub.stop()
    pusher.hub.start()
    time.sleep(3)
    assert len(siem.requests) == requests, "a restart is no reason to hurry"
    status = pusher.status("es")
    assert "503" in status["last_error"] and status["waiting"] == 2 and status["next_try"] > (status["last_success"] or "")
    text = pusher.hub.on_hub("export", "list").stdout
    assert re.search("push es: .*complete.*, 2 rows wait, 1 failures, the last: .*503.*, next try ", text), text
    siem.plan = ["ok"]
    assert pusher.once("es")["sent"] == 2, "by hand it does not wait"


# Splunk


def test_splunk_gets_events_once(pusher):
    pusher.export("soc", "ecs")
    pusher.export("lines", "cef")
    siem = pusher.siem()
    target = dict(kind="splunk-hec", url=f"https://localhost:{siem.port}", ca=str(pusher.ca), token_file=pusher.token(), index="main")
    pusher.push(id="json", export="soc", **target)
    pusher.push(id="text", export="lines", **target)
    pusher.hub.start()
    things = domains(700)
    pusher.publish("soc", things)
    pusher.publish("lines", domains(3))
    wait_for(lambda: len(siem.events) == 703, 60, "not all events came")
    pusher.publish("soc", [changed(things[0], confidence=1), changed(things[1], revoked=True)])
    wait_for(lambda: len(siem.events) == 704, 30, "the change did not come")
    time.sleep(2)
    assert len(siem.events) == 704
    assert siem.requests[0]["path"] == "/services/collector/event"
    assert siem.requests[0]["headers"]["authorization"] == "Splunk s3cret-token"
    texts = [event["event"] for event in siem.events if event["source"] == "liaison:lines"]
    assert len(texts) == 3 and all(text.startswith("CEF:0|") for text in texts)
    documents = [event for event in siem.events if event["source"] == "liaison:soc"]
    assert all(event["sourcetype"] == "liaison:ecs" and event["index"] == "main" for event in documents)
    assert documents[0]["event"]["threat"]["indicator"]["name"].endswith(".bad.net")


def test_splunk_acknowledges_by_200_and_code_0_only(pusher):
    pusher.export("soc", "ecs")
    siem = pusher.siem()
    pusher.push(id="hec", export="soc", kind="splunk-hec", url=f"https://localhost:{siem.port}", ca=str(pusher.ca), token_file=pusher.token())
    siem.plan = [403]
    pusher.hub.start()
    pusher.publish("soc", domains(2))
    pusher.hub.stop()
    siem.collect = lambda body: {"text": "Server is busy", "code": 9}
    siem.plan = ["ok"]
    assert pusher.once("hec", code=1)["outcome"] == "failed"
    del siem.collect
    assert pusher.once("hec")["sent"] == 2 and len(siem.events) == 2


# Syslog


def test_syslog_gets_counted_messages_and_a_batch_counts_once_its_end_is_answered(pusher):
    pusher.export("soc", "cef")
    receiver = pusher.syslog()
    pusher.push(id="sys", export="soc", kind="syslog", address=f"localhost:{receiver.port}", ca=str(pusher.ca))
    pusher.hub.start()
    pusher.publish("soc", domains(700, name="zwölf = 12"))
    wait_for(lambda: len(set(receiver.messages)) >= 700, 60, "not all messages came")
    matched = [SYSLOG.fullmatch(message) for message in receiver.messages]
    assert all(match and match[1] == "localhost" and match[2] == "soc" and match[3].startswith("CEF:0|") for match in matched)
    assert len({match[3] for match in matched}) == len(matched) == 700, "each once"
    pusher.hub.stop()
    receiver.plan, receiver.messages = ["half", "cut", "ok"], []
    pusher.hub.start()
    pusher.publish("soc", domains(5, start=700))
    wait_for(lambda: pusher.status("sys")["last_error"], 20, "an end without answer is no failure")
    wait_for(lambda: pusher.status("sys")["waiting"] == 0 and not pusher.status("sys")["last_error"], 30, "not tried again")
    texts = [SYSLOG.fullmatch(message)[3] for message in receiver.messages]
    assert len(set(texts)) == 5 and len(texts) == 10, "the batch of the cut connection twice"


# Program


def test_a_program_gets_whole_files_and_is_told_again_until_it_ends_well(pusher):
    pusher.export("soc", "list")
    target = pusher.folder / "target"
    script = pusher.folder / "hook"
    script.write_text(
        '#!/bin/sh\nset -e\ncd "$LIAISON_EXPORT_DIR"\nsha256sum -c --quiet soc.txt.sha256\n'
        f'echo "$# $1 $LIAISON_EXPORT_NAME $LIAISON_EXPORT_ROWS" >> {pusher.folder}/told\n'
        f'test -e {pusher.folder}/good || exit 3\n'
    )
    script.chmod(0o755)
    pusher.push(id="dns", export="soc", kind="command", dir=str(target), command=[str(script), "a b; touch c"], time_limit="10s")
    pusher.hub.start()
    pusher.publish("soc", domains(4))
    wait_for(lambda: pusher.status("dns")["failures"] >= 1, 20, "a failure is not shown")
    assert "3" in pusher.status("dns")["last_error"]
    (pusher.folder / "good").touch()
    wait_for(lambda: pusher.status("dns")["last_success"], 30, "it was not tried again")
    wait_for(lambda: "soc 4" in (pusher.folder / "told").read_text().splitlines()[-1], 30, "not told of all rows")
    lines = (pusher.folder / "told").read_text().splitlines()
    assert len(lines) >= 2 and all(line.startswith("1 a b; touch c soc ") for line in lines)
    assert sorted(line for line in (target / "soc.txt").read_text().splitlines() if not line.startswith("#")) == expected(*range(4))
    assert {path.name for path in target.iterdir()} == {"soc.txt", "soc.txt.sha256", "soc.meta.json"}
    time.sleep(2.5)
    assert len((pusher.folder / "told").read_text().splitlines()) == len(lines), "told once for each change"


# What is refused


def test_targets_without_tls_or_with_another_certificate_get_nothing(pusher, binary, tmp_path):
    pusher.export("soc", "ecs")
    siem = pusher.siem()
    (tmp_path / "other").mkdir()
    other = Hub(binary, tmp_path / "other")
    pusher.push(id="es", export="soc", kind="elastic", url=f"https://localhost:{siem.port}", ca=other.ca, index="ti")
    pusher.export("lines", "cef")
    syslog = pusher.syslog()
    pusher.push(id="sys", export="lines", kind="syslog", address=f"localhost:{syslog.port}", ca=other.ca)
    pusher.hub.start()
    pusher.publish("soc", domains(1))
    pusher.publish("lines", domains(1))
    for push in ("es", "sys"):
        wait_for(lambda: "certificate" in (pusher.status(push)["last_error"] or ""), 20, f"{push} trusted a stranger")
    assert not siem.requests and not syslog.messages
    assert pusher.status("es")["waiting"] == 1


@pytest.mark.parametrize("keys, words", [
    (dict(kind="elastic", url="http://siem.example:9200", index="i"), "loopback"),
    (dict(kind="splunk-hec", url="http://10.0.0.1:8088", token_file="TOKEN"), "loopback"),
    (dict(kind="elastic", url="https://siem.example:9200", index="i"), "ca:"),
    (dict(kind="elastic", url="https://u:pw@siem.example", index="i", ca="CA"), "token_file"),
    (dict(kind="elastic", url="https://siem.example", ca="CA"), "index is missing"),
    (dict(kind="splunk-hec", url="https://siem.example", ca="CA"), "token_file is missing"),
    (dict(kind="splunk-hec", url="https://siem.example", ca="CA", token_file="OPEN"), "chmod 600"),
    (dict(kind="syslog", address="siem.example"), "TLS only"),
    (dict(kind="syslog", address="siem.example", ca="CA", index="x"), "no use for index"),
    (dict(kind="command", dir="d", command=["reload"]), "/PATH"),
    (dict(kind="syslog", address="siem.example", ca="CA", colour="red"), "colour"),
    (dict(kind="syslog", address="siem.example", ca="/nowhere"), "/nowhere"),
])
def test_what_a_push_must_not_be_is_told_at_the_start(pusher, keys, words):
    paths = {"CA": str(pusher.ca), "TOKEN": pusher.token()}
    (pusher.folder / "open").write_text("t")
    (pusher.folder / "open").chmod(0o644)
    paths["OPEN"] = str(pusher.folder / "open")
    pusher.push(id="p", export="soc", **{key: paths.get(value, value) if isinstance(value, str) else value for key, value in keys.items()})
    for command in (["serve"], ["export", "push", "--all"]):
        ran = pusher.hub.on_hub(*command, timeout=20)
        assert ran.returncode == 64 and words in ran.stderr, ran.stderr
    assert "s3cret" not in ran.stderr


def test_plain_http_to_this_machine_and_formats_that_have_no_rows(pusher):
    pusher.export("soc", "ecs")
    pusher.export("rules", "suricata")
    pusher.export("lines", "cef")
    siem = pusher.siem(tls=False)
    local = dict(kind="elastic", url=f"http://127.0.0.1:{siem.port}", index="i")
    pusher.push(id="es", export="soc", **local)
    pusher.push(id="rules", export="rules", **local)
    pusher.push(id="lines", export="lines", **local)
    pusher.push(id="none", export="nothing", **local)
    pusher.hub.start()
    pusher.publish("soc", domains(2))
    wait_for(lambda: len(siem.documents) == 2, 20, "no documents over loopback")
    pusher.hub.stop()
    tried = pusher.hub.on_hub("export", "push", "--all", "--dry-run", "--json")
    told = {found["push"]: found for found in json.loads(tried.stdout)}
    assert tried.returncode == 1 and told["es"]["changed"] == 0
    assert "no line for each row" in told["rules"]["text"] and "no export `nothing`" in told["none"]["text"]
    assert "ecs, idea" in pusher.once("lines", code=1)["text"]
    assert pusher.hub.on_hub("export", "push", "unknown").returncode == 1
