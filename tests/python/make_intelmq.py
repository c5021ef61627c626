"""Writes events as IntelMQ makes them: the input of a test of `submission::intelmq`."""

import sys
from pathlib import Path

from intelmq.lib.message import Event

EVENTS = [
    {
        "classification.type": "c2-server", "classification.identifier": "examplerat", "source.ip": "198.51.100.7",
        "source.port": 443, "source.asn": 64496, "source.network": "198.51.100.0/24", "source.geolocation.cc": "ZZ",
        "time.source": "2026-11-23T06:00:00+00:00", "feed.accuracy": 80, "feed.name": "feed-a", "feed.provider": "CERT-Example",
        "event_description.text": "answers on port 443", "event_description.url": "https://press.example/c2", "tlp": "AMBER",
        "destination.ip": "192.0.2.1", "malware.name": "examplerat",
    },
    {
        "classification.type": "phishing", "source.url": "http://login.evil.example/bank", "source.fqdn": "login.evil.example",
        "time.source": "2026-11-23 07:00:00+01:00", "tlp": "GREEN",
    },
    {"classification.type": "malware-distribution", "source.fqdn": "drop.evil.example", "malware.hash.sha256": "a" * 64},
    {"classification.type": "undetermined", "destination.fqdn": "victim.example"},
]


def main(directory):
    lines = []
    for fields in EVENTS:
        event = Event()
        for key, value in fields.items():
            event.add(key, value)
        event.add("time.observation", "2026-11-23T08:00:00+00:00")
        lines.append(event.to_json(hierarchical=False, with_type=True))
        lines.append(event.to_json(hierarchical=True))
    (Path(directory) / "events.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
