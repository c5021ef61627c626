"""The oracle's rules for whole objects: identifiers, common properties, markings, extensions, bundles."""

import re

import stix_formats as formats
from pattern_oracle import problem
from stix_model import (
    COMMON, COMMON_TYPES, CONTRIBUTING, EXTENSION_NAME, KIND, LEVELS, PROPERTY_NAME, TLP1_BY_ID, TLP2_BY_ID,
    TYPE_NAME, VOCABULARIES, common_class, kind, level_named, properties,
)
from stix_oracle_values import Values, class_of, escape, is_target, is_type_name

SELECTOR = re.compile(r"[A-Za-z0-9_-]{1,250}(\.([A-Za-z0-9_-]{1,250}|\[(0|[1-9][0-9]*)\]))*")
HIVES = re.compile(r"(HKLM|HKCU|HKCR|HKU|HKCC)\\", re.I)


class Judge(Values):
    """Judges one object or bundle into the findings it was given."""

    def object(self, thing, pointer, embedded=None):
        """`embedded` is the container of a deprecated observed-data, where an SCO may lack its id."""
        if not isinstance(thing, dict) or not isinstance(thing.get("type"), str):
            self.error("obj.shape", pointer if not isinstance(thing, dict) else f"{pointer}/type")
            return
        if embedded is None and not isinstance(thing.get("id"), str):
            self.error("obj.shape", f"{pointer}/id")
            return
        if not is_type_name(thing["type"]):
            self.error("type.name", f"{pointer}/type")
            return
        found = class_of(thing)
        outer, self.skip = self.skip, found == "sco" and thing.get("defanged") is True
        self.findings.excused = embedded is None and is_known_level(thing)
        if "id" in thing:
            self.identifier(thing, found, pointer)
        self.common(thing, found, pointer, embedded)
        self.own(thing, found, pointer, embedded)
        if found != "bundle":
            self.selectors(thing, pointer)
        self.skip, self.findings.excused = outer, False

    # §5

    def identifier(self, thing, found, pointer):
        parts = formats.identifier(thing["id"])
        if not parts:
            self.error("id.form", f"{pointer}/id")
        elif parts[0] != thing["type"]:
            self.error("id.type", f"{pointer}/id")
        elif thing["type"] in CONTRIBUTING:
            if not set(CONTRIBUTING[thing["type"]]) & set(thing) and parts[1] != 4:
                self.error("id.v4-required", f"{pointer}/id")
            elif parts[1] == 5 and thing["id"] != formats.deterministic_id(thing):
                self.warn("id.deterministic", f"{pointer}/id")
        if parts and parts[1] != (5 if thing["type"] in CONTRIBUTING and CONTRIBUTING[thing["type"]] else 4):
            self.warn("id.version", f"{pointer}/id")

    # §4

    def common(self, thing, found, pointer, embedded):
        for name, level in COMMON[common_class(thing["type"], found)].items():
            place = f"{pointer}/{name}"
            if name not in thing:
                if level == "R" and not (name == "id" and embedded is not None):
                    self.error("spec_version" if name == "spec_version" else "prop.required", place)
            elif name == "extensions" and thing["type"] == "extension-definition":
                self.extensions(thing, found, place)
            elif level == "E" and (thing["type"], name) == ("marking-definition", "modified"):
                # OpenCTI sends it on every marking.
                self.error("prop.not-applicable", place, relaxed=True)
                self.value(kind(COMMON_TYPES[name]), thing[name], place)
            elif level == "E":
                self.error("prop.not-applicable", place)
            elif level == "W":
                self.warn("prop.not-applicable", place)
            elif name == "extensions":
                self.extensions(thing, found, place)
            elif name != "type":
                self.value(kind(COMMON_TYPES[name]), thing[name], place)
        if COMMON[common_class(thing["type"], found)]["modified"] == "R":
            self.order(thing, "modified", "created", False, pointer)

    def own(self, thing, found, pointer, embedded):
        name = thing["type"]
        known = properties(name) if KIND.get(name) in ("sdo", "sro", "sco", "meta") else {}
        if found == "bundle":
            self.bundle(thing, pointer)
            return
        for property_name, (wanted, required) in known.items():
            place = f"{pointer}/{property_name}"
            if property_name == "extensions":
                continue
            if property_name in thing:
                if embedded is not None and is_reference(property_name):
                    self.embedded_reference(wanted, thing[property_name], place, embedded)
                else:
                    self.value(wanted, thing[property_name], place)
            elif required:
                self.error("prop.required", place)
        for property_name in thing:
            if property_name not in known and property_name not in COMMON_TYPES:
                self.custom(property_name, thing[property_name], pointer, thing)
        if KIND.get(name) in ("sdo", "sro", "sco", "meta"):
            self.rules(name, thing, pointer)
        elif defined_by_extension(thing) and set(thing) <= set(COMMON_TYPES):
            self.error("ext.props", pointer)
        special = getattr(self, f"of_{name.replace('-', '_')}", None)
        if special:
            special(thing, pointer)

    def rule_atleast1(self, name, words, value, pointer):
        if KIND[name] != "sco" or not value.get("extensions"):
            super().rule_atleast1(name, words, value, pointer)

    # §10

    def is_granular(self, _, value, pointer):
        known = {"marking_ref": (kind("markref"), False), "lang": (kind("lang"), False)}
        if not isinstance(value, dict):
            self.error("prop.type", pointer)
            return
        self.nested({name: item for name, item in value.items() if name != "selectors"}, pointer, known)
        if ("marking_ref" in value) == ("lang" in value):
            self.error("mark.granular", pointer)
        selectors = value.get("selectors")
        if "selectors" not in value or selectors == []:
            self.error("mark.granular", f"{pointer}/selectors")
        elif selectors is None:
            self.error("json.null", f"{pointer}/selectors")
        elif not isinstance(selectors, list):
            self.error("prop.type", f"{pointer}/selectors")

    def selectors(self, thing, pointer):
        for place, marking in enumerate(as_list(thing.get("granular_markings"))):
            found = marking.get("selectors") if isinstance(marking, dict) else None
            for number, selector in enumerate(as_list(found)):
                where = f"{pointer}/granular_markings/{place}/selectors/{number}"
                if not isinstance(selector, str):
                    self.error("json.null" if selector is None else "prop.type", where)
                elif not SELECTOR.fullmatch(selector) or not resolves(thing, selector):
                    self.error("mark.selector", where)

    def of_marking_definition(self, thing, pointer):
        number, described = thing["id"], thing.get("definition_type")
        for place, marking in enumerate(as_list(thing.get("object_marking_refs"))):
            if marking == number:
                self.error("mark.self", f"{pointer}/object_marking_refs/{place}")
        for place, marking in enumerate(as_list(thing.get("granular_markings"))):
            if isinstance(marking, dict) and marking.get("marking_ref") == number:
                self.error("mark.self", f"{pointer}/granular_markings/{place}/marking_ref")
        if number in TLP1_BY_ID and thing != TLP1_BY_ID[number]:
            self.error("mark.tlp-fixed", pointer)
        elif described == "tlp" and number not in TLP1_BY_ID:
            self.error("mark.tlp-fixed", pointer, number in TLP2_BY_ID)
        if "extensions" not in thing and not ("definition_type" in thing and "definition" in thing):
            self.error("mark.definition", pointer)
        definition = thing.get("definition")
        if described == "statement" and isinstance(definition, dict) and not isinstance(definition.get("statement"), str):
            self.error("mark.definition", f"{pointer}/definition")

    def is_markingtype(self, _, value, pointer):
        self.string(value, pointer)

    def is_markingobj(self, _, value, pointer):
        if not isinstance(value, dict):
            self.error("mark.definition", pointer)

    # §11

    def is_langdict(self, _, value, pointer):
        if not self.items(value, pointer, dict):
            return
        for tag, inner in value.items():
            place = f"{pointer}/{escape(tag)}"
            if not formats.lang(tag):
                self.error("fmt.lang", place)
            if inner is None:
                self.error("json.null", place)
            elif self.items(inner, place, dict):
                for name in inner:
                    if not PROPERTY_NAME.fullmatch(name) or not (3 <= len(name) <= 250 or name == "id"):
                        self.error("prop.name", f"{place}/{escape(name)}")

    # §12

    def extensions(self, thing, found, pointer):
        value = thing["extensions"]
        if value is None:
            self.error("json.null", pointer)
            return
        if not self.items(value, pointer, dict):
            return
        known = properties(thing["type"]).get("extensions") if KIND.get(thing["type"]) == "sco" else None
        for key, entry in value.items():
            place = f"{pointer}/{escape(key)}"
            if known and key in known[0].of:
                self.value(kind(f"obj({key})"), entry, place)
                if entry == {}:
                    self.error("ext.empty", place)
            elif key.startswith("extension-definition--"):
                if not formats.identifier(key):
                    self.error("ext.key", place)
                elif thing["type"] == "extension-definition":
                    self.error("ext.key", place)
                else:
                    self.extension(entry, place)
            elif found == "sco" and key.endswith("-ext") and TYPE_NAME.fullmatch(key):
                if entry is None:
                    self.error("json.null", place)
                elif not isinstance(entry, dict):
                    self.error("prop.type", place)
                elif not entry:
                    self.error("ext.empty", place)
                self.large(entry, place)
            else:
                self.error("ext.key", place)

    def extension(self, entry, pointer):
        if entry is None:
            self.error("json.null", pointer)
        elif not isinstance(entry, dict):
            self.error("prop.type", pointer)
        elif entry.get("extension_type") not in VOCABULARIES["extension-type-enum"]["values"]:
            self.error("ext.type", f"{pointer}/extension_type")
        else:
            self.large(entry, pointer)
            for name in entry:
                if not EXTENSION_NAME.fullmatch(name):
                    self.error("ext.props", f"{pointer}/{escape(name)}", relaxed=True)
                elif not 3 <= len(name) <= 250:
                    self.error("ext.props", f"{pointer}/{escape(name)}")

    def of_extension_definition(self, thing, pointer):
        kinds = thing.get("extension_types")
        if "extension_properties" in thing and isinstance(kinds, list) and "toplevel-property-extension" not in kinds:
            self.error("rule.requires", f"{pointer}/extension_properties")

    # §13

    def bundle(self, thing, pointer):
        for name in thing:
            if name not in COMMON_TYPES and name != "objects":
                self.warn("prop.custom", f"{pointer}/{escape(name)}")
        if "objects" not in thing:
            return
        members = thing["objects"]
        if members is None:
            self.error("json.null", f"{pointer}/objects")
        elif not isinstance(members, list):
            self.error("prop.type", f"{pointer}/objects")
        elif not members:
            self.error("bundle.empty", f"{pointer}/objects")
        else:
            self.members(members, f"{pointer}/objects")

    def members(self, members, pointer):
        seen = {}
        for place, member in enumerate(members):
            where = f"{pointer}/{place}"
            if isinstance(member, dict) and member.get("type") == "bundle":
                self.error("bundle.nested", where)
                continue
            self.object(member, where)
            if isinstance(member, dict):
                key = (str(member.get("id")), instant(member.get("modified")))
                if key in seen:
                    (self.warn if without_defaults(seen[key]) == without_defaults(member) else self.error)("bundle.dup", where)
                seen.setdefault(key, member)
        self.marking_cycles(members, pointer)

    def marking_cycles(self, members, pointer):
        refs = {
            str(member.get("id")): as_list(member.get("object_marking_refs"))
            for member in members
            if isinstance(member, dict) and member.get("type") == "marking-definition"
        }
        for start in refs:
            reached, ahead = set(), list(refs[start])
            while ahead:
                found = ahead.pop()
                if isinstance(found, str) and found not in reached:
                    reached.add(found)
                    ahead += refs.get(found, [])
            if start in reached and start not in refs[start]:
                self.error("mark.self", pointer)

    # §15 to §17

    def of_indicator(self, thing, pointer):
        pattern = thing.get("pattern")
        if isinstance(pattern, str) and isinstance(thing.get("pattern_type"), str):
            if problem(pattern) if thing["pattern_type"] == "stix" else not pattern:
                self.error("indicator.pattern", f"{pointer}/pattern")

    def of_windows_registry_key(self, thing, pointer):
        if isinstance(thing.get("key"), str) and HIVES.match(thing["key"]):
            self.error("reg.hive", f"{pointer}/key", relaxed=True)

    def of_observed_data(self, thing, pointer):
        found = thing.get("object_refs")
        if isinstance(found, list) and found:
            targets = [formats.identifier(item) for item in found if isinstance(item, str)]
            if all(target and KIND.get(target[0]) == "sro" for target in targets) and len(targets) == len(found):
                self.error("rule.oneof", f"{pointer}/object_refs")

    def is_obscontainer(self, _, value, pointer):
        if not self.items(value, pointer, dict):
            return
        for key, entry in value.items():
            self.object(entry, f"{pointer}/{escape(key)}", embedded=value)

    def embedded_reference(self, wanted, value, pointer, container):
        """A key of the same container, or a full id."""
        inner = wanted.of if wanted.name == "list" else wanted
        if wanted.name == "list":
            if self.items(value, pointer, list):
                for place, item in enumerate(value):
                    self.embedded_reference(inner, item, f"{pointer}/{place}", container)
        elif isinstance(value, str) and value in container:
            target = container[value].get("type") if isinstance(container[value], dict) else None
            if not is_target(inner.of, target):
                self.error("ref.type", pointer)
        else:
            self.value(inner, value, pointer)


def is_known_level(thing):
    """The definition of a built-in level of TLP or PAP, however it is dressed: it names no other level, and defines
    nothing else without naming its own."""
    own = LEVELS.get(thing["id"]) if thing["type"] == "marking-definition" else None
    if not own:
        return False
    definition, extensions = thing.get("definition"), thing.get("extensions")
    levels = [level_named(thing.get(name), own) for name in ("name", "definition_type", "x_opencti_definition", "definition")]
    if isinstance(definition, dict):
        for name, value in definition.items():
            found = level_named(value, own)
            levels.append(found if name.lower() not in ("tlp", "pap") or (found and name.lower() == own[0]) else "other")
    for entry in extensions.values() if isinstance(extensions, dict) else ():
        if isinstance(entry, dict):
            for name, protocol in (("tlp_2_0", "tlp"), ("pap", "pap")):
                if name in entry:
                    levels.append((protocol == own[0] and level_named(entry[name], own)) or "other")
    named = {level for level in levels if level}
    return named <= {own} and (bool(named) or "definition" not in thing)


def defined_by_extension(thing):
    found = thing.get("extensions")
    return isinstance(found, dict) and any(
        isinstance(entry, dict) and str(entry.get("extension_type")).startswith("new-") for entry in found.values()
    )


def instant(text):
    """§7: .678Z equals .678000Z."""
    found = formats.timestamp(text) if isinstance(text, str) else text
    return text if isinstance(found, str) else found if found is None else str(found)


def without_defaults(thing):
    """§8: a property at its default may be absent, and that is no difference."""
    defaults = {"revoked": False, "defanged": False}
    if thing.get("type") == "sighting":
        defaults["summary"] = False
    if class_of(thing) == "sco":
        defaults["spec_version"] = "2.1"
    return {name: value for name, value in thing.items() if not (name in defaults and value == defaults[name])}


def as_list(value):
    return value if isinstance(value, list) else []


def is_reference(name):
    return name.endswith(("_ref", "_refs"))


def resolves(thing, selector):
    for step in selector.split("."):
        if step.startswith("["):
            place = int(step[1:-1])
            if not isinstance(thing, list) or place >= len(thing):
                return False
            thing = thing[place]
        elif not isinstance(thing, dict) or step not in thing:
            return False
        else:
            thing = thing[step]
    return True
