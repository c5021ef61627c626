"""The oracle's checks of single values: one method for each kind of the model (stix_model.kind), and the rules of
the tables. What the reference says, §1 to §3, §7, §9, §12, §14 and §17."""

import re

import stix_formats as formats
from stix_model import (
    DICTIONARY_KEY, KIND, PROPERTY_NAME, RELAXED_NAME, RESERVED, TYPE_NAME, TYPES, VOCABULARIES, kind, properties,
)

LARGEST = 2**53 - 1


def escape(name):
    return name.replace("~", "~0").replace("/", "~1")


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool) or isinstance(value, float) and value.is_integer()


class Values:
    """Checks of one value against a kind. `self.skip` is on while a defanged SCO's formats are not judged."""

    def __init__(self, findings):
        self.findings, self.skip = findings, False
        self.error, self.warn = findings.error, findings.warn

    def value(self, wanted, value, pointer):
        if value is None:
            self.error("json.null", pointer)
            return
        getattr(self, f"is_{wanted.name.replace('.', '_').replace('!', '')}")(wanted.of, value, pointer)

    def string(self, value, pointer):
        if isinstance(value, str):
            return True
        self.error("prop.type", pointer)
        return False

    def items(self, value, pointer, json_type):
        """Whether it is a list or object with something in it."""
        if not isinstance(value, json_type):
            self.error("prop.type", pointer)
        elif not value:
            self.error("prop.empty", pointer)
        return isinstance(value, json_type) and bool(value)

    # Plain kinds, §1

    def is_str(self, _, value, pointer):
        self.string(value, pointer)

    def is_bool(self, _, value, pointer):
        if not isinstance(value, bool):
            self.error("prop.type", pointer)

    def is_int(self, bounds, value, pointer):
        if not is_integer(value):
            self.error("prop.type", pointer)
        elif abs(value) > LARGEST or bounds and not bounds[0] <= value <= (LARGEST if bounds[1] is None else bounds[1]):
            self.error("prop.range", pointer)

    def is_num(self, bounds, value, pointer):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.error("prop.type", pointer)
        elif bounds and not bounds[0] <= value <= bounds[1]:
            self.error("prop.range", pointer)

    def is_or(self, kinds, value, pointer):
        if value is None or not (isinstance(value, str) or is_integer(value)):
            self.error("prop.type", pointer)
        elif not isinstance(value, str):
            self.is_int(None, value, pointer)

    def is_list(self, inner, value, pointer):
        if self.items(value, pointer, list):
            for place, item in enumerate(value):
                self.value(inner, item, f"{pointer}/{place}")

    def is_dict(self, inner, value, pointer):
        if not self.items(value, pointer, dict):
            return
        for key, item in value.items():
            if not DICTIONARY_KEY.fullmatch(key):
                self.error("prop.name", f"{pointer}/{escape(key)}")
            place = f"{pointer}/{escape(key)}"
            if item is None:
                self.error("json.null", place)
            elif inner and inner.name == "list" and isinstance(item, str):
                self.error("prop.type", place, relaxed=True)
            elif inner:
                self.value(inner, item, place)

    # Strings with a form

    def form(self, code, test, value, pointer, relaxed=None):
        if self.string(value, pointer) and not self.skip and not test(value):
            self.error(code, pointer, bool(relaxed and relaxed(value)))

    def is_hex(self, _, value, pointer):
        self.form("fmt.hex", formats.hexadecimal, value, pointer, lambda text: formats.hexadecimal(text.lower()))

    def is_bin(self, _, value, pointer):
        self.form("fmt.base64", formats.base64_text, value, pointer)

    def is_url(self, _, value, pointer):
        self.form("fmt.url", formats.url, value, pointer)

    def is_charset(self, _, value, pointer):
        self.form("fmt.charset", formats.charset, value, pointer)

    def is_domain(self, _, value, pointer):
        self.form("fmt.domain", formats.domain, value, pointer)

    def is_email(self, _, value, pointer):
        self.form("fmt.email", formats.email, value, pointer)

    def is_ipv4cidr(self, _, value, pointer):
        self.form("fmt.ipv4", formats.ipv4, value, pointer)

    def is_ipv6cidr(self, _, value, pointer):
        self.form("fmt.ipv6", formats.ipv6, value, pointer)

    def is_mac(self, _, value, pointer):
        self.form("fmt.mac", formats.mac, value, pointer)

    def is_cpe23(self, _, value, pointer):
        self.form("fmt.cpe", formats.cpe, value, pointer)

    def is_lang(self, _, value, pointer):
        self.form("fmt.lang", formats.lang, value, pointer)

    def is_reltype(self, _, value, pointer):
        self.form("rel.type-name", lambda text: re.fullmatch("[a-z0-9-]+", text), value, pointer)

    def is_specversion(self, _, value, pointer):
        if value != "2.1":
            self.error("spec_version", pointer)

    def is_reserved(self, _, value, pointer):
        self.error("prop.reserved", pointer)

    def is_enum(self, name, value, pointer):
        if self.string(value, pointer) and value not in VOCABULARIES[name]["values"]:
            self.error("enum", pointer)

    def is_ov(self, name, value, pointer):
        if self.string(value, pointer) and value not in VOCABULARIES[name]["values"]:
            self.warn("vocab", pointer)

    # Timestamps, §7

    def is_ts(self, digits, value, pointer):
        if not self.string(value, pointer):
            return
        found = formats.timestamp(value)
        if isinstance(found, str):
            self.error(found, pointer)
        elif digits and not digits(formats.fraction_digits(value)):
            self.error("ts.precision", pointer)

    def is_ts_ms(self, _, value, pointer):
        self.is_ts(lambda count: count >= 3, value, pointer)

    def is_ts_s(self, _, value, pointer):
        self.is_ts(lambda count: count == 0, value, pointer)

    # References, §9

    def reference(self, value, pointer, allowed, code=None):
        """`allowed` says whether a type part is a right target."""
        if not self.string(value, pointer):
            return
        found = formats.identifier(value)
        if not found:
            self.error("ref.form", pointer)
        elif not allowed(found[0]):
            self.error(code or "ref.type", pointer)

    def is_id(self, names, value, pointer):
        self.reference(value, pointer, lambda target: is_target(names, target))

    def is_markref(self, _, value, pointer):
        self.reference(value, pointer, lambda target: target == "marking-definition", "mark.ref")

    def is_ownid(self, _, value, pointer):
        """Judged with the whole object."""

    # Dictionaries and objects, §14

    def is_hashes(self, _, value, pointer):
        if not self.items(value, pointer, dict):
            return
        for key, item in value.items():
            place = f"{pointer}/{escape(key)}"
            if not DICTIONARY_KEY.fullmatch(key) or len(key) < 3:
                self.error("hash.key", place)
            elif key not in formats.HASHES:
                self.warn("hash.key", place)
            if item is None:
                self.error("json.null", place)
            elif self.string(item, place) and not formats.hash_value(key, item):
                self.error("hash.value", place)

    def is_kcp(self, _, value, pointer):
        self.nested(value, pointer, {"kill_chain_name": (kind("str"), True), "phase_name": (kind("str"), True)})

    def is_extref(self, _, value, pointer):
        self.nested(value, pointer, EXTERNAL_REFERENCE)
        if not isinstance(value, dict):
            return
        source, number = value.get("source_name"), value.get("external_id")
        if source == "":
            self.error("prop.empty", f"{pointer}/source_name")
        if not {"description", "url", "external_id"} & set(value):
            self.error("extref.detail", pointer)
        for name, form in (("cve", r"CVE-\d{4}-\d{4,}"), ("capec", r"CAPEC-\d+")):
            if source == name and isinstance(number, str) and not re.fullmatch(form, number, re.A):
                self.error(f"extref.{name}", f"{pointer}/external_id")

    def is_obj(self, name, value, pointer):
        self.nested(value, pointer, properties(name))
        if isinstance(value, dict):
            self.rules(name, value, pointer)

    def nested(self, value, pointer, known):
        """An object inside another: known members by their kinds, others as custom content."""
        if not isinstance(value, dict):
            self.error("prop.type", pointer)
            return
        for name, (wanted, required) in known.items():
            if name in value:
                self.value(wanted, value[name], f"{pointer}/{escape(name)}")
            elif required:
                self.error("prop.required", f"{pointer}/{name}")
        for name in value:
            if name not in known:
                self.custom(name, value[name], pointer)

    # Custom content, §2, §12

    def custom(self, name, value, pointer, siblings=None):
        place = f"{pointer}/{escape(name)}"
        if name in RESERVED:
            self.error("prop.reserved", place)
        elif not PROPERTY_NAME.fullmatch(name) or not 3 <= len(name) <= 250:
            self.error("prop.name", place, bool(RELAXED_NAME.fullmatch(name)) and 3 <= len(name) <= 250)
        if value is None:
            self.error("json.null", place)
        elif value in ([], {}) and isinstance(value, (list, dict)):
            self.error("prop.empty", place)
        else:
            self.suffix(name, value, place, siblings)
            self.large(value, place)

    def suffix(self, name, value, place, siblings):
        if name.endswith("_ref"):
            good = isinstance(value, str) and formats.identifier(value)
        elif name.endswith("_refs"):
            good = isinstance(value, list) and all(isinstance(item, str) and formats.identifier(item) for item in value)
        elif name.endswith("_bin"):
            good = isinstance(value, str) and formats.base64_text(value)
        elif name.endswith("_hex"):
            good = isinstance(value, str) and formats.hexadecimal(value)
            if not good and isinstance(value, str) and formats.hexadecimal(value.lower()):
                self.error("prop.suffix", place, relaxed=True)
                return
        elif name.endswith("_enc"):
            good = isinstance(value, str) and name.removesuffix("_enc") in (siblings or ())
        else:
            return
        if not good:
            self.error("prop.suffix", place)

    def large(self, value, place):
        """I-JSON, §3: whole numbers within 2^53 - 1 in custom content too, which interop relaxes."""
        if isinstance(value, int) and abs(value) > LARGEST:
            self.error("prop.range", place, relaxed=True)
        elif isinstance(value, (list, dict)):
            for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
                self.large(inner, f"{place}/{escape(str(step))}")

    # Rules of the tables

    def rules(self, name, value, pointer):
        for rule in TYPES[name]["rules"]:
            words = rule.split()
            getattr(self, f"rule_{words[0]}")(name, words[1:], value, pointer)

    def rule_cmp(self, _, words, value, pointer):
        self.order(value, words[0], words[2], words[1] == ">", pointer)

    def order(self, value, later, earlier, is_strict, pointer):
        late, early = value.get(later), value.get(earlier)
        if not (isinstance(late, str) and isinstance(early, str)):
            return
        late, early = formats.timestamp(late), formats.timestamp(early)
        if not isinstance(late, str) and not isinstance(early, str) and (late <= early if is_strict else late < early):
            self.error("ts.order", f"{pointer}/{later}")

    def rule_anyof(self, _, words, value, pointer):
        choices = " ".join(words).split(" | ")
        if not any(all(part in value for part in choice.split("+")) for choice in choices):
            self.error("rule.oneof", pointer)

    def rule_oneof(self, _, words, value, pointer):
        if sum(choice in value for choice in " ".join(words).split(" | ")) != 1:
            self.error("rule.oneof", pointer)

    def rule_requires(self, _, words, value, pointer):
        if words[0] in value and words[1] not in value:
            self.error("rule.requires", f"{pointer}/{words[1]}")

    def rule_if(self, _, words, value, pointer):
        name, wanted = words[0].split("=")
        present = words[2] in value
        if value.get(name) is (wanted == "true") and present != (words[1] == "requires"):
            self.error("rule.requires", f"{pointer}/{words[2]}")

    def rule_atleast1(self, name, words, value, pointer):
        if not (set(properties(name)) - set(words[1:])) & set(value):
            self.error("rule.oneof", pointer)


EXTERNAL_REFERENCE = {
    "source_name": (kind("str"), True),
    "description": (kind("str"), False),
    "url": (kind("url"), False),
    "hashes": (kind("hashes!"), False),
    "external_id": (kind("str"), False),
}


def is_target(names, target):
    found = KIND.get(target)
    if found in ("ext", "type"):
        found = None
    for name in names:
        if name == "*" and found != "bundle" or name.lower() == found or name == target:
            return True
        # §9: an unknown type part is accepted wherever an SDO or SCO is.
        if name in ("SDO", "SCO") and found is None:
            return True
    return False


def class_of(thing):
    """sdo, sro, sco, meta or bundle; §12 for types that are not of the standard."""
    name = thing["type"]
    if KIND.get(name) in ("sdo", "sro", "sco", "meta", "bundle"):
        return KIND[name]
    extensions = thing.get("extensions")
    if isinstance(extensions, dict):
        for entry in extensions.values():
            if isinstance(entry, dict) and entry.get("extension_type") in ("new-sdo", "new-sco", "new-sro"):
                return entry["extension_type"].removeprefix("new-")
    return "sdo" if "created" in thing or "modified" in thing else "sco"


def is_type_name(text):
    return bool(TYPE_NAME.fullmatch(text)) and 3 <= len(text) <= 250 and text != "action"

