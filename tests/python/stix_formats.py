"""Formats of the reference, §1, §5, §7, §14 and §17: each function says whether a string keeps one."""

import datetime
import functools
import ipaddress
import json
import pathlib
import re
import uuid
from fractions import Fraction

from stix_model import CONTRIBUTING, SCO_NAMESPACE

HEX = "[0-9a-f]"
IDENTIFIER = re.compile(
    r"([a-z][a-z0-9-]*[a-z0-9])--([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-([1-8])[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12})"
)
# §14: the IANA list, in any case.
_REGISTRIES = pathlib.Path(__file__).resolve().parents[2] / "schemas/registries"
CHARSETS = {line.lower() for line in (_REGISTRIES / "charsets.txt").read_text().split("\n")[1:] if line}


def identifier(text):
    """(type part, UUID version) of an identifier of §5, or None. Versions 6 to 8 and capitals only warn."""
    found = IDENTIFIER.fullmatch(text)
    return (found[1], int(found[3])) if found else None


# §7

TIMESTAMP = re.compile(
    r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(\.([0-9]+))?Z"
)


@functools.cache
def timestamp(text):
    """The instant as a fraction of seconds, or the code of what is wrong."""
    found = TIMESTAMP.fullmatch(text)
    if not found:
        return "ts.form"
    year, month, day, hour, minute, second = (int(found[place]) for place in range(1, 7))
    try:
        days = datetime.date(year or 4, month, day).toordinal() - (datetime.date(4, 1, 1).toordinal() if not year else 0)
    except ValueError:
        return "ts.calendar"
    if second == 60 and (hour, minute) != (23, 59):
        return "ts.calendar"
    if second == 60:
        return Fraction(days * 86400 + hour * 3600 + minute * 60 + 60)
    return days * 86400 + hour * 3600 + minute * 60 + second + Fraction(int(found[8] or 0), 10 ** len(found[8] or ""))


def fraction_digits(text):
    found = TIMESTAMP.fullmatch(text)
    return len(found[8] or "")


# §6


def canonical(value):
    """RFC 8785 for what the fixtures hold: whole numbers and short decimals."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


def deterministic_id(thing):
    """The version 5 id of a known SCO, or None when nothing contributes."""
    chosen = {name: thing[name] for name in CONTRIBUTING[thing["type"]] if name in thing}
    if not chosen:
        return None
    if isinstance(chosen.get("hashes"), dict) and chosen["hashes"]:
        names = [name for name in ("MD5", "SHA-1", "SHA-256", "SHA-512") if name in chosen["hashes"]]
        name = (names or list(chosen["hashes"]))[0]
        chosen["hashes"] = {name: chosen["hashes"][name]}
    return f"{thing['type']}--{uuid.uuid5(uuid.UUID(SCO_NAMESPACE), canonical(chosen))}"


# §14

HASHES = {
    "MD5": r"[0-9a-fA-F]{32}",
    "SHA-1": r"[0-9a-fA-F]{40}",
    "SHA-256": r"[0-9a-fA-F]{64}",
    "SHA-512": r"[0-9a-fA-F]{128}",
    "SHA3-256": r"[0-9a-fA-F]{64}",
    "SHA3-512": r"[0-9a-fA-F]{128}",
    "SSDEEP": r"[0-9]+:[A-Za-z0-9+/]+:[A-Za-z0-9+/]+",
    "TLSH": r"(T1)?[0-9a-fA-F]{70}",
}


def hash_value(algorithm, text):
    return algorithm not in HASHES or bool(re.fullmatch(HASHES[algorithm], text))


# §1 and §17


def hexadecimal(text):
    return bool(re.fullmatch(f"({HEX}{HEX})+", text))


def base64_text(text):
    return bool(re.fullmatch(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text))


def _octets(text):
    return bool(re.fullmatch(r"(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}", text)) and all(
        int(part) < 256 for part in text.split(".")
    )


def _network(text, most, address):
    value, slash, length = text.partition("/")
    if slash and not (re.fullmatch(r"[0-9]{1,3}", length) and int(length) <= most):
        return False
    return address(value)


def ipv4(text):
    return _network(text, 32, _octets)


def _ipv6_address(text):
    if not re.fullmatch(r"[0-9A-Fa-f:.]+", text):
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def ipv6(text):
    return _network(text, 128, _ipv6_address)


def mac(text):
    return bool(re.fullmatch(f"({HEX}{{2}}:){{5}}{HEX}{{2}}", text))


def domain(text):
    """Labels of letters (any script), digits, hyphens, underscores; one dot may end the name."""
    text = text.removesuffix(".")
    labels = text.split(".")
    return len(text) <= 253 and all(
        1 <= len(label) <= 63
        and label[0] != "-"
        and label[-1] != "-"
        and all(char in "-_" or char.isalnum() or (char > "\x7f" and char.isprintable() and not char.isspace()) for char in label)
        for label in labels
    )


def email(text):
    local, _, host = text.partition("@")
    return bool(local and host) and "@" not in host and not re.search(r"[\s<>]", text)


_UNRESERVED = r"[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2}"
_PCHAR = f"(?:{_UNRESERVED}|[:@])"
_AUTHORITY = (
    rf"(?:(?:{_UNRESERVED}|:)*@)?(?:\[(?:[0-9A-Fa-f:.]+|v[0-9A-Fa-f]+\.(?:{_UNRESERVED}|:)+)\]|(?:{_UNRESERVED})*)(?::[0-9]*)?"
)
URL = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*:(?://{_AUTHORITY}(?:/{_PCHAR}*)*|/(?:{_PCHAR}+(?:/{_PCHAR}*)*)?|{_PCHAR}+(?:/{_PCHAR}*)*)?"
    rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"
)


def url(text):
    """RFC 3986 with a scheme and something after it."""
    return bool(URL.fullmatch(text)) and not text.endswith(":") and text.split(":", 1)[1] != ""


_AVSTRING = r"(?:[*-]|(?:\?+|\*)?(?:[A-Za-z0-9_.-]|\\[\\*?!\"#$%&'()+,/:;<=>@\[\]^`{|}~])+(?:\?+|\*)?)"
CPE = re.compile(
    rf"cpe:2\.3:[aho*-](?::{_AVSTRING}){{5}}:(?:[a-zA-Z]{{2,3}}(?:-(?:[a-zA-Z]{{2}}|[0-9]{{3}}))?|[*-])(?::{_AVSTRING}){{4}}"
)


def cpe(text):
    return bool(CPE.fullmatch(text))


_ALNUM = "[A-Za-z0-9]"
LANG = re.compile(
    rf"[A-Za-z]{{2,3}}(-[A-Za-z]{{3}}){{0,3}}(-[A-Za-z]{{4}})?(-([A-Za-z]{{2}}|[0-9]{{3}}))?"
    rf"(-({_ALNUM}{{5,8}}|[0-9]{_ALNUM}{{3}}))*(-[0-9A-WY-Za-wy-z](-{_ALNUM}{{2,8}})+)*(-[Xx](-{_ALNUM}{{1,8}})+)?"
    rf"|[Xx](-{_ALNUM}{{1,8}})+"
)


def lang(text):
    return bool(LANG.fullmatch(text))


def charset(text):
    return text.lower() in CHARSETS


def json_strict(text):
    """Parses under §3; ValueError for duplicates, lone surrogates, NaN, numbers out of range. U+0000 is a scalar
    value to §1, but security-and-durability.md §5.3 refuses it: open, so no case depends on it."""

    def pairs(found):
        names = [name for name, _ in found]
        if len(names) != len(set(names)):
            raise ValueError("duplicate member")
        return dict(found)

    def number(digits):
        value = float(digits)
        if value in (float("inf"), float("-inf")):
            raise ValueError("number out of range")
        return value

    def constant(name):
        raise ValueError(name)

    found = json.loads(text, object_pairs_hook=pairs, parse_float=number, parse_constant=constant)
    json.dumps(found, ensure_ascii=False).encode()
    return found
