"""Exports for Postfix and Rspamd, looked up and used by those programs."""

import http.client
import json
import re

import pytest
from consumers import SECONDS, body, daemon, fails, free_port, only, run
from conftest import root
from exporting import MANY, export, exporter, indicator, many  # noqa: F401

VALUES = [
    indicator("[domain-name:value = 'a.co']"),
    indicator("[domain-name:value = 'c2.evil.example']"),
    indicator("[email-addr:value = 'ceo@bad-login.example']"),
    indicator("[email-addr:value = '#ceo@bad-login.example']"),
    indicator("[email-addr:value = 'c#eo@bad-login.example']"),
    indicator("[ipv4-addr:value ISSUBSET '203.0.113.0/24']"),
    indicator("[ipv6-addr:value ISSUBSET '2001:db8:1::/48']"),
    indicator("[ipv4-addr:value = '198.51.100.7']"),
    indicator("[url:value = 'http://files.example/a(1)+[x].php?q=$1|2']"),
    indicator("[url:value = 'http://files.example/it/']"),
]
LISTED = re.compile(r"REJECT Listed: [0-9a-f]{8}\n")


# Postfix


@pytest.fixture
def postmap(tmp_path):
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")
    return lambda *words, **more: run("postmap", "-c", tmp_path, *words, **more)


def test_postfix_finds_what_is_listed(export, postmap):
    out, report = export("postfix", VALUES)
    assert report["left_out"] == {"misread": 1}
    def found(kind, suffix, key):
        said = postmap("-q", key, f"{kind}:{only(out, suffix)}", rc=None)
        assert said == "" or LISTED.fullmatch(said), said
        return said != ""
    listed = [
        ("texthash", ".access", ["a.co", "c2.evil.example", "CEO@bad-login.example", "c#eo@bad-login.example"]),
        ("cidr", ".cidr", ["203.0.113.9", "198.51.100.7", "2001:db8:1::9"]),
        ("regexp", ".regexp", [
            "see a.co.", "HTTP://www.A.CO/x", "<c2.evil.example>", "a.co", "http://files.example/a(1)+[x].php?q=$1|2",
            '<a href="http://files.example/it/">', "Go to http://files.example/it/."]),
    ]
    others = [
        ("texthash", ".access", ["co", "evil.example", "x@bad-login.example", "#", "c"]),
        ("cidr", ".cidr", ["203.0.114.9", "198.51.100.8", "2001:db8:2::9"]),
        ("regexp", ".regexp", [
            "data.com", "see a.com", "data.co", "a.co.uk", "a-co", "http://files.example/items",
            "http://files.example/it/x", "http://files.example/aX1)+[x]xphp?q=$1|2"]),
    ]
    for kind, suffix, keys in listed:
        assert [key for key in keys if not found(kind, suffix, key)] == []
    for kind, suffix, keys in others:
        assert [key for key in keys if found(kind, suffix, key)] == []


TABLES = [("texthash", ".access"), ("cidr", ".cidr"), ("regexp", ".regexp")]


@pytest.mark.parametrize("values", [[], VALUES[:1]], ids=["none", "one"])
def test_postfix_takes_short_tables(export, postmap, values):
    out, _ = export("postfix", values)
    for kind, suffix in TABLES:
        assert postmap("-q", "nothing", f"{kind}:{only(out, suffix)}", rc=1) == ""


def test_postfix_takes_long_tables_and_finds_each_line(export, postmap):
    quarter = MANY // 4
    values = [value for kind in ("domain", "email", "ipv4", "ipv4net") for value in many(kind, quarter)]
    out, report = export("postfix", values)
    assert report["left_out"] == {"body_max": quarter - 5000}
    access, clients = only(out, ".access"), only(out, ".cidr")
    keys = [line.split()[0] for line in body(access)]
    assert len(keys) == 2 * quarter
    said = postmap("-q", "-", f"texthash:{access}", input="\n".join(keys) + "\n")
    assert len(re.findall(r"\tREJECT Listed: [0-9a-f]{8}\n", said)) == len(said.splitlines()) == len(keys)
    # A table on disk is another reader, and says twice what is there twice.
    assert postmap(f"hash:{access}") == ""
    assert len(body(clients)) == 2 * quarter
    assert LISTED.fullmatch(postmap("-q", body(clients)[-1].split("/")[0], f"cidr:{clients}"))
    assert LISTED.fullmatch(postmap("-q", f"x {keys[0]}", f"regexp:{only(out, '.regexp')}"))


@pytest.mark.parametrize("suffix, kind, line", [
    (".cidr", "cidr", "203.0.113.300 REJECT Listed: ff5c8641"),
    (".cidr", "cidr", "203.0.113.9/24 REJECT Listed: ff5c8641"),
    (".regexp", "regexp", "/a(b/ REJECT Listed: ff5c8641"),
    (".access", "texthash", "bad-login.example"),
    (".access", "texthash", "a.co REJECT Listed: ff5c8641"),
])
def test_postfix_warns_of_what_is_wrong(export, postmap, suffix, kind, line):
    out, _ = export("postfix", VALUES)
    path = only(out, suffix)
    path.write_text(path.read_text() + line + "\n")
    assert "warning" in postmap("-q", "nothing", f"{kind}:{path}", rc=None)


# Rspamd


def rspamd_config(tmp_path, out, port=1):
    for kind in ("db", "log"):
        (tmp_path / kind).mkdir(exist_ok=True)
    config = tmp_path / "rspamd.conf"
    config.write_text(f"""
lua = "$RULESDIR/rspamd.lua"
options {{
  filters = ""; pidfile = "{tmp_path}/rspamd.pid"; control_socket = "{tmp_path}/control.sock mode=0600";
  cache_file = "{tmp_path}/db/cache"; tempdir = "{tmp_path}"; url_tld = "${{SHAREDIR}}/effective_tld_names.dat";
  dns {{ nameserver = ["127.0.0.1:1"]; }}
}}
logging {{ type = "console"; level = "info"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; mime = true; }}
modules {{ path = "$PLUGINSDIR/multimap.lua"; }}
multimap {{ .include "{only(out, '.multimap.conf')}" }}
""")
    return config


def rspamd_export(export, tmp_path, values, **options):
    """Where maps are is said before they are made: the maps go to a directory of their own."""
    maps = tmp_path / "maps"
    out, report = export("rspamd", values, {"map_dir": str(maps)} | options)
    maps.mkdir()
    for path in out.iterdir():
        if path.name.endswith(".map"):
            (maps / path.name).write_bytes(path.read_bytes())
    return out, report, maps


def rspamd_faults(tmp_path, config):
    """configtest exits with 0 even if a rule is dropped."""
    said = run("rspamadm", f"--var=DBDIR={tmp_path}/db", f"--var=LOGDIR={tmp_path}/log", "configtest", "-c", config)
    assert "syntax OK" in said, said
    # Its own rules miss the modules that this configuration does without.
    return [line for line in said.splitlines()
            if re.search("cannot|error|invalid|unknown|fail", line) and "dependency" not in line]


def symbols(port, text, **headers):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    mail = f"From: a@good.test\r\nTo: b@good.test\r\nSubject: x\r\nContent-Type: text/plain\r\n\r\n{text}\r\n"
    headers = {"From": "a@good.test", "IP": "192.0.2.1", **headers}
    link.request("POST", "/checkv2", body=mail, headers=headers)
    answer = json.loads(link.getresponse().read())
    link.close()
    return {name: one["score"] for name, one in answer["symbols"].items() if name.startswith("LIAISON")}


def test_rspamd_scores_what_is_listed(export, tmp_path):
    # Rspamd finds links in plain text only by the top-level domains that exist.
    values = VALUES + [
        indicator("[domain-name:value = 'example.org']"),
        indicator("[domain-name:value = 'covered.example.org']"),
        indicator("[domain-name:value = 'c2.example.net']"),
        indicator("[url:value = 'http://files.example.com/it/?a=1&b=2']"),
        indicator("[email-addr:value = '/x@evil.example']"),
    ]
    out, report, _ = rspamd_export(export, tmp_path, values, score=7.5)
    assert report["left_out"] == {"misread": 3, "covered": 1}
    root()
    port = free_port()
    config = rspamd_config(tmp_path, out, port)
    assert rspamd_faults(tmp_path, config) == []
    with daemon(tmp_path / "rspamd.log", port, "rspamd", "-f", "-i", "-u", "root", "-g", "root", "-c", config):
        for host in ("example.org", "a.example.org", "covered.example.org", "a.co"):
            assert symbols(port, f"see http://{host}/x") == {"LIAISON_URL": 7.5}, host
            assert symbols(port, "x", From=f"other@{host}") == {"LIAISON_FROM_NAME": 7.5}, host
        assert symbols(port, "see http://c2.example.net/x") == {"LIAISON_URL_HOST": 7.5}
        assert symbols(port, "see http://files.example.com/it/?a=1&b=2 now") == {"LIAISON_URL_FULL": 7.5}
        others = "http://example.net http://x.c2.example.net http://nota.co http://files.example.com/it/?a=1&b=23"
        assert symbols(port, others) == {}
        assert symbols(port, "x", From="ceo@bad-login.example") == {"LIAISON_FROM": 7.5}
        assert symbols(port, "x", From="other@c2.example.net") == {"LIAISON_FROM_HOST": 7.5}
        for sender in ("other@bad-login.example", "c@bad-login.example", "x@evil.example", "a@example.net"):
            assert symbols(port, "x", From=sender) == {}, sender
        for address in ("203.0.113.9", "198.51.100.7", "2001:db8:1::9"):
            assert symbols(port, "x", IP=address) == {"LIAISON_IP": 7.5}, address
        assert symbols(port, "x", IP="203.0.114.9") == {}


@pytest.mark.parametrize("values", [[], VALUES[:1], None], ids=["none", "one", "many"])
def test_rspamd_takes_maps_of_any_length(export, tmp_path, values):
    values = many("email", MANY // 2) + many("ipv4net", MANY // 2) if values is None else values
    out, _, maps = rspamd_export(export, tmp_path, values)
    assert rspamd_faults(tmp_path, rspamd_config(tmp_path, out)) == []
    assert sum(len(body(path)) for path in maps.iterdir()) == len(values)


def test_rspamd_finds_what_is_wrong(export, tmp_path):
    out, _, maps = rspamd_export(export, tmp_path, VALUES)
    rules = only(out, ".multimap.conf")
    text = rules.read_text()
    rules.write_text(text.replace('type = "ip"', 'type = "address"'))
    assert any("cannot add rule" in line for line in rspamd_faults(tmp_path, rspamd_config(tmp_path, out)))
    rules.write_text(text.replace("score = 8.0; }", "score = 8.0;", 1))
    fails("rspamadm", "configtest", "-c", rspamd_config(tmp_path, out))
