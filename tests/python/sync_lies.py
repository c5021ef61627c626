"""What the tests of `liaison sync` against hostile peers share: peers, a folder of jobs, and bounds on time and memory."""

import pytest
from foreign_objects import indicators
from hostile_peer import HostilePeer, PeerAuthority
from syncing import Jobs

OBJECTS = indicators(50)
LIMITS = {"page": 10, "answer_secs": 2, "answer_bytes": 4 * 1024 * 1024}
FAILED, HELD, UNREACHABLE = 1, 2, 69
MEMORY_MB = 400


@pytest.fixture(scope="module")
def authority():
    return PeerAuthority()


@pytest.fixture
def make(authority):
    peers = []

    def make(objects=OBJECTS, **named):
        peers.append(HostilePeer(objects, authority=authority, page=10, **named))
        return peers[-1]

    yield make
    for peer in peers:
        peer.stop()


@pytest.fixture
def jobs(binary, tmp_path):
    return Jobs(binary, tmp_path / "jobs")


def case(name, *expected, **options):
    label = "-".join([name, *(f"{key}={value}" for key, value in options.items())])
    return pytest.param(name, options, *expected, id=label)


def bounded(measured):
    told, code, seconds, memory = measured
    assert seconds < 20 and memory < MEMORY_MB, (seconds, memory, told)
    return told, code
