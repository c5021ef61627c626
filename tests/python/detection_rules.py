"""Rules of others: good ones, and ones made at random from pieces that are good alone but not always together."""

import random
import re

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
    'content:"a\\;b\\"c\\\\";', 'content:"";', 'content:"Abc:d";', 'content:" a ";', 'content:"|0d 0a|x";', 'content:"a|00|";', 'content:"200";', "nocase;", "startswith;", "endswith;", "fast_pattern;", "depth:3;", "depth:20;", "offset:2;",
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


GOOD_YARA = [
    'rule Example_One { strings: $a = "evil" nocase wide ascii $b = { de ad ?? be ef } condition: any of them }',
    'import "hash"\nimport "pe"\n// text\nrule Example_Two : tag other {\n  meta:\n    author = "x \\"y\\""\n    score = 70\n    live = true\n'
    '  strings:\n    $s1 = "a\\x41b\\\\c"\n    $s2 = "rule x { condition: true }"\n    $t = "abc" fullword\n'
    '  condition:\n    uint16(0) == 0x5A4D and filesize < 2MB and (all of ($s*) or #t > 3 or $t at 0) /* end */\n'
    '    and not hash.md5(0, filesize) == "00000000000000000000000000000000"\n}\n// after',
    'rule Example_One { condition: filesize == 3 }',
    'rule liaison_mine { condition: true }',
]
BAD_YARA = [
    'include "x.yar" ' + GOOD_YARA[0], 'import "cuckoo" ' + GOOD_YARA[0], "global " + GOOD_YARA[0], "private " + GOOD_YARA[0], GOOD_YARA[0] + " /* x",
    GOOD_YARA[0] + GOOD_YARA[1], GOOD_YARA[0][:-1], GOOD_YARA[0] + " }", GOOD_YARA[0].replace("any of them", "$a"), GOOD_YARA[0].replace("any of them", "all of ($c*)"),
    GOOD_YARA[0].replace("any of them", "Other_Rule"), GOOD_YARA[0].replace("any of them", "3 of them"), GOOD_YARA[0].replace("$b", "$a"), GOOD_YARA[0].replace("?? be", "?? b"),
    GOOD_YARA[0].replace('"evil"', "/(a+)+/"), GOOD_YARA[0].replace("Example_One", "condition"), GOOD_YARA[2].replace("3", '"3"'), "", "\0",
]
GOOD_SIGMA = [
    """title: Example of a rule
id: 5a8e0a57-64f5-4d0a-9f5c-3a0fbb3a7a11
status: experimental
description: 'It''s: a # text'
references:
  - https://example.com/a
author: Example
date: 2026-11-23
modified: 2026-11-24
tags:
  - attack.execution
  - attack.t1059.001
logsource:
  category: process_creation
  product: windows
detection:
  # what is looked for
  selection_one:
    Image|endswith:
      - '\\\\powershell.exe'
      - \\pwsh.exe
    CommandLine|contains|all:
      - -enc
      - 'http'
  selection_two:
    - Image: 'C:\\x*'
      User: root
    - Image|startswith: D
  filter:
    User: SYSTEM
  condition: (1 of selection_* or selection_two) and not filter
falsepositives:
  - Unknown programs
level: high
""".replace("      - -enc\n", "      - ' -enc'\n"),
]
BAD_SIGMA = [
    GOOD_SIGMA[0] + "---\n" + GOOD_SIGMA[0], GOOD_SIGMA[0].replace("Example of a rule", "&a x"), GOOD_SIGMA[0].replace("Example of", "!!python/object:os.system"),
    GOOD_SIGMA[0].replace("filter:", "fitler:"), GOOD_SIGMA[0].replace("level: high", "level: loud"), GOOD_SIGMA[0].replace("title:", "name:"),
    GOOD_SIGMA[0].replace("|endswith", "|re"), GOOD_SIGMA[0].replace("\n  condition", "\n condition"), GOOD_SIGMA[0] + "level: low\n", GOOD_SIGMA[0].replace("2026-11-24", "2026-11-31"),
    GOOD_SIGMA[0].replace("5a8e0a57", "zzzz0a57"), GOOD_SIGMA[0].replace("1 of selection_*", "1 of nothing_*"), GOOD_SIGMA[0].replace("'It''s", "'It's"), GOOD_SIGMA[0].replace("  ", "\t"), "", "title: x",
]


def mutations(rules, count, seed):
    """Good rules with some of their pieces left out, doubled, changed over, or put in for others."""
    generator = random.Random(seed)
    for _ in range(count):
        pieces = re.findall(r"\w+|\s+|.", generator.choice(rules))
        for _ in range(generator.randint(0, 3)):
            at, other = generator.randrange(len(pieces)), generator.randrange(len(pieces))
            match generator.randrange(4):
                case 0: pieces[at] = ""
                case 1: pieces[at] *= 2
                case 2: pieces[at], pieces[other] = pieces[other], pieces[at]
                case 3: pieces[at] = pieces[other]
        yield "".join(pieces)
