"""Objects of STIX 2.0, made with the classes of python-stix2 and so valid 2.0: src/sync/elevate/stix20.jsonl.

Needs: pip install stix2. Every type of 2.0, every observable with every property, every predefined extension, and
what real feeds do: custom properties and types, labels outside the vocabularies, markings of parts.
"""
import json
import uuid

import stix2.v20 as v20
from stix2 import properties as p

TIMES = {"created": "2017-03-01T10:00:00.000Z", "modified": "2017-03-02T11:30:00.123Z"}
TLP_RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
TLP_AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
MD5, SHA1, SHA256, SHA512 = "a" * 32, "b" * 40, "c" * 64, "d" * 128
out = []
count = {}


def new_id(kind):
    count[kind] = count.get(kind, 0) + 1
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"https://example.com/{kind}/{count[kind]}").bytes
    return f"{kind}--{uuid.UUID(bytes=name, version=4)}"


def add(cls, **given):
    kind = cls._type
    made = cls(id=new_id(kind), **{**TIMES, **given})
    out.append(json.loads(made.serialize()))
    return made.id


KCP = [{"kill_chain_name": "lockheed-martin-cyber-kill-chain", "phase_name": "delivery"}]
REFS = [{"source_name": "example", "description": "A report", "url": "https://example.com/report.pdf",
         "hashes": {"SHA-256": SHA256}, "external_id": "R-1"}]

# Markings
out.append(json.loads(v20.TLP_WHITE.serialize()))
out.append(json.loads(v20.TLP_RED.serialize()))
statement = v20.MarkingDefinition(id=new_id("marking-definition"), created="2017-03-01T10:00:00Z",
                                  definition_type="statement", definition={"statement": "Copyright 2017, Example"})
out.append(json.loads(statement.serialize()))
cert = add(v20.Identity, name="CERT Example", identity_class="organization", sectors=["defence", "energy"],
           labels=["national-cert", "tlp:green"], contact_information="cert@example.com", object_marking_refs=[statement.id])
out.append(json.loads(v20.MarkingDefinition(
    id=new_id("marking-definition"), created="2017-03-01T10:00:00.5Z", created_by_ref=cert,
    definition_type="statement", definition={"statement": "By hand"}, object_marking_refs=[TLP_AMBER],
    external_references=REFS).serialize()))
victim = add(v20.Identity, name="A bank", identity_class="class", sectors=["financial-services"], created_by_ref=cert)
add(v20.Identity, name="Nobody", identity_class="unknown", description="x", external_references=REFS)

# Domain objects
attack = add(v20.AttackPattern, name="Spear phishing", description="By mail", kill_chain_phases=KCP, labels=["mail"],
             external_references=[{"source_name": "capec", "external_id": "CAPEC-163"}], created_by_ref=cert)
add(v20.AttackPattern, name="Plain")
campaign = add(v20.Campaign, name="Green", aliases=["G"], first_seen="2016-01-08T12:50:40.123Z",
               last_seen="2016-02-08T12:50:40Z", objective="Money")
course = add(v20.CourseOfAction, name="Close port", description="Close 445", revoked=True)
add(v20.CourseOfAction, name="Patch", created_by_ref=cert, object_marking_refs=[TLP_AMBER])
intrusion = add(v20.IntrusionSet, name="Bobcat", aliases=["Z"], first_seen="2016-04-06T20:03:48Z",
                last_seen="2017-04-06T20:03:48Z", goals=["acquisition-theft"], resource_level="government",
                primary_motivation="organizational-gain", secondary_motivations=["dominance"])
malware = add(v20.Malware, name="Cryptolocker", labels=["ransomware"], kill_chain_phases=KCP, description="Locks")
add(v20.Malware, name="Many", labels=["ransomware", "in-the-wild", "worm"], granular_markings=[
    {"marking_ref": TLP_RED, "selectors": ["labels.[1]"]}, {"marking_ref": TLP_AMBER, "selectors": ["labels.[2]", "name"]},
    {"marking_ref": TLP_RED, "selectors": ["labels"]}])
add(v20.Malware, name="Odd", labels=["banker"], external_references=REFS)
add(v20.Malware, name="Newer word", labels=["webshell"])
actor = add(v20.ThreatActor, name="Evil Org", labels=["crime-syndicate", "east"], aliases=["Syndicate 1"],
            roles=["director", "malware-author"], goals=["Steal"], sophistication="advanced", resource_level="team",
            primary_motivation="personal-gain", secondary_motivations=["notoriety"], personal_motivations=["revenge"])
add(v20.ThreatActor, name="Spy", labels=["spy"])
tool = add(v20.Tool, name="VNC", labels=["remote-access"], tool_version="3.1", kill_chain_phases=KCP)
add(v20.Tool, name="Own", labels=["in-house"], description="d")
vulnerability = add(v20.Vulnerability, name="CVE-2016-1234", external_references=[
    {"source_name": "cve", "external_id": "CVE-2016-1234"}], labels=["remote"])

# Indicators
PATTERNS = [
    "[file:hashes.'SHA-256' = '%s']" % SHA256,
    "[file:hashes.MD5 = '%s'] START t'2016-06-01T00:00:00Z' STOP t'2016-07-01T00:00:00.5Z'" % MD5,
    "([ipv4-addr:value = '198.51.100.1' OR ipv4-addr:value ISSUBSET '203.0.113.0/24']) FOLLOWEDBY "
    "[domain-name:value LIKE '%.example.com'] WITHIN 600 SECONDS",
    "[process:name = 'evil.exe' AND process:binary_ref.name != 'good.exe']",
    "[process:arguments[0] = '-x'] REPEATS 3 TIMES",
    "[file:created > t'2016-01-01T00:00:00Z' AND file:parent_directory_ref.modified < t'2017-01-01T00:00:00Z']",
    "[file:extensions.'archive-ext'.version = '5' AND file:is_encrypted = true]",
    "[user-account:password_last_changed = t'2016-01-01T00:00:00Z' OR windows-registry-key:modified = t'2016-01-01T00:00:00Z']",
    "[email-message:from_ref.value MATCHES '.+\\\\@example\\\\.com$' AND email-message:body_multipart[*].body_raw_ref.name = 'START \\'x\\'']",
    "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:extensions.'socket-ext'.protocol_family = 'PF_INET']",
    "[x-example-thing:created = 'process:name' OR windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\\\\\START']",
    "[file:hashes.ssdeep = '96:s4Ud1Lj:s4I']",
    "[process:parent_ref.name IN ('a', 'b') AND process:created = t'2016-01-01T00:00:00Z']",
]
indicators = [add(v20.Indicator, labels=["malicious-activity"], pattern=pattern, valid_from="2016-01-01T00:00:00Z")
              for pattern in PATTERNS]
# As the text of 2.0 has it, and the grammar of stix2-patterns has not: plain strings.
out.append({**out[-len(PATTERNS) + 1], "id": new_id("indicator"),
            "pattern": out[-len(PATTERNS) + 1]["pattern"].replace("t'", "'")})
add(v20.Indicator, name="All", description="Every property", labels=["anomalous-activity", "watch", "benign"],
    pattern="[url:value = 'http://example.com/x']", valid_from="2016-01-01T00:00:00Z", valid_until="2017-01-01T00:00:00Z",
    kill_chain_phases=KCP, created_by_ref=cert, external_references=REFS, object_marking_refs=[TLP_AMBER, statement.id],
    granular_markings=[{"marking_ref": TLP_RED, "selectors": ["pattern", "labels.[0]"]}])
add(v20.Indicator, labels=["x"], pattern="[mutex:name = 'm']", valid_from="2016-01-01T00:00:00Z", allow_custom=True,
    x_example_score=7, x_example_more={"a": ["b"]})

# Observables
OBSERVED = {"first_observed": "2015-12-21T19:00:00Z", "last_observed": "2015-12-21T19:00:00Z", "number_observed": 5}


def observe(objects, granular_markings=None, **more):
    """python-stix2 cannot follow selectors into observables, so these markings are added afterwards."""
    made = add(v20.ObservedData, **{**OBSERVED, "objects": objects, **more})
    if granular_markings:
        out[-1]["granular_markings"] = granular_markings
    return made


FILE_TIMES = {"created": "2016-12-21T19:00:00Z", "modified": "2016-12-24T19:00:00Z", "accessed": "2016-12-21T20:00:00Z"}
observed = observe({"0": {"type": "file", "name": "foo.exe", "hashes": {"SHA-256": SHA256, "ssdeep": "96:s4Ud1Lj:s4I"}, "size": 100,
                          "name_enc": "UTF-8", "magic_number_hex": "4d5a", "mime_type": "application/octet-stream",
                          **FILE_TIMES, "parent_directory_ref": "1", "is_encrypted": True,
                          "encryption_algorithm": "AES128-CBC", "decryption_key": "fred", "content_ref": "2", "contains_refs": ["3"]},
                    "1": {"type": "directory", "path": "C:\\Windows", "path_enc": "UTF-8", **FILE_TIMES, "contains_refs": ["0"]},
                    "2": {"type": "artifact", "mime_type": "image/jpeg", "payload_bin": "VGVzdA=="},
                    "3": {"type": "file", "name": "inner"}},
                   created_by_ref=cert, object_marking_refs=[TLP_AMBER], granular_markings=[
                       {"marking_ref": TLP_RED, "selectors": ["objects.0.created", "objects.0.hashes.ssdeep", "number_observed"]},
                       {"marking_ref": TLP_RED, "selectors": ["objects.3"]}])
observe({"0": {"type": "artifact", "url": "https://example.com/a", "hashes": {"MD5": MD5}, "mime_type": "text/plain"}})
observe({"0": {"type": "file", "name": "a.zip", "extensions": {"archive-ext": {"contains_refs": ["1", "2"], "version": "5.0", "comment": "c"}}},
         "1": {"type": "file", "hashes": {"MD5": MD5}}, "2": {"type": "file", "hashes": {"MD5": MD5}, "size": 3}},
        granular_markings=[{"marking_ref": TLP_AMBER, "selectors": ["objects.0.extensions.archive-ext.version"]}])
observe({"0": {"type": "file", "name": "a", "extensions": {"ntfs-ext": {"sid": "1234567", "alternate_data_streams": [
    {"name": "second.stream", "size": 25536, "hashes": {"SHA-1": SHA1}}]}}}})
observe({"0": {"type": "file", "name": "a.pdf", "extensions": {"pdf-ext": {"version": "1.7", "is_optimized": False, "document_info_dict": {
    "Title": "Sample", "Author": "A"}, "pdfid0": "DFCE52BD827ECF765649852119D", "pdfid1": "57A1E0F9ED2AE523E313C"}}}})
observe({"0": {"type": "file", "name": "a.jpg", "extensions": {"raster-image-ext": {"image_height": 10, "image_width": 20, "bits_per_pixel": 8,
         "image_compression_algorithm": "jpeg", "exif_tags": {"Make": "Nikon", "XResolution": 4928}}}}})
observe({"0": {"type": "file", "name": "a.exe", "extensions": {"windows-pebinary-ext": {
    "pe_type": "exe", "imphash": "x", "machine_hex": "014c", "number_of_sections": 4, "time_date_stamp": "2016-01-22T12:31:12Z",
    "pointer_to_symbol_table_hex": "74726144", "number_of_symbols": 4542568, "size_of_optional_header": 224, "characteristics_hex": "818f",
    "file_header_hashes": {"MD5": MD5}, "optional_header": {"magic_hex": "010b", "major_linker_version": 2, "size_of_code": 512,
                                                           "checksum_hex": "00000000", "hashes": {"SHA-1": SHA1}},
    "sections": [{"name": "CODE", "entropy": 0.061089, "size": 5, "hashes": {"SHA-512": SHA512}}]}}}})
observe({"0": {"type": "ipv4-addr", "value": "198.51.100.2", "resolves_to_refs": ["1"], "belongs_to_refs": ["2"]},
         "1": {"type": "mac-addr", "value": "d2:fb:49:24:37:18"},
         "2": {"type": "autonomous-system", "number": 15139, "name": "Slime", "rir": "ARIN"}})
observe({"0": {"type": "ipv6-addr", "value": "2001:db8::1", "resolves_to_refs": ["1"]}, "1": {"type": "mac-addr", "value": "d2:fb:49:24:37:19"}})
observe({"0": {"type": "domain-name", "value": "example.com", "resolves_to_refs": ["1", "2"]}, "1": {"type": "ipv4-addr", "value": "198.51.100.3"},
         "2": {"type": "domain-name", "value": "www.example.com"}})
observe({"0": {"type": "email-addr", "value": "john@example.com", "display_name": "John", "belongs_to_ref": "1"},
         "1": {"type": "user-account", "user_id": "1001", "account_login": "jdoe", "account_type": "unix", "display_name": "John",
               "is_service_account": False, "is_privileged": False, "can_escalate_privs": True, "is_disabled": False,
               "account_created": "2016-01-20T12:31:12Z", "account_expires": "2018-01-20T12:31:12Z", "password_last_changed": "2016-01-20T14:27:43Z",
               "account_first_login": "2016-01-20T14:26:07Z", "account_last_login": "2016-07-22T16:08:28Z",
               "extensions": {"unix-account-ext": {"gid": 1001, "groups": ["wheel"], "home_dir": "/home/jdoe", "shell": "/bin/bash"}}}},
        granular_markings=[{"marking_ref": TLP_AMBER, "selectors": ["objects.1.password_last_changed"]}])
observe({"0": {"type": "email-message", "is_multipart": True, "date": "2016-06-19T14:20:40.000Z", "content_type": "multipart/mixed",
               "from_ref": "1", "sender_ref": "1", "to_refs": ["2"], "cc_refs": ["2"], "bcc_refs": ["2"], "subject": "Check this",
               "received_lines": ["from mail.example.com"], "additional_header_fields": {"Content-Disposition": "inline", "X-Mailer": "Mutt/1.5.23",
                                                                                   "Reply-To": ["a@example.com", "b@example.com"]},
               "body_multipart": [{"content_type": "text/plain; charset=utf-8", "content_disposition": "inline", "body": "Cats"},
                                  {"content_type": "image/png", "content_disposition": "attachment; filename=\"t.png\"", "body_raw_ref": "3"},
                                  {"content_type": "application/zip", "body_raw_ref": "4"}], "raw_email_ref": "3"},
         "1": {"type": "email-addr", "value": "a@example.com"}, "2": {"type": "email-addr", "value": "b@example.com"},
         "3": {"type": "artifact", "mime_type": "image/png", "payload_bin": "iVBORw0KGgo="}, "4": {"type": "file", "name": "t.zip"}})
observe({"0": {"type": "email-message", "is_multipart": False, "body": "hello", "subject": "s"}})
observe({"0": {"type": "mutex", "name": "__CLEANSWEEP__"}, "1": {"type": "url", "value": "https://example.com/research/index.html"},
         "2": {"type": "software", "name": "Word", "cpe": "cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*", "languages": ["eng", "fra"],
               "version": "2002", "vendor": "Microsoft"}}, object_marking_refs=[TLP_RED])
observe({"0": {"type": "ipv4-addr", "value": "198.51.100.2"}, "1": {"type": "ipv4-addr", "value": "203.0.113.1"},
         "2": {"type": "network-traffic", "start": "2016-06-01T00:00:00Z", "end": "2016-06-01T00:01:00Z", "is_active": False, "src_ref": "0",
               "dst_ref": "1", "src_port": 24678, "dst_port": 80, "protocols": ["ipv4", "tcp", "http"], "src_byte_count": 35779,
               "dst_byte_count": 935750, "src_packets": 35, "dst_packets": 46, "ipfix": {"minimumIpTotalLength": 32},
               "src_payload_ref": "3", "dst_payload_ref": "3", "encapsulates_refs": ["4"],
               "extensions": {"http-request-ext": {"request_method": "get", "request_value": "/download.html", "request_version": "http/1.1",
                                                   "request_header": {"Accept-Encoding": "gzip,deflate", "Host": "www.example.com"},
                                                   "message_body_length": 4, "message_body_data_ref": "3"},
                              "tcp-ext": {"src_flags_hex": "00000002"}}},
         "3": {"type": "artifact", "payload_bin": "VGVzdA=="},
         "4": {"type": "network-traffic", "src_ref": "0", "protocols": ["dns"], "encapsulates_by_ref": "2"}})
observe({"0": {"type": "ipv4-addr", "value": "198.51.100.9"},
         "1": {"type": "network-traffic", "src_ref": "0", "protocols": ["icmp"], "extensions": {"icmp-ext": {"icmp_type_hex": "08", "icmp_code_hex": "00"}}},
         "2": {"type": "network-traffic", "dst_ref": "0", "protocols": ["tcp"], "extensions": {"socket-ext": {
             "address_family": "AF_INET", "is_blocking": True, "is_listening": False, "protocol_family": "PF_INET", "options": {"SO_KEEPALIVE": 1},
             "socket_type": "SOCK_STREAM", "socket_descriptor": 3, "socket_handle": 4}}}})
observe({"0": {"type": "process", "is_hidden": True, "pid": 1221, "name": "gedit-bin", "created": "2016-01-20T14:11:25.55Z", "cwd": "/home",
               "arguments": ["--new-window"], "command_line": "gedit --new-window", "environment_variables": {"TERM": "xterm"},
               "opened_connection_refs": ["1"], "creator_user_ref": "2", "binary_ref": "3", "parent_ref": "4", "child_refs": ["5"]},
         "1": {"type": "network-traffic", "src_ref": "6", "protocols": ["tcp"]}, "2": {"type": "user-account", "user_id": "u"},
         "3": {"type": "file", "name": "gedit-bin"}, "4": {"type": "process", "pid": 1, "child_refs": ["0"]},
         "5": {"type": "process", "name": "child.exe", "parent_ref": "0"}, "6": {"type": "ipv4-addr", "value": "198.51.100.10"}},
        granular_markings=[{"marking_ref": TLP_RED, "selectors": ["objects.5.name", "objects.0.name", "objects.0.created"]}])
observe({"0": {"type": "process", "pid": 314, "name": "foobar.exe", "extensions": {"windows-process-ext": {
    "aslr_enabled": True, "dep_enabled": True, "priority": "HIGH_PRIORITY_CLASS", "owner_sid": "S-1-5-21", "window_title": "w",
    "startup_info": {"wShowWindow": "1"}}}},
         "1": {"type": "process", "name": "svc", "extensions": {"windows-service-ext": {
             "service_name": "sirvizio", "descriptions": ["d"], "display_name": "Sirvizio", "group_name": "g", "start_type": "SERVICE_AUTO_START",
             "service_dll_refs": ["2"], "service_type": "SERVICE_WIN32_OWN_PROCESS", "service_status": "SERVICE_RUNNING"}}},
         "2": {"type": "file", "name": "a.dll"}})
observe({"0": {"type": "windows-registry-key", "key": "HKEY_LOCAL_MACHINE\\System\\Foo\\Bar", "modified": "2016-01-20T14:11:25.55Z",
               "values": [{"name": "Foo", "data": "qwerty", "data_type": "REG_SZ"}], "creator_user_ref": "1", "number_of_subkeys": 1},
         "1": {"type": "user-account", "user_id": "1002", "display_name": "x"}})
observe({"0": {"type": "x509-certificate", "is_self_signed": False, "hashes": {"SHA-256": SHA256}, "version": "3", "serial_number": "36:f7:d4",
               "signature_algorithm": "sha256", "issuer": "C=ZA, O=Example", "validity_not_before": "2016-03-12T12:00:00Z",
               "validity_not_after": "2016-08-21T12:00:00Z", "subject": "C=US, CN=www.example.com", "subject_public_key_algorithm": "rsaEncryption",
               "subject_public_key_modulus": "00:b4:31", "subject_public_key_exponent": 65537,
               "x509_v3_extensions": {"basic_constraints": "critical,CA:TRUE", "key_usage": "critical",
                                      "private_key_usage_period_not_before": "2016-03-12T12:00:00Z", "policy_mappings": "x"}},
         "1": {"type": "x509-certificate", "issuer": "C=ZA", "version": "1"}})
observe({"0": {"type": "ipv4-addr", "value": "198.51.100.20"}, "1": {"type": "ipv4-addr", "value": "198.51.100.20"},
         "2": {"type": "domain-name", "value": "twice.example.com", "resolves_to_refs": ["0", "1"]}},
        labels=["tlp:amber", "seen"], granular_markings=[{"marking_ref": TLP_RED, "selectors": ["objects.1.value"]}])


@v20.CustomObservable("x-example-device", [("serial", p.StringProperty(required=True)), ("x_address_ref", p.ObjectReferenceProperty())])
class Device:
    pass


observe({"0": {"type": "x-example-device", "serial": "7", "x_address_ref": "1"}, "1": {"type": "ipv4-addr", "value": "198.51.100.21"}})


@v20.CustomExtension("x-example-scan-ext", [("verdict", p.StringProperty(required=True))])
class Scan:
    pass


observe({"0": {"type": "file", "name": "scanned", "extensions": {"x-example-scan-ext": {"verdict": "bad"}}}})
observe({str(n): {"type": "ipv4-addr", "value": f"198.51.100.{n}"} for n in range(30, 42)},
        granular_markings=[{"marking_ref": TLP_AMBER, "selectors": ["objects"]}])


@v20.CustomObject("x-example-case", [("title", p.StringProperty(required=True)), ("case_hashes", p.DictionaryProperty(spec_version="2.0"))])
class Case:
    pass


add(Case, title="Case", case_hashes={"ssdeep": "x"}, labels=["spy"])

# Relationships, sightings, reports
add(v20.Relationship, source_ref=indicators[0], relationship_type="indicates", target_ref=malware, description="d", created_by_ref=cert)
add(v20.Relationship, source_ref=campaign, relationship_type="attributed-to", target_ref=actor)
add(v20.Relationship, source_ref=intrusion, relationship_type="targets", target_ref=victim)
add(v20.Relationship, source_ref=malware, relationship_type="uses", target_ref=tool)
add(v20.Relationship, source_ref=course, relationship_type="mitigates", target_ref=vulnerability)
add(v20.Relationship, source_ref=actor, relationship_type="uses", target_ref=attack, object_marking_refs=[TLP_RED])
add(v20.Sighting, sighting_of_ref=indicators[0], observed_data_refs=[observed], where_sighted_refs=[victim],
    first_seen="2015-12-21T19:00:00Z", last_seen="2015-12-21T19:00:00Z", count=50, summary=True)
add(v20.Sighting, sighting_of_ref=malware)
add(v20.Report, name="The Report", labels=["campaign", "threat-report"], description="d", published="2016-01-20T17:00:00Z",
    object_refs=[indicators[0], campaign, observed])
add(v20.Report, name="Own kind", labels=["monthly"], published="2016-01-20T17:00:00Z", object_refs=[malware])

for line in out:
    print(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
