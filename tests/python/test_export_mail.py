"""Exports for Postfix and Rspamd, looked up and used by those programs."""

import http.client
import json
import re

import pytest
from consumers import SECONDS, body, daemon, fails, free_port, only, run
from exporting import MANY, export, indicator, many  # noqa: F401

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
            "data.com", "see a.com", "data.co", "a.co.uk", "a-co", "http://files.example/items", "http://files.example/it/x",
            "http://files.example/aX1)+[x]xphp?q=$1|2"]),
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
    half = MANY // 4
    out, report = export("postfix", many("domain", half) + many("email", half) + many("ipv4", half) + many("ipv4net", half))
    assert report["left_out"] == {"body_max": half - 5000}
    access, clients = only(out, ".access"), only(out, ".cidr")
    keys = [line.split()[0] for line in body(access)]
    assert len(keys) == 2 * half
    said = postmap("-q", "-", f"texthash:{access}", input="\n".join(keys) + "\n")
    assert len(re.findall(r"\tREJECT Listed: [0-9a-f]{8}\n", said)) == len(said.splitlines()) == len(keys)
    # A table on disk is another reader, and says twice what is there twice.
    assert postmap(f"hash:{access}") == ""
    assert len(body(clients)) == 2 * half
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
