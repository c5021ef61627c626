"""How fresh is what is shared, and who stays away: in `liaison status`, in the log, and in metrics, which Prometheus'
own parser reads."""

import subprocess
import time
import urllib.request

from conftest import indicator, to_toml, wait_for
from prometheus_client.parser import text_string_to_metric_families


def metrics(hub):
    """Every sample by its name and labels; of histograms the classes too."""
    with urllib.request.urlopen(f"http://127.0.0.1:{hub.admin_port}/metrics", timeout=5) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = list(text_string_to_metric_families(answer.read().decode()))
    assert all(family.documentation and family.type in ("gauge", "counter", "histogram") for family in families)
    return {(sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples}


def delay(hub, name, organisation):
    """Count, sum and the classes of a histogram of delays."""
    found, label = metrics(hub), ("organisation", organisation)
    classes = {
        float(dict(key[1:])["le"]): value
        for key, value in found.items()
        if key[0] == f"liaison_{name}_delay_seconds_bucket" and label in key[1:]
    }
    return found.get((f"liaison_{name}_delay_seconds_count", label), 0), found.get((f"liaison_{name}_delay_seconds_sum", label), 0), classes


def client(hub, name):
    (found,) = [found for found in hub.status()["clients"] if found["client"] == name]
    return found


def organisation(hub, name):
    return next((found for found in hub.status()["organisations"] if found["organisation"] == name), None)


def old(seconds, **more):
    """Made so long ago."""
    then = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - seconds))
    return indicator(**more) | {"created": then, "modified": then, "valid_from": then}


def moved(faketime, by):
    """What `faketime` sets for a program, which it would be the parent of."""
    told = subprocess.run([faketime, "-f", by, "env"], capture_output=True, text=True, check=True).stdout
    both = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
    return {name: both[name] for name in ("LD_PRELOAD", "FAKETIME")}


def test_what_is_sent_and_fetched_is_measured(hub):
    hub.fetch(*READER)
    hub.post([old(100), old(4_000), old(4_000)])
    assert delay(hub, "fetch", "cert-b")[0] == 0
    time.sleep(2.1)
    hub.fetch(*READER)
    count, total, classes = delay(hub, "publish", "cert-a")
    assert count == 3 and 8_100 <= total <= 8_110
    assert (classes[60], classes[120], classes[3_600], classes[7_200], classes[float("inf")]) == (0, 1, 1, 3, 3)
    count, total, classes = delay(hub, "fetch", "cert-b")
    assert count == 3 and 6 <= total <= 30 and classes[1] == 0 and classes[15] == 3
    hub.fetch(*READER)
    hub.fetch(*READER, **{"match[type]": "indicator"})
    assert delay(hub, "fetch", "cert-b")[0] == 3, "only the first fetch counts"
    told = organisation(hub, "cert-b")
    assert told["fetched"] == {"versions": 3, "half_within_secs": 5, "most_within_secs": 5} and told["sent"]["versions"] == 0
    assert organisation(hub, "cert-a")["sent"] == {"versions": 3, "half_within_secs": 7_200, "most_within_secs": 7_200}
    text = hub.on_hub("status", "--set", f"admin.listen=127.0.0.1:{hub.admin_port}").stdout
    assert "organisation cert-b: sent nothing; fetched 3 versions, half within 5s of being added, nine tenths within 5s" in text, text


def test_what_was_there_before_an_organisation_came_is_not_late_for_it(hub):
    hub.post([old(10), old(10)])
    time.sleep(1.1)
    hub.fetch(*READER)
    assert delay(hub, "fetch", "cert-b") == (0, 0, {})
    hub.post([old(10)])
    hub.fetch(*READER)
    assert delay(hub, "fetch", "cert-b")[0] == 1
    # Another look at one object is no fetch of what is new.
    hub.stop()
    hub.start()
    hub.fetch(*READER)
    assert delay(hub, "fetch", "cert-b")[0] == 0, "how far it had come outlasts a restart"
    hub.post([old(10)])
    hub.fetch(*READER)
    assert delay(hub, "fetch", "cert-b")[0] == 1


def test_who_has_not_polled_for_three_intervals_is_reported(make_hub, tool):
    faketime = tool("faketime")
    hub = make_hub(start=False)
    registry = hub.registry()
    for part in registry["organisation"]:
        for one in part["client"]:
            if (part["id"], one["id"]) == READER:
                one["poll_minutes"] = 15
    hub.apply(registry)
    hub.start()
    assert client(hub, NAME) == {"client": NAME, "last_polled": None, "interval_secs": 900, "late": False}
    hub.fetch(*READER)
    polled = client(hub, NAME)["last_polled"]
    hub.stop()
    for later, late in (("+44m", False), ("+47m", True)):
        hub.more_environment = moved(faketime, later)
        hub.start()
        assert client(hub, NAME) == {"client": NAME, "last_polled": polled, "interval_secs": 900, "late": late}
        assert metrics(hub)[("liaison_client_late", ("client", NAME))] == float(late)
        if not late:
            hub.stop()
    wait_for(lambda: "has not polled for three of its intervals" in hub.log(), 15, "the log does not tell")
    (line,) = [line for line in hub.log().splitlines() if "has not polled" in line]
    assert "WARN" in line and NAME in line and polled in line and "900" in line, line
    text = hub.on_hub("status", "--set", f"admin.listen=127.0.0.1:{hub.admin_port}").stdout
    assert f"client {NAME}: last polled {polled}, every 15m; LATE: not for three of its intervals" in text, text
    hub.fetch(*READER)
    assert not client(hub, NAME)["late"]
    wait_for(lambda: "polls again" in hub.log(), 15, "the log does not tell that it is back")
    assert metrics(hub)[("liaison_client_late", ("client", NAME))] == 0.0


def test_an_interval_of_no_minutes_is_refused(hub):
    registry = hub.registry()
    registry["organisation"][0]["client"][0]["poll_minutes"] = 0
    path = hub.dir / "wrong.toml"
    path.write_text(to_toml(registry))
    told = hub.on_hub("registry", "plan", path)
    assert told.returncode == 65 and "poll_minutes must be 1 or more" in told.stderr, told.stderr


def test_metrics_tell_of_the_server_its_collections_and_jobs(hub):
    hub.post([old(1)])
    found = metrics(hub)
    assert found[("liaison_writable",)] == 1.0
    assert abs(found[("liaison_start_time_seconds",)] - time.time()) < 60
    assert found[("liaison_certificate_expiry_time_seconds",)] > time.time() + 86_400
    assert found[("liaison_crl_expiry_time_seconds",)] > time.time()
    assert found[("liaison_objects", ("collection", hub.collection))] == 1.0
    assert abs(found[("liaison_last_added_time_seconds", ("collection", hub.collection))] - time.time()) < 60


READER = ("cert-b", "siem")
NAME = "cert-b/siem"
