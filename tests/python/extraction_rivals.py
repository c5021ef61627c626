"""Measures extraction of indicators from free text: our program and its rivals on one labelled corpus.

A corpus is JSON lines `{"name", "kind", "text", "values": [[type, value], ...]}`; answers are JSON
lines `{"name", "values"}`. Counts are micro-averaged over (snippet, value). Rivals are met
generously: each runs in the configuration that serves it best, its answers are normalised by the
same rules as the labels, and an answer that is merely less specific than a label (the host of a
labelled URL or e-mail address, the base address of a labelled network, a certificate's hash called
a file's) is not held against it. Our own answers are compared letter by letter.

    python extraction_rivals.py held.jsonl [--answers ours.jsonl] [--no-rivals] [--misses]
"""

import argparse
import collections
import importlib.metadata
import ipaddress
import json
import re

FILE_HASHES = {
    "md5": "file:hashes.MD5",
    "sha1": "file:hashes.'SHA-1'",
    "sha256": "file:hashes.'SHA-256'",
    "sha512": "file:hashes.'SHA-512'",
}
HASH_OF_LENGTH = dict(zip((32, 40, 64, 128), FILE_HASHES.values()))
COMMON = {"ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr"}
OWN_TYPES = {
    "iocextract": COMMON - {"domain-name"} | set(FILE_HASHES.values()),
    "iocsearcher": COMMON | {FILE_HASHES[h] for h in ("md5", "sha1", "sha256")}
    | {"vulnerability", "bank-account", "cryptocurrency-wallet"},
    "ioc-finder": COMMON | set(FILE_HASHES.values())
    | {"file:hashes.SSDEEP", "autonomous-system", "vulnerability", "cryptocurrency-wallet"},
}

Score = collections.namedtuple("Score", "right wrong missed")


def precision(score):
    return score.right / ((score.right + score.wrong) or 1)


def recall(score):
    return score.right / ((score.right + score.missed) or 1)


def f1(score):
    return 2 * score.right / ((2 * score.right + score.wrong + score.missed) or 1)


def read_lines(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def labels(row):
    return {tuple(value) for value in row["values"]}


def score(answers, corpus, only=None, lenient=False):
    """`{type: Score}` with the sum under `all`; `answers` maps a snippet's name to its values.

    `only` leaves all other types out of account; `lenient` forgives less specific answers.
    """
    counts = collections.defaultdict(lambda: [0, 0, 0])
    for row in corpus:
        wanted = labels(row)
        given = {tuple(value) for value in answers.get(row["name"], ())}
        if lenient:
            given = {value for value in given if value in wanted or value not in forgiven(wanted)}
        for place, values in enumerate((given & wanted, given - wanted, wanted - given)):
            for kind, _ in values:
                if only is None or kind in only:
                    counts[kind][place] += 1
    result = {kind: Score(*numbers) for kind, numbers in sorted(counts.items())}
    result["all"] = Score(*(sum(column) for column in zip(*result.values()))) if result else Score(0, 0, 0)
    return result


def mistakes(answers, corpus):
    """The wrong and the missed values of every snippet that is not fully right."""
    for row in corpus:
        wanted = labels(row)
        given = {tuple(value) for value in answers.get(row["name"], ())}
        if wanted != given:
            yield row["name"], sorted(given - wanted), sorted(wanted - given)


def forgiven(wanted):
    """Answers less specific than a label of the same snippet."""
    pardoned = set()
    for kind, value in wanted:
        if kind == "url":
            pardoned |= {(kind_of_host(host), host) for host in [host_of(value)]}
        elif kind == "email-addr":
            pardoned.add(("domain-name", value.rpartition("@")[2]))
        elif "/" in value and kind in ("ipv4-addr", "ipv6-addr"):
            pardoned.add((kind, value.partition("/")[0]))
        elif kind.startswith("x509-certificate:"):
            pardoned.add((kind.replace("x509-certificate", "file"), value))
    return pardoned


def host_of(url):
    return re.sub(r"^[a-z+.]+://(?:[^/]*@)?(\[[^\]]*\]|[^/:]*).*", r"\1", url, flags=re.S).strip("[]")


def kind_of_host(host):
    try:
        return f"ipv{ipaddress.ip_address(host).version}-addr"
    except ValueError:
        return "domain-name"


# --- one spelling for the answers of all rivals -------------------------------------------------


def normal(kind, value):
    """(type, spelling) as the corpus writes it; None for what cannot be such a value.

    A URL of another scheme than the web's (`ldap://host:1389/a`) stands for its host.
    """
    scheme = re.match(r"([a-z+.]+)://", value.strip(), re.I)
    if kind == "url" and scheme and scheme[1].lower() not in ("http", "https", "ftp"):
        value = host_of(value.strip().lower())
        kind = kind_of_host(value)
    try:
        return kind, spelling(kind, value.strip())
    except (ValueError, IndexError):
        return None


def spelling(kind, value):
    if kind in ("ipv4-addr", "ipv6-addr"):
        return address(value, int(kind[3]))
    if kind == "domain-name":
        return host_name(value.removeprefix("*."))
    if kind == "url":
        return web_address(value)
    if kind == "email-addr":
        local, _, host = value.rpartition("@")
        return f"{local.lower()}@{host_name(host)}"
    if kind == "autonomous-system":
        return str(int(re.search(r"\d+", value)[0]))
    if kind == "bank-account":
        return re.sub(r"[\s-]", "", value).upper()
    if kind == "cryptocurrency-wallet":
        return value.lower() if re.match(r"(?:BC|LTC)1", value) else value
    if kind == "vulnerability":
        return value.upper()
    return value if kind.endswith("SSDEEP") else value.lower()


def address(value, version):
    network = ipaddress.ip_network(value.partition("%")[0].strip("[]"), strict=False)
    if network.version != version:
        raise ValueError("other address family")
    if network.prefixlen < network.max_prefixlen:
        return str(network)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    return f"::ffff:{mapped}" if mapped else str(network.network_address)


def host_name(value):
    import idna

    value = value.lower().strip(".")
    return value if value.isascii() else idna.encode(value, uts46=True).decode()


def web_address(value):
    import ada_url

    url = ada_url.URL(value if "://" in value else "http://" + value)
    url.hash = ""
    return url.href


def normalised(pairs):
    return {pair for pair in (normal(kind, value) for kind, value in pairs) if pair}


# --- the rivals -----------------------------------------------------------------------------------


def iocextract(text):
    """InQuest's iocextract; a bracketed host without scheme and path, which it calls a URL, is a name."""
    import iocextract as tool

    found = []
    for url in tool.extract_urls(text, refang=False, strip=True):
        plain = tool.refang_data(url)
        if "/" in url:
            found.append(("url", plain))
        elif kind_of_host(host_of(plain)) == "domain-name":
            found.append(("domain-name", host_of(plain)))
    for value in tool.extract_ips(text, refang=True):
        found.append((f"ipv{6 if ':' in value else 4}-addr", value))
    found += [("email-addr", value) for value in tool.extract_emails(text, refang=True)]
    for value in tool.extract_hashes(text):
        if len(value) in HASH_OF_LENGTH:
            found.append((HASH_OF_LENGTH[len(value)], value))
    return normalised(found)


def iocsearcher(text):
    """MaliciaLab's iocsearcher, without overlaps, its refusal of private and documentation addresses lifted."""
    names = {"ip4": "ipv4-addr", "ip4Net": "ipv4-addr", "ip6": "ipv6-addr", "fqdn": "domain-name", "url": "url",
             "email": "email-addr", "cve": "vulnerability", "iban": "bank-account"}
    names |= {kind: FILE_HASHES[kind] for kind in ("md5", "sha1", "sha256")}
    coins = ("bitcoin", "ethereum", "litecoin", "dogecoin", "monero", "ripple", "tron")
    names |= dict.fromkeys(coins, "cryptocurrency-wallet")
    answers = iocsearcher_tool().search_data(text, targets=set(names), no_overlaps=True)
    return normalised((names[answer.name], answer.value) for answer in answers if answer.name in names)


def iocsearcher_tool(made=[]):
    """The searcher is made once: it reads its tables from disk."""
    if not made:
        from iocsearcher.searcher import Searcher

        class Open(Searcher):
            @classmethod
            def is_valid_ip4(cls, s, **_):
                return kind_of_host(s) == "ipv4-addr"

            @classmethod
            def is_valid_ip6(cls, s, **_):
                return kind_of_host(s) == "ipv6-addr"

        made.append(Open())
    return made[0]


def ioc_finder(text):
    """ioc-finder with all types it knows and every "also parse parts" option off."""
    from ioc_finder import find_iocs

    names = {"urls": "url", "email_addresses": "email-addr", "domains": "domain-name", "ipv4s": "ipv4-addr",
             "ipv4_cidrs": "ipv4-addr", "ipv6s": "ipv6-addr", "ipv6_cidrs": "ipv6-addr", "ssdeeps": "file:hashes.SSDEEP",
             "asns": "autonomous-system", "cves": "vulnerability", "bitcoin_addresses": "cryptocurrency-wallet",
             "monero_addresses": "cryptocurrency-wallet"}
    names |= {f"{kind}s": name for kind, name in FILE_HASHES.items()}
    answers = find_iocs(
        text,
        parse_domain_from_url=False,
        parse_from_url_path=False,
        parse_domain_from_email_address=False,
        parse_address_from_cidr=False,
        parse_unicode_iocs=True,
        included_ioc_types=[*names, "imphashes", "authentihashes"],
    )
    return normalised((names[key], value) for key, values in answers.items() if key in names for value in values)


RIVALS = {"iocextract": iocextract, "iocsearcher": iocsearcher, "ioc-finder": ioc_finder}


def rival_answers(rival, corpus):
    return {row["name"]: sorted(RIVALS[rival](row["text"])) for row in corpus}


# --- the report -----------------------------------------------------------------------------------


def percent(number):
    return f"{100 * number:.1f}"


def line(name, total, own=None):
    cells = [name, total.right, total.wrong, total.missed, *map(percent, (precision(total), recall(total), f1(total)))]
    cells += map(percent, (precision(own), recall(own), f1(own))) if own else ["", "", ""]
    return "| " + " | ".join(map(str, cells)) + " |"


def by_type(tables):
    """F1 (precision/recall) of every type, a column for each program."""
    kinds = sorted({kind for table in tables.values() for kind in table} - {"all"})
    yield "| type | " + " | ".join(tables) + " |"
    yield "|---" * (len(tables) + 1) + "|"
    for kind in kinds:
        cells = []
        for table in tables.values():
            one = table.get(kind, Score(0, 0, 0))
            cells.append(f"{percent(f1(one))} ({percent(precision(one))}/{percent(recall(one))})")
        yield f"| {kind} | " + " | ".join(cells) + " |"


def report(corpus, ours=None, rivals=tuple(RIVALS)):
    """The lines of the comparison in Markdown."""
    tables = {}
    yield "| program | right | wrong | missed | P | R | F1 | P, own types | R, own types | F1, own types |"
    yield "|---" * 10 + "|"
    if ours is not None:
        tables["liaison"] = score(ours, corpus)
        yield line("liaison", tables["liaison"]["all"])
    for rival in rivals:
        answers = rival_answers(rival, corpus)
        tables[rival] = score(answers, corpus, lenient=True)
        own = score(answers, corpus, only=OWN_TYPES[rival], lenient=True)["all"]
        yield line(f"{rival} {importlib.metadata.version(rival)}", tables[rival]["all"], own)
    yield ""
    yield from by_type(tables)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("corpus")
    parser.add_argument("--answers", help="our program's answers as JSON lines")
    parser.add_argument("--no-rivals", action="store_true")
    parser.add_argument("--misses", action="store_true", help="list what our answers got wrong")
    options = parser.parse_args()
    corpus = read_lines(options.corpus)
    ours = {row["name"]: row["values"] for row in read_lines(options.answers)} if options.answers else None
    for text in report(corpus, ours, () if options.no_rivals else tuple(RIVALS)):
        print(text)
    if options.misses and ours is not None:
        for name, wrong, missed in mistakes(ours, corpus):
            print(f"{name}: wrong {wrong} missed {missed}")


if __name__ == "__main__":
    main()
