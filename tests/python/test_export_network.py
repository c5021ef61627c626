"""Exports for resolvers and packet filters, given to the programs that read them."""
import ipaddress
import json
import random
import re
import subprocess
import sys

import pytest

from conftest import program, root
from exporting import MANY, UNTIL, day, export, exporter, indicator, many  # noqa: F401
from resolvers import GOOD, ask, bind_rpz, dnsmasq, powerdns_rpz, unbound, unbound_rpz, upstream

BIG = {}
HOSTILE = "x\"\n$INCLUDE /etc/passwd\nserver:\naddress=/#/\r\n} flush ruleset; add rule\\'\u202e|"
BAD = "[domain-name:value = 'bad-login.example']"
UPSTREAM = {
    "address.good.example": "198.51.100.7",
    "network.good.example": "203.0.113.99",
    "six.good.example": "2001:db8::66",
    "seven.good.example": "2001:db8:bad:7::1",
}
BLOCKED = [
    indicator(BAD, name=HOSTILE, description=HOSTILE, labels=[HOSTILE]),
    indicator("[domain-name:value = 'deep.bad-login.example']"),
    indicator("[domain-name:value = 'bücher.example']"),
    indicator("[ipv4-addr:value = '198.51.100.7']", name=HOSTILE),
    indicator("[ipv4-addr:value ISSUBSET '203.0.113.0/24']"),
    indicator("[ipv6-addr:value = '2001:db8::66']"),
    indicator("[ipv6-addr:value ISSUBSET '2001:db8:bad::/48']"),
]


def big(export, format, kind):
    """MANY values of a kind in a format, made once."""
    if (format, kind) not in BIG:
        BIG[format, kind] = export(format, many(kind))
    return BIG[format, kind]


def sized(export, format, kind, size, options=None):
    """So many values of a kind in a format."""
    return big(export, format, kind) if size == MANY else export(format, many(kind, size), options)


def only(directory, suffix):
    """The one file with a suffix."""
    [file] = [file for file in directory.iterdir() if file.suffix == suffix]
    return file


def lines(file):
    """The lines behind the header of a file."""
    text = file.read_text()
    assert re.match(r"# liaison export \S+  collection=\S+  tlp=[A-Z+]+  pap<=GREEN  purposes=\S+\n", text)
    return [line for line in text.splitlines() if not line.startswith("#")]


def values(indicators):
    """Their values, sorted, addresses in their canonical form."""
    found = [value["pattern"].split("'")[-2] for value in indicators]
    return sorted(str(ipaddress.ip_address(value)) if "::" in value else value for value in found)


def run(*command):
    """(exit code, everything said)."""
    done = subprocess.run([program(command[0]), *map(str, command[1:])], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


# Response policy zones

RESOLVERS = {"unbound": unbound_rpz, "bind": bind_rpz, "powerdns": powerdns_rpz}


@pytest.fixture(params=RESOLVERS)
def resolver(request):
    return RESOLVERS[request.param]


@pytest.mark.parametrize("size", [0, 1, MANY])
def test_a_policy_zone_passes_the_check_of_bind(export, size):
    directory, _ = sized(export, "rpz", "domain", size)
    code, said = run("named-checkzone", "rpz.test", only(directory, ".rpz"))
    assert code == 0 and said.rstrip().endswith("OK"), said


@pytest.mark.parametrize("wrong", [
    "bad-login.example CNAME *.\n",
    "bad-login.example CNAME\n",
    f"{'a234567.' * 31}example CNAME .\n",
])
def test_the_check_of_bind_finds_a_wrong_zone(export, wrong):
    directory, _ = export("rpz", BLOCKED)
    zone = only(directory, ".rpz")
    zone.write_text(zone.read_text() + wrong)
    assert run("named-checkzone", "rpz.test", zone)[0] != 0


def test_every_resolver_answers_by_the_policy(export, tmp_path, resolver):
    directory, report = export("rpz", BLOCKED)
    assert report["left_out"] == {"covered": 1}
    with upstream(UPSTREAM) as forward, resolver(tmp_path, forward, only(directory, ".rpz")) as port:
        blocked = ["bad-login.example", "a.b.bad-login.example", "deep.bad-login.example", "xn--bcher-kva.example",
                   "address.good.example", "network.good.example"]
        for name in blocked:
            assert ask(port, name) == ("NXDOMAIN", []), name
        for name in ["six.good.example", "seven.good.example"]:
            assert ask(port, name, "AAAA") == ("NXDOMAIN", []), name
        for name in ["good.example", "notbad-login.example", "example", "login.example"]:
            assert ask(port, name) == ("NOERROR", [GOOD]), name


@pytest.mark.parametrize("size", [0, MANY])
def test_every_resolver_takes_zones_of_every_size(export, tmp_path, resolver, size):
    directory, _ = sized(export, "rpz", "domain", size)
    with upstream({}) as forward, resolver(tmp_path, forward, only(directory, ".rpz")) as port:
        assert ask(port, "good.example") == ("NOERROR", [GOOD])
        wanted = ("NXDOMAIN", []) if size else ("NOERROR", [GOOD])
        for n in [1, 2, MANY // 2, MANY]:
            for below in ["", "www."]:
                assert ask(port, f"{below}host-{n}.bad{n % 977}.example.net") == wanted


@pytest.mark.parametrize("options, answer", [
    ({"action": "nodata"}, ("NOERROR", [])),
    ({"action": "passthru"}, ("NOERROR", [GOOD])),
    ({"action": "drop"}, ("TIMEOUT", [])),
    ({"action": "tcp-only"}, ("TC", [])),
    ({"action": "redirect", "target": ["192.0.2.80", "2001:db8::80"], "ttl": 5}, ("NOERROR", ["192.0.2.80"])),
    ({"action": "redirect", "target": ["garden.example.net"]}, ("NOERROR", ["garden.example.net.", GOOD])),
])
def test_every_resolver_does_every_action(export, tmp_path, resolver, options, answer):
    directory, _ = export("rpz", [indicator(BAD)], options)
    with upstream({}) as forward, resolver(tmp_path, forward, only(directory, ".rpz")) as port:
        for name in ["bad-login.example", "www.bad-login.example"]:
            assert ask(port, name) == answer
        assert ask(port, "good.example") == ("NOERROR", [GOOD])


def networks():
    """Networks with runs of zeros in every place, as patterns."""
    rng = random.Random(9)
    for _ in range(3000):
        groups = [rng.choice([0, 0, 1, rng.randrange(65536)]) for _ in range(8)]
        groups[0] |= 0x2000
        address = ipaddress.IPv6Address(b"".join(group.to_bytes(2) for group in groups))
        network = ipaddress.ip_network((address, rng.randrange(1, 129)), strict=False)
        yield indicator(f"[ipv6-addr:value ISSUBSET '{network}']")
        network = ipaddress.ip_network((rng.randrange(1 << 24, 1 << 32), rng.randrange(1, 33)), strict=False)
        yield indicator(f"[ipv4-addr:value ISSUBSET '{network}']")


def test_names_of_networks_are_those_that_resolvers_expect(export, tmp_path):
    directory, report = export("rpz", list(networks()))
    assert report["left_out"] == {}
    with upstream({}) as forward, bind_rpz(tmp_path, forward, only(directory, ".rpz")):
        pass
    log = (tmp_path / "bind.log").read_text()
    assert "reload done: success" in log
    assert "canonical" not in log and "invalid" not in log
    with upstream({}) as forward, powerdns_rpz(tmp_path, forward, only(directory, ".rpz")):
        pass
    assert "Exception" not in (tmp_path / "powerdns.log").read_text()


@pytest.mark.parametrize("wrong", ["33.1.2.0.192.rpz-ip CNAME .\n", "128.3.2.zz.2.2.2.2.2001.rpz-ip CNAME .\n"])
def test_bind_says_when_the_name_of_a_network_is_wrong(export, tmp_path, wrong):
    directory, _ = export("rpz", BLOCKED)
    zone = only(directory, ".rpz")
    zone.write_text(zone.read_text() + wrong)
    with upstream({}) as forward, bind_rpz(tmp_path, forward, zone):
        pass
    log = (tmp_path / "bind.log").read_text()
    assert "canonical" in log or "invalid" in log


def test_powerdns_says_when_the_name_of_a_network_is_wrong(export, tmp_path):
    directory, _ = export("rpz", BLOCKED)
    zone = only(directory, ".rpz")
    zone.write_text(zone.read_text() + "33.1.2.0.192.rpz-ip CNAME .\n")
    with upstream({}) as forward, pytest.raises(AssertionError, match="Issue parsing '33.1.2.0.192.rpz-ip'"):
        with powerdns_rpz(tmp_path, forward, zone):
            pass


def test_a_name_that_would_be_a_trigger_of_another_sort_stays_outside(export, tmp_path, resolver):
    trigger = indicator("[domain-name:value = '8.1.0.0.127.rpz-client-ip']")
    directory, report = export("rpz", [trigger, indicator("[domain-name:value = 'localhost']"), indicator(BAD)])
    assert report["left_out"] == {"reserved_name": 2}
    with upstream({}) as forward, resolver(tmp_path, forward, only(directory, ".rpz")) as port:
        assert ask(port, "good.example") == ("NOERROR", [GOOD])
        assert ask(port, "bad-login.example") == ("NXDOMAIN", [])


# Lists of resolvers

NAMES = [value for value in BLOCKED if "domain-name" in value["pattern"]]


@pytest.mark.parametrize("size", [0, 1, MANY])
def test_unbound_answers_by_its_list(export, tmp_path, size):
    file = only(sized(export, "unbound", "domain", size)[0], ".conf")
    code, said = run("unbound-checkconf", file)
    assert code == 0 and "no errors" in said
    with upstream({}) as forward, unbound(tmp_path, forward, more=f'include: "{file}"\n') as port:
        assert ask(port, "good.example") == ("NOERROR", [GOOD])
        for name in ["host-1.bad1.example.net", "www.host-1.bad1.example.net"]:
            assert ask(port, name) == (("NXDOMAIN", []) if size else ("NOERROR", [GOOD]))
        last = f"host-{MANY}.bad{MANY % 977}.example.net"
        assert ask(port, last)[0] == ("NXDOMAIN" if size == MANY else "NOERROR")


def test_unbound_gets_names_only(export):
    directory, report = export("unbound", BLOCKED)
    assert lines(only(directory, ".conf")) == [
        "server:",
        '    local-zone: "bad-login.example." always_nxdomain',
        '    local-zone: "xn--bcher-kva.example." always_nxdomain',
    ]
    assert report["left_out"]["covered"] == 1


@pytest.mark.parametrize("old, new", [("always_nxdomain", "always_nx"), ('example." al', "example. al"), ("server:", "serve:")])
def test_unbound_refuses_a_wrong_list(export, old, new):
    file = only(export("unbound", NAMES)[0], ".conf")
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert run("unbound-checkconf", file)[0] != 0


@pytest.mark.parametrize("size", [0, 1, MANY])
def test_dnsmasq_answers_by_its_list(export, tmp_path, size):
    file = only(sized(export, "dnsmasq", "domain", size)[0], ".conf")
    code, said = run("dnsmasq", "--test", f"--conf-file={file}")
    assert code == 0 and "syntax check OK" in said
    with upstream({}) as forward, dnsmasq(tmp_path, forward, f"--conf-file={file}") as port:
        assert ask(port, "good.example") == ("NOERROR", [GOOD])
        for name in ["host-1.bad1.example.net", "www.host-1.bad1.example.net"]:
            assert ask(port, name) == (("NXDOMAIN", []) if size else ("NOERROR", [GOOD]))
        last = f"host-{MANY}.bad{MANY % 977}.example.net"
        assert ask(port, last)[0] == ("NXDOMAIN" if size == MANY else "NOERROR")


def test_dnsmasq_gets_names_only(export):
    directory, report = export("dnsmasq", BLOCKED)
    assert lines(only(directory, ".conf")) == ["address=/bad-login.example/", "address=/xn--bcher-kva.example/"]
    assert report["left_out"]["covered"] == 1


@pytest.mark.parametrize("old, new", [("address=", "adress="), ("address=/", "address="), ("example/", "example/1.2.3")])
def test_dnsmasq_refuses_a_wrong_list(export, old, new):
    file = only(export("dnsmasq", NAMES)[0], ".conf")
    file.write_text(file.read_text().replace(old, new))
    assert run("dnsmasq", "--test", f"--conf-file={file}")[0] != 0


def of_hosts(file, name):
    """What the C library finds for a name, with the file in the place of its own."""
    root()
    script = 'mount --bind "$1" /etc/hosts && getent -s files ahostsv4 "$2"'
    return run("unshare", "-m", "sh", "-c", script, "sh", file, name)


@pytest.mark.parametrize("size", [0, 1, MANY])
def test_a_hosts_file_gives_names_an_address_of_nobody(export, tmp_path, size):
    file = only(sized(export, "hosts", "domain", size)[0], ".hosts")
    assert len(lines(file)) == size
    assert all(re.fullmatch(r"0\.0\.0\.0 [a-z0-9_-]+(\.[a-z0-9_-]+)+", line) for line in lines(file))
    code, said = of_hosts(file, f"host-{max(size, 1)}.bad{max(size, 1) % 977}.example.net")
    assert (code, said.split()[:1]) == ((0, ["0.0.0.0"]) if size else (2, []))
    assert of_hosts(file, "good.example")[0] == 2
    with upstream({}) as forward, dnsmasq(tmp_path, forward, f"--addn-hosts={file}") as port:
        assert ask(port, "host-1.bad1.example.net") == ("NOERROR", ["0.0.0.0" if size else GOOD])
        assert ask(port, "www.host-1.bad1.example.net") == ("NOERROR", [GOOD])
    assert "bad" not in (tmp_path / "dnsmasq.log").read_text()


def test_a_hosts_file_has_names_below_others_and_never_the_machine_itself(export):
    directory, report = export("hosts", [*NAMES, indicator("[domain-name:value = 'localhost']")], {"address": "::"})
    assert lines(only(directory, ".hosts")) == [
        ":: bad-login.example", ":: deep.bad-login.example", ":: xn--bcher-kva.example"]
    assert report["left_out"] == {"reserved_name": 1}


def test_a_wrong_hosts_file_is_found(export, tmp_path):
    file = only(export("hosts", NAMES)[0], ".hosts")
    assert of_hosts(file, "bad-login.example")[0] == 0
    file.write_text(re.sub(r"^0\.0\.0\.0 (.*)$", r"\1 0.0.0.0", file.read_text(), flags=re.M))
    assert of_hosts(file, "bad-login.example")[0] == 2


# Packet filters

ADDRESSES = [value for value in BLOCKED if "addr" in value["pattern"]]
ADDRESSES += [indicator("[ipv4-addr:value = '198.51.100.6']", valid_until="2099-01-01T00:00:00Z"),
              indicator("[ipv4-addr:value = '203.0.113.9']")]


def alone(script, *arguments):
    """A shell script in a network of its own."""
    root()
    for name in re.findall(r"\b(nft|ipset|ip) ", script):
        program(name)
    return run("unshare", "-n", "sh", "-ec", script, "sh", *arguments)


@pytest.mark.parametrize("kind, size", [("ipv4", 0), ("ipv4", 1), ("ipv4", MANY), ("ipv4net", 999), ("ipv6", 999)])
def test_nft_takes_sets_of_every_size(export, kind, size):
    file = only(sized(export, "nftables", kind, size)[0], ".nft")
    code, said = alone('nft -c -f "$1"', file)
    assert (code, said) == (0, "")


def test_nft_holds_what_went_in(export):
    file = only(big(export, "nftables", "ipv4")[0], ".nft")
    code, said = alone('nft -f "$1"; nft -f "$1"; nft -j list set inet liaison bad4', file)
    assert code == 0, said[-2000:]
    [found] = [one["set"] for one in json.loads(said)["nftables"] if "set" in one]
    assert sorted(one["elem"]["val"] for one in found["elem"]) == values(many("ipv4"))
    assert {one["elem"]["timeout"] for one in found["elem"]} == {30 * 86400}


def test_neighbours_and_networks_in_networks_keep_their_own_time(export):
    directory, report = export("nftables", ADDRESSES, {"timeout_max_secs": 7201})
    assert report["left_out"] == {"covered": 1}
    code, said = alone('nft -f "$1"; nft list ruleset', only(directory, ".nft"))
    assert code == 0, said
    found = re.findall(r"([0-9a-f.:/]+) timeout (\S+) expires \S+ comment \"([0-9a-f]{8})\"", said)
    assert [(address, time) for address, time, _ in found] == [
        ("198.51.100.6", "2h1s"), ("198.51.100.7", "2h1s"), ("203.0.113.0/24", "2h1s"),
        ("2001:db8::66", "2h1s"), ("2001:db8:bad::/48", "2h1s")]


SEND = """
import socket
for address in ["198.51.100.7", "203.0.113.99", "198.51.100.5", "192.0.2.1", "2001:db8::66", "2001:db8::67"]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        socket.socket(family, socket.SOCK_DGRAM).sendto(b"x", (address, 9))
        print(address, "sent")
    except PermissionError:
        print(address, "dropped")
"""
ROUTE = "ip link set lo up; ip route add default dev lo; ip -6 route add default dev lo; "


def test_packets_to_what_is_blocked_are_dropped(export):
    file = only(export("nftables", ADDRESSES)[0], ".nft")
    code, said = alone(ROUTE + 'nft -f "$1"; "$2" -c "$3"', file, sys.executable, SEND)
    assert code == 0, said
    assert said.splitlines() == [
        "198.51.100.7 dropped", "203.0.113.99 dropped", "198.51.100.5 sent", "192.0.2.1 sent",
        "2001:db8::66 dropped", "2001:db8::67 sent"]


def test_a_newer_list_takes_the_place_of_the_older(export):
    one = only(export("nftables", ADDRESSES)[0], ".nft")
    two = only(export("nftables", [indicator("[ipv4-addr:value = '198.51.100.5']")])[0], ".nft")
    code, said = alone(ROUTE + 'nft -f "$1"; nft -f "$2"; "$3" -c "$4"', one, two, sys.executable, SEND)
    assert code == 0, said
    assert [line for line in said.splitlines() if "dropped" in line] == ["198.51.100.5 dropped"]


def test_sets_only_leaves_the_rules_of_the_operator_in_place(export):
    options = {"sets_only": True, "table": "liaison_sets"}
    one = only(export("nftables", ADDRESSES, options)[0], ".nft")
    two = only(export("nftables", [indicator("[ipv4-addr:value = '198.51.100.5']")], options)[0], ".nft")
    rule = ("nft add chain inet liaison_sets mine '{ type filter hook output priority 0; }'; "
            "nft add rule inet liaison_sets mine ip daddr @bad4 drop; ")
    code, said = alone(ROUTE + 'nft -f "$1"; ' + rule + 'nft -f "$1"; nft -f "$2"; "$3" -c "$4"', one, two,
                       sys.executable, SEND)
    assert code == 0, said
    assert [line for line in said.splitlines() if "dropped" in line] == ["198.51.100.5 dropped"]


@pytest.mark.parametrize("old, new", [
    ("198.51.100.7 timeout", "198.51.100.0/24 timeout 1d, 198.51.100.7 timeout"),
    ("198.51.100.7 timeout", "198.51.100.777 timeout"),
    ("2001:db8::66 timeout", "198.51.100.9 timeout"),
    ("198.51.100.7 timeout", "timeout"),
    (" comment ", f' comment "{"x" * 129}" '),
    ("elements = {", "elements = { }"),
    ("flags interval, timeout", "flags timeout"),
])
def test_nft_refuses_a_wrong_file(export, old, new):
    file = only(export("nftables", ADDRESSES)[0], ".nft")
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert alone('nft -c -f "$1"', file)[0] != 0


@pytest.mark.parametrize("kind, size", [("ipv4", 0), ("ipv4", 1), ("ipv4net", MANY), ("ipv4", 999), ("ipv6", 999)])
def test_ipset_holds_what_went_in(export, kind, size):
    directory, _ = sized(export, "ipset", kind, size)
    code, said = alone('ipset restore -f "$1"; ipset restore -f "$1"; ipset save', only(directory, ".ipset"))
    assert code == 0, said[-2000:]
    found = [line.split() for line in said.splitlines()]
    sets = [words[1] for words in found if words[0] == "create"]
    assert sorted(sets) == ["liaison4", "liaison6"]
    added = [words for words in found if words[0] == "add"]
    assert {words[1] for words in added} <= {"liaison6" if kind == "ipv6" else "liaison4"}
    assert sorted(words[2] for words in added) == values(many(kind, size))
    assert all(2147000 < int(words[4]) <= 2147483 for words in added)


def test_ipset_finds_what_is_blocked_and_a_newer_list_replaces_it(export):
    one = only(export("ipset", ADDRESSES, {"set": "liaison_a"})[0], ".ipset")
    two = only(export("ipset", [indicator("[ipv4-addr:value = '198.51.100.5']")], {"set": "liaison_a"})[0], ".ipset")
    test = ('for a in 198.51.100.7 203.0.113.77 198.51.100.5; do ipset -q test liaison_a4 $a && echo $a; done; '
            'for a in 2001:db8::66 2001:db8:bad:1::1 2001:db8::67; do ipset -q test liaison_a6 $a && echo $a; done; ')
    code, said = alone(f'ipset restore -f "$1"; {test} echo next; ipset restore -f "$2"; {test} true', one, two)
    assert code == 0, said
    assert said.split() == ["198.51.100.7", "203.0.113.77", "2001:db8::66", "2001:db8:bad:1::1", "next",
                            "198.51.100.5"]


@pytest.mark.parametrize("old, new", [
    ("203.0.113.0/24", "203.0.113.0/33"),
    ("203.0.113.0/24", "0.0.0.0/0"),
    ("timeout 2147483", "timeout 2147484"),
    ("198.51.100.7 timeout", "2001:db8::1 timeout"),
    ("198.51.100.7 timeout", "198.51.100.7 time"),
    ("flush ", "flsh "),
])
def test_ipset_refuses_a_wrong_file(export, old, new):
    file = only(export("ipset", ADDRESSES)[0], ".ipset")
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert alone('ipset restore -f "$1"', file)[0] != 0


# Plain lists

@pytest.mark.parametrize("kind, size", [("ipv4", 0), ("ipv4", 1), ("mixed", MANY)])
def test_a_list_has_one_value_in_a_line(export, kind, size):
    directory, report = sized(export, "list", kind, size)
    assert sorted(lines(only(directory, ".txt"))) == values(many(kind, size))
    assert report["left_out"] == {}


def test_a_list_for_devices_has_values_only_and_parts_of_a_size(export):
    directory, report = export("list", many("ipv4", 25), {"comments": False, "max_entries": 10})
    parts = sorted(directory.glob("*.txt"))
    assert [part.stem.rsplit("-", 1)[1] for part in parts] == ["1", "2", "3"]
    assert sorted(report["files"].values()) == [5, 10, 10]
    found = [line for part in parts for line in part.read_text().splitlines()]
    assert [str(ipaddress.ip_address(line)) for line in found] == found and len(found) == 25


def test_a_value_that_reads_as_a_comment_is_not_in_a_list(export):
    values = [indicator(f"[mutex:name = '{name}']") for name in ["# x", " a", "a ", "a#b", "=cmd|x"]]
    directory, report = export("list", values)
    assert lines(only(directory, ".txt")) == ["=cmd|x", "a#b"]
    assert report["left_out"] == {"no_place": 3}
