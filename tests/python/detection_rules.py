"""Rules of others: good ones, and ones made at random from pieces that are good alone but not always together."""

import random

GOOD = [
    'alert http $HOME_NET any -> $EXTERNAL_NET any (msg:"EXAMPLE gate"; flow:established,to_server; http.method; content:"POST"; '
    'http.uri; content:"/gate.php"; startswith; content:"id="; distance:0; within:20; http.user_agent; content:"Bot|2f|1"; '
    'fast_pattern; reference:url,example.com/a; reference:cve,2026-1234; classtype:trojan-activity; sid:2900001; rev:4; '
    'metadata:created_at 2026_01_01, severity major;)',
    'alert dns any any -> any any (msg:"EXAMPLE dns \\: x\\; y"; dns.query; content:"evil.example"; nocase; endswith; sid:7; gid:1;)',
    'alert tcp [198.51.100.0/24,203.0.113.7] [80,443,8000:8100] -> $HOME_NET any (msg:"EXAMPLE raw"; flow:to_client; content:"|de ad be ef|x"; offset:4; depth:20; pcre:"/^ab+c[0-9]{2,4}$/i"; sid:8; priority:2;)',
    'alert tls $HOME_NET any -> any 443 (msg:"EXAMPLE tls"; tls.sni; content:"c2.evil.example"; bsize:15; sid:9; rev:1;)',
    'alert udp any any <> any 53 (msg:"EXAMPLE udp"; content:!"a"; content:"bcd"; sid:10;)',
]

BAD = [
    GOOD[1].replace("alert", "drop"),
    GOOD[1] + "\n" + GOOD[2],
    GOOD[1] + " " + GOOD[2],
    GOOD[1][:-1],
    GOOD[1].replace("nocase;", "nocase; lua:x.lua;"),
    GOOD[1].replace("nocase;", "nocase; dataset:set,x,type string,save /etc/passwd;"),
    GOOD[1].replace("nocase;", "nocase; filestore;"),
    GOOD[1].replace("nocase;", "nocase; nonsense;"),
    GOOD[1].replace("evil.example", "evil|zz|"),
    GOOD[1].replace("any any ->", "$NOBODY any ->"),
    GOOD[1].replace("dns.query", "http.uri"),
    GOOD[1].replace("endswith;", "endswith; within:5;"),
    GOOD[2].replace("b+", "b+("),
    GOOD[2].replace("depth:20", "depth:2"),
    GOOD[2].replace("203.0.113.7", "203.0.113.777"),
    GOOD[3].replace("trojan", "x").replace("sid:9;", "classtype:unheard-of; sid:9;"),
    "include /etc/passwd",
    "",
]

HEADS = [
    "alert {p} any any -> any any", "alert {p} $HOME_NET any -> $EXTERNAL_NET $HTTP_PORTS", "alert {p} [10.0.0.0/8,2001:db8::/32] any -> 10.1.1.1 1:80",
    "alert {p} any [80,90:95] <> any any", "alert {p} $HTTP_SERVERS 65535 -> [$HOME_NET,192.0.2.1] any", "alert {p} any 0 -> any 0:0",
    "alert {p} any any <- any any", "alert {p} !$HOME_NET any -> any any", "reject {p} any any -> any any", "alert {p} any any -> any 9:1",
]
PIECES = [
    "flow:established,to_server;", "flow:to_client;", "flow:established;", "flow:from_server,established;", "http.uri;", "http.stat_code;",
    "http.header;", "http.cookie;", "http.method;", "http.host;", "http.host.raw;", "http.referer;", "http.accept;", "http.server;", "http.content_type;",
    "http.request_body;", "http.response_body;", "http.user_agent;", "http.uri.raw;", "http.stat_msg;", "dns.query;", "tls.sni;", "tls.cert_subject;",
    "tls.cert_issuer;", "tls.cert_serial;", "tls.cert_fingerprint;", 'content:"abc";', 'content:"GET";', 'content:!"abc";', 'content:"|41 42|c d";', 'content:"|4142|";',
    'content:"a\\;b\\"c\\\\";', 'content:"";', 'content:"Abc:d";', 'content:" a ";', 'content:"200";', "nocase;", "startswith;", "endswith;", "fast_pattern;", "depth:3;", "depth:20;", "offset:2;",
    "offset:9999;", "distance:0;", "distance:70000;", "within:4;", "within:30;", "bsize:3;", "bsize:30;", 'pcre:"/a.b/i";', 'pcre:"/^x[a-z]{2,3}(y|z)$/ms";',
    'pcre:"/a\\/b\\x41/";', 'pcre:"/(/";', 'pcre:"/a/U";', "classtype:misc-attack;", "priority:3;", "reference:url,a.example/b?c=d&e;",
    "reference:cve,2026-1;", "metadata:a b, c d;", "metadata:policy x y;", "gid:1;", "rev:2;", "threshold:type limit,track by_src,count 1,seconds 3;",
]


def random_rules(count, seed):
    """As many rules; about each third is one that Suricata could take."""
    generator = random.Random(seed)
    for number in range(count):
        protocol = generator.choice(["http"] * 4 + ["dns", "tls", "tcp", "udp"])
        head = generator.choice(HEADS[: generator.choice([3, 5, 10])]).format(p=protocol)
        mine = [p for p in PIECES if "." not in p.split(":")[0] or p.startswith(protocol)]
        contents = [p for p in mine if p.startswith("content") and '""' not in p and "!" not in p and "Abc:" not in p]
        others = [p for p in mine if p not in contents]
        pieces = []
        for _ in range(generator.randint(1, 3)):
            pieces += generator.sample(others, generator.choice([0, 0, 1, 2])) + [generator.choice(contents)]
            pieces += generator.sample(others, generator.choice([0, 1, 1, 2]))
        yield f'{head} (msg:"EXAMPLE {number}"; {" ".join(pieces)} sid:{number + 1};)'
