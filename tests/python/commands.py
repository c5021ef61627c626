"""Running commands of the program, and how they should end."""

import json

from conftest import uuid4

DONE, FAILED, DEGRADED, USAGE, BAD_DATA, UNREACHABLE, NOT_PERMITTED = 0, 1, 2, 64, 65, 69, 77




def ended(answer, code, *texts):
    """Asserts how a command ended, and that it says so for people: no debug output, no backtrace."""
    told = answer.stdout + answer.stderr
    assert answer.returncode == code, told
    for text in texts:
        assert text in told, f"`{text}` is not in: {told}"
    if code not in (DONE, DEGRADED):
        assert told.strip() and "Stop {" not in told and "panicked" not in told and "backtrace" not in told, told
    return answer


def publish(hub, *arguments, org="cert-a", client="feed", **options):
    return hub.run("publish", "--profile", hub.profile(org, client), *arguments, **options)


def poll(hub, *arguments, org="cert-b", client="feed", **options):
    return hub.run("poll", "--profile", hub.profile(org, client), *arguments, **options)


def bundle(objects):
    return {"type": "bundle", "id": f"bundle--{uuid4()}", "objects": objects}


def ended_json(answer, code):
    assert answer.returncode == code, answer.stderr
    return json.loads(answer.stdout)
