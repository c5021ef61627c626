"""What can go wrong with one value: for each kind of the model, values that break it (with the rule they
break) and values that keep it. Written from the tables of the reference, without the oracle.

    mutations(kind, value)  ->  (label, new value, code or None, pointer below the value)
"""

from stix_formats import HASHES
from stix_model import KIND, OBJECT_TYPES, VOCABULARIES

MISSING = object()
UUID4 = "3f0e9a5c-7f1d-4b7e-9c55-0d6a5a1f2b3c"
WRONG = {
    "string": "5",
    "integer": 5,
    "fraction": 5.5,
    "boolean": True,
    "list": ["5"],
    "object": {"abc": "5"},
}
# The JSON types that each kind takes; strings for all others.
TAKES = {
    "bool": ("boolean",),
    "int": ("integer",),
    "num": ("integer", "fraction"),
    "or": ("integer", "string"),
    "list": ("list",),
    "dict": ("object",),
    "hashes!": ("object",),
    "kcp": ("object",),
    "extref": ("object",),
    "granular": ("object",),
    "obj": ("object",),
    "exts": ("object",),
    "obscontainer": ("object",),
    "langdict": ("object",),
    "markingobj": ("object",),
}
BAD = {
    "hex": ("fmt.hex", ("0", "0g", "00 11", "", "0x00", "00\n")),
    "bin": ("fmt.base64", ("QQ=", "Q", "QUJD\nQUJD", "QUJD-_==", "QQ==QQ==", "QU[...]==")),
    "url": ("fmt.url", ("www.example.com", "https:", "https://example.com/a b", "https://example.com/<a>", "https://example.com/%zz", "/a")),
    "domain": ("fmt.domain", ("-a.example", "a..example", "a b.example", "a" * 64 + ".example", "", "a.example/", "a[.]example")),
    "email": ("fmt.email", ("a", "@example.com", "a@", "a@b@example.com", "A <a@example.com>", "a b@example.com", "")),
    "ipv4cidr": ("fmt.ipv4", ("198.51.100", "198.51.100.300", "198.51.100.01", "198.51.100.1/33", "2001:db8::1", "198.51.100.1/", "")),
    "ipv6cidr": ("fmt.ipv6", ("2001:db8", "2001::db8::1", "2001:db8::1/129", "fe80::1%eth0", "198.51.100.1", "[2001:db8::1]", "")),
    "mac": ("fmt.mac", ("00:00:5E:00:53:AF", "00-00-5e-00-53-af", "0:0:5e:0:53:af", "00:00:5e:00:53", "")),
    "cpe23": ("fmt.cpe", ("cpe:/a:example:office:11", "cpe:2.3:a:example:office", "office", "cpe:2.3:z:a:b:1:*:*:*:*:*:*:*", "")),
    "lang": ("fmt.lang", ("english", "e", "en_GB", "en-", "", "en GB", "en-x")),
    "charset": ("fmt.charset", ("UNICODE-99", "", "utf 8")),
    "reltype": ("rel.type-name", ("Uses", "uses_it", "uses it", "", "uses.it")),
}
GOOD = {
    "hex": ("00", "0123456789abcdef"),
    "bin": ("QQ==", "QUI=", "QUJD"),
    "url": ("urn:example:a", "https://[2001:db8::1]/?a#b", "mailto:a@example.com"),
    "domain": ("example", "a-b.c_d.example", "bücher.example", "example.com."),
    "email": ("a+b@example.com", "a@localhost"),
    "ipv4cidr": ("0.0.0.0", "255.255.255.255/0", "198.51.100.7/32"),
    "ipv6cidr": ("::", "::ffff:198.51.100.7", "2001:DB8::/32", "1:2:3:4:5:6:7:8/128"),
    "mac": ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"),
    "cpe23": ("cpe:2.3:o:example:system:-:*:*:*:*:*:*:*",),
    "lang": ("nl", "zh-Hant-TW", "es-419", "x-own", "de-CH-1996"),
    "charset": ("UTF-8", "ISO-8859-1"),
    "reltype": ("a-1", "2-own"),
}
BAD_TIMES = (
    ("ts.form", "2026-02-03T08:15:30.250+00:00"), ("ts.form", "2026-02-03T08:15:30.250"), ("ts.form", "2026-02-03 08:15:30.250Z"),
    ("ts.form", "2026-02-03"), ("ts.form", "2026-02-03T08:15:30.Z"), ("ts.form", "2026-13-03T08:15:30.250Z"),
    ("ts.form", "2026-02-03T24:00:00.000Z"), ("ts.form", "2026-02-03t08:15:30.250z"), ("ts.form", ""),
    ("ts.form", "2026-02-03T08:15:30.250Z\n"), ("ts.calendar", "2026-02-30T00:00:00.000Z"),
    ("ts.calendar", "2025-02-29T00:00:00.000Z"), ("ts.calendar", "2026-06-31T00:00:00.000Z"), ("ts.calendar", "2026-02-03T08:15:60.000Z"),
)
GOOD_TIMES = ("2024-02-29T23:59:59.123456789Z", "2016-12-31T23:59:60.000Z")
BAD_IDS = (UUID4, "{}-" + UUID4, "{}--" + UUID4[:-1], "{}--" + UUID4 + "\n", "{}--00000000-0000-0000-0000-000000000000",
           "{}--" + UUID4.replace("-4b7e", "-9b7e"), "{}--" + UUID4.replace("-9c55", "-1c55"), "", "{}")
GOOD_IDS = ("{}--" + UUID4, "{}--" + UUID4.upper(), "{}--" + UUID4.replace("-4b7e", "-7b7e"), "{}--" + UUID4.replace("-4b7e", "-1b7e"))


def mutations(kind, value, thorough=True):
    """All mutations of a value; fewer where the same kind is met many times over."""
    yield "null", None, "json.null", ""
    taken = TAKES.get(kind.name, ("string",))
    wrong = [name for name in WRONG if name not in taken]
    for name in wrong if thorough else wrong[:2]:
        yield f"{name} instead", WRONG[name], "mark.definition" if kind.name == "markingobj" else "prop.type", ""
    found = list(_of_kind(kind, value))
    yield from found if thorough else found[:4]


def _of_kind(kind, value):
    name = kind.name
    if name in BAD:
        yield from ((f"bad {text[:24]!r}", text, BAD[name][0], "") for text in BAD[name][1])
        yield from ((f"good {text[:24]!r}", text, None, "") for text in GOOD[name])
    elif name.startswith("ts"):
        yield from _times(name)
    elif name in ("id", "markref"):
        yield from _references(kind)
    elif maker := _MAKERS.get(name):
        yield from maker(kind, value)


def _times(name):
    digits = {"ts.ms": ".250Z", "ts.s": "Z"}.get(name)
    for code, text in BAD_TIMES:
        text = text.replace(".250", "").replace(".000", "") if name == "ts.s" else text
        yield f"bad {text!r}", text, code, ""
    for text in GOOD_TIMES:
        yield f"good {text!r}", text.split(".")[0].removesuffix("Z") + "Z" if name == "ts.s" else text, None, ""
    if digits == ".250Z":
        for text in ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00.1Z", "2026-03-01T00:00:00.12Z"):
            yield f"precision {text!r}", text, "ts.precision", ""
    elif digits == "Z":
        yield "precision", "2026-03-01T00:00:00.0Z", "ts.precision", ""
    else:
        yield "good without fraction", "2026-03-01T00:00:00Z", None, ""


def targets(kind):
    """Right and wrong types of a reference, custom types included."""
    if kind.name == "markref":
        return ["marking-definition"], ["identity", "tool", "bundle", "x-example-hunt", "file"]
    classes = {name.lower() for name in kind.of if name in ("SDO", "SCO", "SRO")}
    if kind.of == ("*",):
        return [*OBJECT_TYPES, "x-example-hunt"], ["bundle"]
    right = [name for name in OBJECT_TYPES if name in kind.of or KIND[name] in classes]
    wrong = [name for name in (*OBJECT_TYPES, "bundle") if name not in right]
    (right if classes & {"sdo", "sco"} else wrong).append("x-example-hunt")
    return right, wrong


def _references(kind):
    right, wrong = targets(kind)
    for form in BAD_IDS:
        yield f"bad {form!r}", form.format(right[0]), "ref.form", ""
    for form in GOOD_IDS:
        yield f"good {form!r}", form.format(right[-1]), None, ""
    for name in right:
        yield f"to {name}", f"{name}--{UUID4}", None, ""
    for name in wrong:
        yield f"to {name}", f"{name}--{UUID4}", "mark.ref" if kind.name == "markref" else "ref.type", ""


def _strings(kind, value):
    yield "empty", "", None, ""
    yield "long", "x" * 5000, None, ""
    yield "beyond ASCII", "冬\u0001\u202e\U0001f9ca", None, ""


def _integers(kind, value):
    low, high = kind.of or (None, None)
    for number in (-(2**53), 2**53, 1e300):
        yield f"{number}", number, "prop.range", ""
    yield "5.0", 5.0, None, ""
    yield "high", high if high is not None else 2**53 - 1, None, ""
    if low is None:
        yield "smallest", -(2**53) + 1, None, ""
    else:
        yield "low", low, None, ""
        yield "below", low - 1, "prop.range", ""
    if high is not None:
        yield "above", high + 1, "prop.range", ""


def _numbers(kind, value):
    yield "exponent", 1e-7, None, ""
    if kind.of:
        for number, code in ((kind.of[0], None), (kind.of[1], None), (kind.of[0] - 0.001, "prop.range"), (kind.of[1] + 0.001, "prop.range")):
            yield f"{number}", number, code, ""


def _lists(kind, value):
    yield "empty list", [], "prop.empty", ""
    yield "null at the end", [*value, None], "json.null", f"/{len(value)}"
    yield "list in a list", [value], "mark.definition" if kind.of.name == "markingobj" else "prop.type", "/0"
    if kind.of.name in ("kcp", "extref", "granular", "obj"):
        return
    for label, item, code, below in mutations(kind.of, value[-1]):
        if item is not None and not label.startswith(("good", "to ")) or label.startswith("good"):
            yield f"last: {label}", [*value[:-1], item], code, f"/{len(value) - 1}{below}"
        elif label.startswith("to "):
            yield f"more: {label}", [*value, item], code, f"/{len(value)}{below}"


def _dictionaries(kind, value):
    yield "empty", {}, "prop.empty", ""
    key, item = next(iter(value.items()))
    yield "null value", {**value, key: None}, "json.null", f"/{key}"
    for bad in ("a b", "a.b", "ä", "", "a/b", "k" * 251):
        yield f"key {bad[:9]!r}", {**value, bad: item}, "prop.name", "/" + bad.replace("/", "~1")
    for good in ("Aa-_9", "k" * 250, "k"):
        yield f"key {good[:9]!r}", {**value, good: item}, None, f"/{good}"
    if kind.of:
        for label, changed, code, below in mutations(kind.of, item):
            if changed is not None:
                yield f"value: {label}", {**value, key: changed}, code, f"/{key}{below}"


def _hashes(kind, value):
    yield "empty", {}, "prop.empty", ""
    for name in HASHES:
        for bad in ("", "0", "0" * 63, "g" * 64, "0" * 130):
            yield f"{name} {bad[:4]!r} of {len(bad)}", {**value, name: bad}, "hash.value", f"/{name}"
        yield f"{name} a number", {**value, name: 5}, "prop.type", f"/{name}"
        yield f"{name} null", {**value, name: None}, "json.null", f"/{name}"
    for bad in ("md", "SHA 256", "a.b", "", "h" * 251):
        yield f"key {bad[:9]!r}", {**value, bad: "00"}, "hash.key", f"/{bad}"
    for good in ("SHA256", "x_example_hash", "abc", "h" * 250):
        yield f"key {good[:9]!r}", {**value, good: "00"}, None, f"/{good}"
    yield "capitals", {name: text.upper() if name != "SSDEEP" else text for name, text in value.items()}, None, ""


def _enums(kind, value):
    values = VOCABULARIES[kind.of]["values"]
    for bad in ("", "something-else", value.swapcase(), value + " ", f"{value},{value}"):
        yield f"bad {bad!r}", bad, "enum", ""
    yield from ((f"good {good!r}", good, None, "") for good in values)


def _vocabularies(kind, value):
    yield "other value", "something-else", None, ""
    yield "bad style", "Some Thing_Else", None, ""
    yield from ((f"good {good!r}", good, None, "") for good in VOCABULARIES[kind.of]["values"][:3])


def _translations(kind, value):
    tag, inner = next(iter(value.items()))
    yield "empty", {}, "prop.empty", ""
    for bad in ("english", "en_GB", "e", "", "en GB"):
        yield f"tag {bad!r}", {**value, bad: inner}, "fmt.lang", f"/{bad}"
    for good in ("fil", "zh-Hant-TW", "de-CH-1996", "es-419", "x-own"):
        yield f"tag {good!r}", {**value, good: inner}, None, f"/{good}"
    for label, item, code in (("null", None, "json.null"), ("a string", "x", "prop.type"), ("a list", ["x"], "prop.type"), ("empty", {}, "prop.empty")):
        yield f"inner {label}", {**value, tag: item}, code, f"/{tag}"
    for bad in ("Name", "x-name", "ab", "9lives"):
        yield f"inner name {bad!r}", {**value, tag: {**inner, bad: "x"}}, "prop.name", f"/{tag}/{bad}"
    yield "mirrored list and object", {**value, tag: {"aliases": ["", "x"], "kill_chain_phases": [{"phase_name": "x"}]}}, None, f"/{tag}"


def _containers(kind, value):
    yield "empty", {}, "prop.empty", ""
    for label, item in (("null", None), ("a string", "url"), ("without type", {"value": "https://a.example/"})):
        yield f"entry {label}", {**value, "9": item}, "?", "/9"
    yield "entry with a name as key", {**value, "any key at all": {"type": "mutex", "name": "x"}}, None, "/any key at all"
    yield "entry of a custom type", {**value, "9": {"type": "x-example-badge", "serial": "1"}}, None, "/9"
    yield "entry without a required property", {**value, "9": {"type": "mutex"}}, "prop.required", "/9/name"
    yield "entry with a good id", {**value, "9": {"type": "mutex", "name": "x", "id": f"mutex--{UUID4}"}}, None, "/9"
    known = {"type": "domain-name", "value": "a.example"}
    yield "reference to nothing", {**value, "9": {**known, "resolves_to_refs": ["77"]}}, "ref.form", "/9/resolves_to_refs/0"
    yield "reference to a full id", {**value, "9": {**known, "resolves_to_refs": [f"ipv4-addr--{UUID4}"]}}, None, "/9"
    yield "reference to itself", {**value, "9": {**known, "resolves_to_refs": ["9"]}}, None, "/9"
    yield "reference to a wrong type", {**value, "8": {"type": "mutex", "name": "x"}, "9": {**known, "resolves_to_refs": ["8"]}}, "ref.type", "/9/resolves_to_refs/0"
    yield "reference to a wrong full id", {**value, "9": {**known, "resolves_to_refs": [f"mutex--{UUID4}"]}}, "ref.type", "/9/resolves_to_refs/0"


_MAKERS = {
    "langdict": _translations, "obscontainer": _containers,
    "str": _strings, "int": _integers, "num": _numbers, "list": _lists, "dict": _dictionaries, "hashes!": _hashes,
    "enum": _enums, "ov": _vocabularies,
}
