"""Exports for Squid, HAProxy and nginx, read by those programs, and requests that they refuse."""

import pytest
from consumers import body, daemon, fails, free_port, get, only, run
from conftest import root
from exporting import MANY, export, exporter, indicator, many  # noqa: F401

VALUES = [
    indicator("[domain-name:value = 'evil.example']"),
    indicator("[domain-name:value = 'c2.evil.example']"),
    indicator("[domain-name:value = 'include']"),
    indicator("[ipv4-addr:value ISSUBSET '203.0.113.0/24']"),
    indicator("[ipv4-addr:value = '203.0.113.9']"),
    indicator("[ipv4-addr:value = '198.51.100.7']"),
    indicator("[ipv6-addr:value = '2001:db8::66']"),
    indicator("[ipv6-addr:value ISSUBSET '2001:db8:1::/48']"),
]
URLS = [
    indicator("[url:value = 'http://files.example/a(1)+[x].php?q=$1|2']"),
    indicator("[url:value = 'http://user:pw@files.example/']"),
    indicator(f"[url:value = 'http://files.example/{'.' * 1500}good.example']"),
]


def broken(path, line):
    """The same file with one line more."""
    path.write_text(path.read_text() + line + "\n")


# Squid


def squid_config(tmp_path, out, port=3128):
    (tmp_path / "hosts").write_text(
        "127.0.0.1 files.example evil.example c2.evil.example notevil.example good.example\n")
    config = tmp_path / "squid.conf"
    config.write_text(f"""
http_port 127.0.0.1:{port}
hosts_file {tmp_path}/hosts
pid_filename none
cache_log /dev/null
access_log none
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
acl liaison_dom dstdomain "{only(out, '.dom.acl')}"
acl liaison_ip dst "{only(out, '.ip.acl')}"
acl liaison_url url_regex "{only(out, '.url.re')}"
http_access deny liaison_dom
http_access deny liaison_url
http_access deny liaison_ip
http_access allow all
""")
    return config


def squid_says(config):
    """What Squid says of a configuration that it takes, without its report of what it does."""
    said = run("squid", "-k", "parse", "-f", config)
    return [line for line in said.splitlines() if "WARNING" in line or "ERROR" in line or "FATAL" in line]


def test_squid_refuses_what_is_listed(export, tmp_path):
    out, report = export("squid", VALUES + URLS)
    port = free_port()
    config = squid_config(tmp_path, out, port)
    assert squid_says(config) == []
    assert report["left_out"] == {"covered": 2, "too_long": 1, "user_in_url": 1}
    with daemon(tmp_path / "squid.log", port, "squid", "-N", "-f", config):
        def status(url):
            return get(port, url)[0]
        listed = ["http://evil.example/", "http://x.c2.evil.example/", "http://203.0.113.200/", "http://198.51.100.7/",
                  "http://[2001:db8::66]/", "http://[2001:db8:1::1]/", "http://files.example/a(1)+[x].php?q=$1|2"]
        assert [status(url) for url in listed] == [403] * len(listed)
        # Nobody listens on port 1: the proxy tried, and failed.
        others = ["http://notevil.example:1/", "http://127.0.0.1:1/", "http://files.example:1/",
                  "http://files.example:1/aX1)+[x]xphp?q=$1|2", "http://good.example:1/"]
        assert {status(url) for url in others} <= {502, 503}


def test_squid_can_be_told_exact_names(export, tmp_path):
    out, _ = export("squid", VALUES, {"subdomains": False})
    assert body(only(out, ".dom.acl")) == ["c2.evil.example", "evil.example", "include"]
    assert squid_says(squid_config(tmp_path, out)) == []


@pytest.mark.parametrize("values", [[], VALUES[:1]], ids=["none", "one"])
def test_squid_takes_short_lists(export, tmp_path, values):
    out, _ = export("squid", values)
    said = squid_says(squid_config(tmp_path, out))
    assert all("empty ACL" in line for line in said), said


def test_squid_takes_long_lists(export, tmp_path):
    urls = many("url", 1000)
    out, report = export("squid", many("domain") + many("ipv4", 1000) + many("ipv4net", 10) + urls)
    assert [len(body(only(out, suffix))) for suffix in (".dom.acl", ".ip.acl", ".url.re")] == [MANY, 1000, len(urls)]
    assert report["left_out"] == {"covered": 10}
    assert ["more than 100 regular expressions" in line for line in squid_says(squid_config(tmp_path, out))] == [True]


def test_squid_finds_what_is_wrong(export, tmp_path):
    out, _ = export("squid", VALUES)
    config = squid_config(tmp_path, out)
    broken(only(out, ".dom.acl"), ".deep.evil.example")
    assert any("deep.evil.example" in line for line in squid_says(config))
    broken(only(out, ".ip.acl"), "203.0.113.300")
    assert "FATAL" in fails("squid", "-k", "parse", "-f", config)


# HAProxy


def haproxy_config(tmp_path, out, layout, port=1):
    names, addresses = (only(out, suffix + (".map" if layout == "map" else ".lst")) for suffix in (".dom", ".ip"))
    rules = f"""
  acl bad_name req.hdr(host),lower -m dom -f {names}
  acl bad_address req.hdr_ip(x-from) -f {addresses}
  http-request return status 403 if bad_name or bad_address
""" if layout == "list" else f"""
  http-request set-var(txn.why) req.hdr(host),lower,map_dom({names})
  http-request set-var(txn.why) req.hdr_ip(x-from),map_ip({addresses}) if !{{ var(txn.why) -m found }}
  http-request return status 403 hdr x-why %[var(txn.why)] if {{ var(txn.why) -m found }}
"""
    config = tmp_path / "haproxy.cfg"
    config.write_text(f"""
defaults
  mode http
  timeout client 10s
  timeout connect 10s
  timeout server 10s
frontend in
  bind 127.0.0.1:{port}
{rules}
  http-request return status 200
""")
    return config


@pytest.mark.parametrize("layout", ["list", "map"])
def test_haproxy_refuses_what_is_listed(export, tmp_path, layout):
    values = [value | {"id": f"indicator--0000000{n}-1111-4111-8111-111111111111"} for n, value in enumerate(VALUES)]
    out, _ = export("haproxy", values, {"layout": layout})
    port = free_port()
    config = haproxy_config(tmp_path, out, layout, port)
    assert haproxy_says(config) == []
    with daemon(tmp_path / "haproxy.log", port, "haproxy", "-db", "-f", config):
        for host in ["evil.example", "A.Evil.Example", "include"]:
            assert get(port, Host=host)[0] == 403, host
        for address in ["203.0.113.200", "198.51.100.7", "2001:db8::66", "2001:db8:1::1"]:
            assert get(port, Host="good.example", X_From=address)[0] == 403, address
        for host, address in [("notevil.example", "198.51.100.8"), ("evil.examples", "2001:db8::67")]:
            assert get(port, Host=host, X_From=address)[0] == 200
        if layout == "map":
            _, headers = get(port, Host="good.example", X_From="198.51.100.7")
            assert headers["x-why"].startswith("indicator--")


def haproxy_says(config):
    said = run("haproxy", "-c", "-f", config)
    return [line for line in said.splitlines() if line != "Configuration file is valid"]


@pytest.mark.parametrize("layout", ["list", "map"])
@pytest.mark.parametrize("values", [[], VALUES[:1], None], ids=["none", "one", "many"])
def test_haproxy_takes_lists_of_any_length(export, tmp_path, layout, values):
    lists = many("domain", MANY // 2) + many("ipv4", MANY // 2) if values is None else values
    out, _ = export("haproxy", lists, {"layout": layout})
    assert haproxy_says(haproxy_config(tmp_path, out, layout)) == []
    ending = ".lst" if layout == "list" else ".map"
    assert sum(len(body(only(out, suffix + ending))) for suffix in (".dom", ".ip")) == len(lists)


def test_haproxy_finds_what_is_wrong(export, tmp_path):
    out, _ = export("haproxy", VALUES)
    broken(only(out, ".ip.lst"), "203.0.113.0/33")
    fails("haproxy", "-c", "-f", haproxy_config(tmp_path, out, "list"))


# nginx


def nginx_config(tmp_path, out, port=1):
    root()
    config = tmp_path / "nginx.conf"
    temps = "\n".join(
        f"  {kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config.write_text(f"""
user root; daemon off; worker_processes 1; pid {tmp_path}/nginx.pid; error_log stderr warn;
events {{ }}
http {{
{temps}
  access_log off;
  map_hash_max_size 524288;
  map_hash_bucket_size 512;
  geo $http_x_from $bad_address {{ default 0; include {only(out, '.geo.conf')}; }}
  map $host $bad_name {{ hostnames; default 0; include {only(out, '.map.conf')}; }}
  server {{
    listen 127.0.0.1:{port};
    if ($bad_name) {{ return 403; }}
    if ($bad_address) {{ return 403; }}
    return 200;
  }}
}}
""")
    return config


def nginx_says(tmp_path, config):
    said = run("nginx", "-t", "-e", "stderr", "-p", tmp_path, "-c", config)
    return [line for line in said.splitlines() if not line.endswith(("syntax is ok", "test is successful"))]


@pytest.mark.parametrize("subdomains", [True, False])
def test_nginx_refuses_what_is_listed(export, tmp_path, subdomains):
    out, _ = export("nginx", VALUES, {"subdomains": subdomains})
    port = free_port()
    config = nginx_config(tmp_path, out, port)
    assert nginx_says(tmp_path, config) == []
    with daemon(tmp_path / "nginx.log", port, "nginx", "-e", "stderr", "-p", tmp_path, "-c", config):
        for host in ["evil.example", "C2.Evil.Example", "include"]:
            assert get(port, Host=host)[0] == 403, host
        assert get(port, Host="x.evil.example")[0] == (403 if subdomains else 200)
        for address in ["203.0.113.200", "198.51.100.7", "2001:db8::66", "2001:db8:1::1"]:
            assert get(port, Host="good.example", X_From=address)[0] == 403, address
        for host, address in [("notevil.example", "198.51.100.8"), ("evil.examples", "2001:db8::67")]:
            assert get(port, Host=host, X_From=address)[0] == 200


@pytest.mark.parametrize("values", [[], VALUES[:1], None], ids=["none", "one", "many"])
def test_nginx_takes_lists_of_any_length(export, tmp_path, values):
    lists = many("domain", MANY // 2) + many("ipv6", MANY // 2) if values is None else values
    out, _ = export("nginx", lists)
    assert nginx_says(tmp_path, nginx_config(tmp_path, out)) == []
    assert len(body(only(out, ".geo.conf"))) + len(body(only(out, ".map.conf"))) == len(lists)


def test_nginx_finds_what_is_wrong(export, tmp_path):
    out, _ = export("nginx", VALUES)
    broken(only(out, ".geo.conf"), "203.0.113.300 1;")
    assert "invalid" in fails("nginx", "-t", "-e", "stderr", "-p", tmp_path, "-c", nginx_config(tmp_path, out))
    out, _ = export("nginx", VALUES)
    broken(only(out, ".map.conf"), ".open.example 1")
    fails("nginx", "-t", "-e", "stderr", "-p", tmp_path, "-c", nginx_config(tmp_path, out))
