"""What deployed programs send, in their own shapes: a MISP event for the real converter, objects as OpenCTI's
server writes them, and as its connectors do."""

import uuid

# OpenCTI

OCTI = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"
OCTI_SCO = "extension-definition--f93e2c80-4231-4f9a-af8b-95c9bd566a82"
MITRE = "extension-definition--322b8f77-262a-4cb8-a915-1e441e00329b"
OCTI_AMBER_STRICT = "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37"
OCTI_PAP = {
    "CLEAR": "marking-definition--4cdff7eb-acb8-543f-8573-829eb9fe8b34",
    "GREEN": "marking-definition--89484dde-e3d2-547f-a6c6-d14824429eb1",
    "AMBER": "marking-definition--a6f20d4d-0360-59b6-ba22-3b48707828b1",
    "RED": "marking-definition--4e4e3b84-de45-53df-9d9b-b21207699fd8",
}
TLP1 = {
    "CLEAR": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "GREEN": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "AMBER": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "RED": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
WHEN = "2026-02-01T10:00:00.000Z"


def octi_extension(kind, **more):
    return {
        "extension_type": "property-extension", "id": str(uuid.uuid4()), "type": kind,
        "created_at": WHEN, "updated_at": "2026-02-01T10:00:01.000Z", "is_inferred": False,
        "creator_ids": ["88ec0c6a-13ce-5e39-b486-354fe4a7084f"],
    } | more


def octi_object(kind, refs, **more):
    """An object as the platform streams it: its own extension beside that of ATT&CK."""
    name = kind.lower()
    return {
        "id": f"{name}--{uuid.uuid4()}", "spec_version": "2.1", "type": name,
        "extensions": {OCTI: octi_extension(kind), MITRE: {"extension_type": "property-extension"}},
        "created": WHEN, "modified": WHEN, "revoked": False, "confidence": 75, "lang": "en",
        "object_marking_refs": refs,
    } | more


def octi_indicator(refs, **more):
    found = octi_object("Indicator", refs, name="login.example", pattern="[domain-name:value = 'login.example']",
                        pattern_type="stix", valid_from=WHEN, valid_until="2027-02-01T10:00:00.000Z") | more
    found["extensions"][OCTI] |= {"score": 50, "detection": True, "main_observable_type": "Domain-Name"}
    return found


def octi_domain(refs):
    return {
        "id": f"domain-name--{uuid.uuid4()}", "spec_version": "2.1", "type": "domain-name", "value": "login.example",
        "object_marking_refs": refs,
        "extensions": {
            OCTI: octi_extension("Domain-Name"),
            OCTI_SCO: {"extension_type": "property-extension", "labels": ["phishing"], "score": 50},
        },
    }


def octi_relationship(source, target, refs):
    found = octi_object("Relationship", refs, relationship_type="based-on", source_ref=source["id"], target_ref=target["id"])
    found["extensions"][OCTI] |= {"source_type": "Indicator", "target_type": "Domain-Name",
                                  "source_ref_object_marking_refs": refs, "target_ref_object_marking_refs": []}
    return found


def octi_report(objects, refs):
    return octi_object("Report", refs, name="Phishing", published=WHEN, object_refs=[one["id"] for one in objects])


def octi_definition(of, kind, definition):
    """A marking as connectors write it, with what the standard's types cannot say in properties of their own."""
    return {
        "type": "marking-definition", "spec_version": "2.1", "id": of, "created": "2026-02-01T10:00:00.123456Z",
        "definition_type": "statement", "definition": {"statement": "custom"},
        "x_opencti_definition_type": kind, "x_opencti_definition": definition,
    }


def octi_server_definition(of, kind, definition):
    """A marking as the platform streams it: with `modified` and without `definition`."""
    return {
        "id": of, "spec_version": "2.1", "type": "marking-definition",
        "extensions": {OCTI: octi_extension("Marking-Definition", order=3, color="#d84315")},
        "created": "2026-01-20T09:00:00.000Z", "modified": "2026-02-01T09:00:00.000Z",
        "name": definition, "definition_type": kind,
    }


# MISP

ORGANISATION = {"id": "1", "name": "CERT A", "uuid": "a0c22599-9e58-4da4-96ac-7051603fa951"}


def misp_event(number, tags, attributes, objects=(), published=True):
    return {"Event": {
        "uuid": f"5e384ae7-672c-4250-9cda-{number:012x}", "info": "Phishing against a bank", "date": "2026-02-01",
        "timestamp": "1770000000", "published": published, "publish_timestamp": "1770000100", "analysis": "2",
        "threat_level_id": "2", "distribution": "1", "Org": ORGANISATION, "Orgc": ORGANISATION,
        "Tag": [{"name": tag} for tag in tags], "Attribute": attributes, "Object": list(objects),
    }}


def misp_attribute(number, kind, value, tags=(), to_ids=True, category="Network activity", **more):
    return {
        "uuid": f"91ae0a21-c7ae-4c7f-b84b-{number:012x}", "type": kind, "category": category, "value": value,
        "to_ids": to_ids, "timestamp": "1770000000", "Tag": [{"name": tag} for tag in tags],
    } | more


def misp_sighting(number):
    return {"id": "1", "uuid": f"7ea6bb00-0000-4000-8000-{number:012x}", "type": "0", "source": "",
            "date_sighting": "1770000500", "Organisation": {"name": "Victim Bank", "uuid": "b0c22599-9e58-4da4-96ac-7051603fa951"}}


# Splunk


def splunk_definition(level, of):
    """TLP 2.0 with microseconds in `created`, as python-stix2 writes it."""
    return {
        "type": "marking-definition", "spec_version": "2.1", "id": of, "created": "2022-10-01T00:00:00.000000Z",
        "name": f"TLP:{level}", "extensions": {"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {
            "extension_type": "property-extension", "tlp_2_0": level.lower()}},
    }
