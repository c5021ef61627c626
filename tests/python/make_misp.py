"""Writes events as PyMISP makes them: the inputs of the tests of `submission::misp`."""

import json
import sys
from pathlib import Path

from pymisp import MISPAttribute, MISPEvent, MISPObject, MISPOrganisation

MD5 = "d41d8cd98f00b204e9800998ecf8427e"
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
SHA512 = "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

# type, value, to_ids
ATTRIBUTES = [
    ("ip-src", "198.51.100.7", True),
    ("ip-dst", "203.0.113.0/24", True),
    ("ip-dst", "2001:db8::66", True),
    ("ip-dst|port", "198.51.100.8|443", True),
    ("domain", "evil.example", True),
    ("hostname", "c2.evil.example", True),
    ("domain|ip", "pair.evil.example|198.51.100.9", True),
    ("hostname|port", "gate.evil.example|8443", True),
    ("url", "http://c2.evil.example/gate.php", True),
    ("uri", "http://c2.evil.example/uri", True),
    ("email", "a@bad-login.example", True),
    ("email-src", "ceo@bad-login.example", True),
    ("email-dst", "cfo@bad-login.example", False),
    ("email-reply-to", "reply@bad-login.example", True),
    ("md5", MD5, True),
    ("sha1", SHA1, True),
    ("sha256", SHA256, True),
    ("sha512", SHA512, True),
    ("ssdeep", "96:s4Ud1Lj96tHHlZDrwciQmA+4uy1I0G4HYuL8N3TzS8QsO/wqWXLcMSx:s4U", True),
    ("filename", "invoice.exe", True),
    ("filename|sha256", "dropper.exe|" + "a" * 64, True),
    ("malware-sample", "sample.exe|" + "b" * 32, True),
    ("x509-fingerprint-sha1", "c" * 40, True),
    ("x509-fingerprint-md5", "d" * 32, True),
    ("x509-fingerprint-sha256", "e" * 64, True),
    ("AS", "AS64496", False),
    ("mac-address", "00:00:5E:00:53:01", False),
    ("mutex", "Global\\evil-mutex", True),
    ("regkey", "HKLM\\Software\\Evil", True),
    ("regkey|value", "HKCU\\Software\\Run|evil.exe", True),
    ("user-agent", "Evil/1.0 (it's)", True),
    ("iban", "GB33BUKB20201555555555", True),
    ("btc", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", True),
    ("xmr", "4" + "A" * 94, True),
    ("dash", "X" + "c" * 33, True),
    ("phone-number", "+15555550100", True),
    ("vulnerability", "CVE-2026-1234", False),
    ("link", "https://press.example/report", False),
    ("yara", "rule x { condition: true }", True),
    ("target-email", "victim@alphaland.example", False),
    ("text", "some words", False),
    ("imphash", "f" * 32, True),
    ("comment", "a note", False),
]


def event():
    made = MISPEvent()
    made.info = "Wave 7 against ports"
    made.set_date("2026-11-23")
    made.timestamp = 1795413600
    made.Orgc = MISPOrganisation()
    made.Orgc.from_dict(name="CERT-Example", uuid="55f6ea5e-2c60-40e5-964f-47a8950d210f")
    made.add_tag("tlp:amber")
    made.add_tag('rsit:malicious-code="c2-server"')
    made.add_tag('misp:confidence-level="usually-confident"')
    made.add_tag('misp-galaxy:threat-actor="Example Bear"')
    for kind, value, to_ids in ATTRIBUTES:
        made.add_attribute(kind, value, to_ids=to_ids, comment=f"from {kind}", disable_correlation=True)
    strict = made.add_attribute("domain", "strict.evil.example", to_ids=True)
    strict.add_tag("tlp:amber+strict")
    strict.add_tag("PAP:RED")
    strict.add_tag('admiralty-scale:information-credibility="3"')
    strict.first_seen = "2026-11-01T10:00:00.123456+02:00"
    strict.last_seen = "2026-12-01T10:00:00+00:00"
    past = made.add_attribute("domain", "past.evil.example", to_ids=True)
    past.first_seen = "2026-10-01T00:00:00+00:00"
    past.last_seen = "2026-10-02T00:00:00+00:00"
    gone = made.add_attribute("domain", "gone.evil.example", to_ids=True)
    gone.delete()
    file = MISPObject("file")
    file.comment = "the dropper"
    file.add_attribute("filename", value="object.exe", to_ids=False)
    file.add_attribute("md5", value="1" * 32)
    file.add_attribute("size-in-bytes", value="4096")
    made.add_object(file)
    section = MISPObject("pe-section")
    section.add_attribute("md5", value="2" * 32)
    made.add_object(section)
    pair = MISPObject("domain-ip")
    pair.add_attribute("domain", value="object.evil.example")
    pair.add_attribute("ip", value="198.51.100.99")
    made.add_object(pair)
    made.add_event_report("What happened", "Words about wave 7.\nMore words.")
    return made


def main(directory):
    directory = Path(directory)
    made = event()
    wrapped = json.loads(made.to_json())
    wrapped = wrapped.get("Event", wrapped)
    (directory / "event.json").write_text(json.dumps({"Event": wrapped}, indent=1))
    (directory / "bare.json").write_text(made.to_json())
    (directory / "response.json").write_text(json.dumps({"response": [{"Event": wrapped}]}))
    (directory / "feed.json").write_text(json.dumps(made.to_feed(with_meta=False)))
    # PyMISP reads its own again.
    again = MISPEvent()
    again.load_file(directory / "event.json")
    assert len(again.attributes) == len(made.attributes)
    assert all(isinstance(one, MISPAttribute) for one in again.attributes)


if __name__ == "__main__":
    main(sys.argv[1])
