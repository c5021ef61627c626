"""STIX objects that foreign servers are seeded with: made by rule, so that a test knows each id and version."""

import datetime
import random
import uuid

EPOCH = datetime.datetime(2025, 3, 1, 8, 0, tzinfo=datetime.timezone.utc)


def stamp(moment, digits=6):
    """A timestamp of STIX (3 digits) or TAXII (6 digits)."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[: 20 + digits] + "Z"


def identity_of(seed=1, **members):
    return {
        "type": "identity", "spec_version": "2.1", "id": f"identity--{uuid4_from(random.Random(f'identity {seed}'))}",
        "created": stamp(EPOCH, 3), "modified": stamp(EPOCH, 3), "name": f"Foreign CERT {seed}", "identity_class": "organization",
    } | members


def uuid4_from(source):
    return uuid.UUID(int=source.getrandbits(128), version=4)


def indicators(count, seed=1, versions=1, revised_every=5, **members):
    """`count` indicators of one creator, the oldest first; every `revised_every`th has `versions` versions, each an
    hour after the one before. The versions of an object follow each other, as its producer would have sent them."""
    source, made = random.Random(f"indicators {seed}"), []
    creator = identity_of(seed)["id"]
    for number in range(count):
        created = EPOCH + datetime.timedelta(minutes=number)
        identifier = f"indicator--{uuid4_from(source)}"
        for version in range(versions if number % revised_every == 0 else 1):
            made.append({
                "type": "indicator", "spec_version": "2.1", "id": identifier, "created_by_ref": creator, "created": stamp(created, 3),
                "modified": stamp(created + datetime.timedelta(hours=version), 3), "name": f"indicator {number}, version {version + 1}",
                "indicator_types": ["malicious-activity"], "pattern": f"[domain-name:value = 'host-{number}.seed-{seed}.example']",
                "pattern_type": "stix", "valid_from": stamp(created, 3),
            } | members)
    return made


def indicators_20(count, seed=1, versions=1, revised_every=5):
    """The same in STIX 2.0: labels are required, and there is neither spec_version nor pattern_type."""
    made = []
    for found in indicators(count, seed, versions, revised_every):
        kept = {name: value for name, value in found.items() if name not in ("spec_version", "pattern_type", "indicator_types")}
        made.append(kept | {"labels": ["malicious-activity"]})
    return made


def last_versions(objects):
    """The latest version of each id, in the order in which the ids first appear."""
    latest = {}
    for found in objects:
        if found["id"] not in latest or found["modified"] > latest[found["id"]]["modified"]:
            latest[found["id"]] = found
    return list(latest.values())


def keys_of(objects):
    """What tells object versions apart."""
    return sorted((found["id"], found.get("modified") or found.get("created") or "") for found in objects)
