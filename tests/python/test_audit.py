"""The audit log: nothing in it changes unnoticed, and partners can tell."""

import base64
import hashlib
import json
import shutil
import sqlite3
import stat
import threading
import time

import pytest
from commands import BAD_DATA, DONE, FAILED, NOT_PERMITTED, USAGE, ended
from conftest import indicator, wait_for
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def records(hub):
    return [json.loads(line) for line in ended(hub.on_hub("audit", "export"), DONE).stdout.splitlines()]


def kinds(hub):
    return [record["kind"] for record in records(hub)]


def settled(hub, kind, count=1):
    """Waits until so many records of a kind are in the log."""
    wait_for(lambda: kinds(hub).count(kind) >= count, 5, f"no {count} records of kind {kind}")


@pytest.fixture
def used(make_hub):
    """A hub that has been used and stopped."""
    hub = make_hub()
    for n in range(4):
        hub.post([indicator(f"n{n}")])
        hub.fetch()
    settled(hub, "served")
    hub.stop()
    return hub


def open_database(hub, path=None):
    connection = sqlite3.connect(path or hub.dir / "liaison.db")
    connection.execute("DROP TRIGGER IF EXISTS audit_is_never_changed")
    connection.execute("DROP TRIGGER IF EXISTS audit_is_never_deleted")
    return connection


def test_the_log_is_a_chain_and_a_tree_that_anybody_can_compute(used):
    lines = ended(used.on_hub("audit", "export"), DONE).stdout.splitlines()
    leaves = [hashlib.sha256(b"\0" + line.encode()).digest() for line in lines]
    for n, line in enumerate(lines):
        record = json.loads(line)
        assert record["n"] == n
        assert record["prev"] == (leaves[n - 1].hex() if n else "00" * 32)

    def root(part):
        if len(part) == 1:
            return part[0]
        half = 1 << (len(part) - 1).bit_length() - 1
        return hashlib.sha256(b"\1" + root(part[:half]) + root(part[half:])).digest()

    note = ended(used.on_hub("audit", "checkpoint"), DONE).stdout
    text, _, signature = note.partition("\n\n")
    origin, size, stated, moment = text.split("\n")
    assert origin == "localhost/liaison" and moment.startswith("time ")
    assert base64.b64decode(stated) == root(leaves[: int(size)])
    # The signature with the key file, by another implementation of Ed25519.
    key = load_pem_private_key((used.dir / "pki/audit.key").read_bytes(), None).public_key()
    dash, name, encoded = signature.split()
    assert (dash, name) == ("\u2014", origin)
    key.verify(base64.b64decode(encoded)[4:], (text + "\n").encode())
    vkey = ended(used.on_hub("audit", "key"), DONE).stdout.strip()
    raw = b"\1" + key.public_bytes_raw()
    identifier = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    assert vkey == f"{name}+{identifier.hex()}+{base64.b64encode(raw).decode()}"
    assert stat.S_IMODE((used.dir / "pki/audit.key").stat().st_mode) == 0o600
    assert note.strip() in (used.dir / "audit.checkpoints").read_text()


def test_verify(used):
    told = ended(used.on_hub("audit", "verify"), DONE, "records", "checkpoints agree")
    assert "BAD" not in told.stdout
    summary = json.loads(used.on_hub("audit", "verify", "--json").stdout)
    assert summary["ok"] and summary["records"] == len(records(used)) and summary["checkpoints"] >= 2
    # The last checkpoint covers all but its own record.
    assert summary["covered"] == summary["records"] - 1
    ended(used.on_hub("check"), DONE)
    ended(used.run("audit", "verify", "--config", "missing.toml"), USAGE, "missing.toml")


def verdict(hub):
    answer = hub.on_hub("audit", "verify", "--json")
    assert answer.returncode == FAILED, answer.stdout
    return json.loads(answer.stdout)


def test_a_changed_byte_of_any_record_is_found(used):
    original = (used.dir / "liaison.db").read_bytes()
    count = len(records(used))
    for n in range(count):
        connection = open_database(used)
        (record,) = connection.execute("SELECT record FROM audit WHERE n = ?", [n]).fetchone()
        at = (n * 37) % len(record)
        changed = record[:at] + bytes([record[at] ^ 1]) + record[at + 1 :]
        connection.execute("UPDATE audit SET record = ? WHERE n = ?", [changed, n])
        connection.commit()
        connection.close()
        assert verdict(used)["first_bad_record"] == n
        if n == 3:
            ended(used.on_hub("check"), FAILED, "audit log: record 3")
        # With the leaf made to fit, the record after it tells, or a checkpoint.
        connection = open_database(used)
        leaf = hashlib.sha256(b"\0" + changed).digest()
        connection.execute("UPDATE audit SET leaf = ? WHERE n = ?", [leaf, n])
        connection.commit()
        connection.close()
        found = verdict(used)
        assert found["first_bad_record"] in (n, None), found
        (used.dir / "liaison.db").write_bytes(original)
    ended(used.on_hub("audit", "verify"), DONE)


@pytest.mark.parametrize("change, bad", [
    (["DELETE FROM audit WHERE n = 3"], 3),
    (["DELETE FROM audit WHERE n = (SELECT max(n) FROM audit)"], "last"),
    (["UPDATE audit SET n = 1000 WHERE n = 3", "UPDATE audit SET n = 3 WHERE n = 4", "UPDATE audit SET n = 4 WHERE n = 1000"], 3),
    (["UPDATE audit SET leaf = zeroblob(32) WHERE n = 2"], 2),
    (["DELETE FROM audit_served"], "served"),
    (["INSERT INTO audit_served VALUES (1, 3, 5, 0, 9)"], None),
    (["UPDATE audit_served SET last = last + 1"], "served"),
    (["DELETE FROM meta WHERE name = 'audit_tree'"], None),
    (["UPDATE audit_checkpoint SET note = replace(note, 'time 2', 'time 3')"], None),
    (["UPDATE audit_checkpoint SET size = size + 1000"], None),
], ids=["drop", "drop-last", "swap", "leaf", "index-gone", "index-more", "index-changed", "frontier", "note", "note-moved"])
def test_what_is_dropped_moved_or_made_up_is_found(used, change, bad):
    all_kinds = kinds(used)
    connection = open_database(used)
    for statement in change:
        connection.execute(statement)
    connection.commit()
    connection.close()
    bad = {"last": len(all_kinds) - 1, "served": all_kinds.index("served")}.get(bad, bad)
    assert verdict(used)["first_bad_record"] == bad


def test_the_database_itself_lets_nobody_change_the_log(used):
    connection = sqlite3.connect(used.dir / "liaison.db")
    for statement in ("UPDATE audit SET leaf = leaf", "DELETE FROM audit WHERE n = 1"):
        with pytest.raises(sqlite3.IntegrityError, match="audit records are never"):
            connection.execute(statement)


def test_a_log_written_anew_is_found_by_the_checkpoints_that_somebody_kept(used, tmp_path):
    """Every record after one that was changed is made to fit: only checkpoints tell."""
    export = ended(used.on_hub("audit", "export"), DONE).stdout.splitlines()
    vkey = ended(used.on_hub("audit", "key"), DONE).stdout.strip()
    kept = tmp_path / "kept.txt"
    kept.write_text(ended(used.on_hub("audit", "checkpoint"), DONE).stdout)
    honest, forged = tmp_path / "honest.jsonl", tmp_path / "forged.jsonl"
    honest.write_text("".join(line + "\n" for line in export))
    lines, previous = [], None
    forged_from = [json.loads(line)["kind"] for line in export].index("publish")
    for n, line in enumerate(export):
        if n == forged_from:
            line = line.replace("cert-a/feed", "cert-x/feed")
        if previous:
            old = json.loads(line)["prev"]
            line = line.replace(old, hashlib.sha256(b"\0" + previous.encode()).hexdigest())
        lines.append(line)
        previous = line
    assert lines != export
    forged.write_text("".join(line + "\n" for line in lines))
    verify = ("audit", "verify", "--export")
    ended(used.run(*verify, honest), DONE)
    ended(used.run(*verify, forged), DONE, "0 checkpoints agree; they cover 0 records")
    against = ("--checkpoint", kept, "--key", vkey)
    ended(used.run(*verify, honest, *against), DONE, "1 checkpoints agree")
    ended(used.run(*verify, forged, *against), FAILED, "BAD", "root differs")
    ended(used.run(*verify, tmp_path / "missing", *against), BAD_DATA, "missing")
    ended(used.run(*verify, honest, "--checkpoint", kept), USAGE, "--key")
    ended(used.run(*verify, honest, "--checkpoint", kept, "--key", "nonsense"), USAGE, "verifier key")
    honest.write_text(honest.read_text()[:-10])
    ended(used.run(*verify, honest, *against), FAILED, "incomplete")


def test_a_database_older_than_its_checkpoints_does_not_go_on_unnoticed(used):
    old = (used.dir / "liaison.db").read_bytes()
    used.start()
    used.post([indicator()])
    used.stop()
    (used.dir / "liaison.db").write_bytes(old)
    ended(used.on_hub("audit", "verify"), FAILED, "it is missing")
    serve = ("serve", "--set", f"server.listen=127.0.0.1:{used.port}", "--set", "admin.listen=off")
    ended(used.on_hub(*serve), FAILED, "older than the file", "move the file away")
    (used.dir / "audit.checkpoints").rename(used.dir / "away")
    used.start()


def test_partner_checks_offline_that_the_log_only_grew(make_hub, tmp_path):
    hub = make_hub()
    settled(hub, "checkpoint")
    profile = ("--profile", hub.profile("cert-b"))
    old, new, proof = tmp_path / "old.txt", tmp_path / "new.txt", tmp_path / "proof.json"
    old.write_text(ended(hub.run("audit", "checkpoint", *profile), DONE).stdout)
    vkey = json.loads(hub.run("audit", "checkpoint", *profile, "--json").stdout)["vkey"]
    assert vkey == ended(hub.on_hub("audit", "key"), DONE).stdout.strip()
    for n in range(5):
        hub.post([indicator(f"n{n}")])
    hub.stop()
    hub.start()
    new.write_text(ended(hub.run("audit", "checkpoint", *profile), DONE).stdout)
    sizes = [path.read_text().split("\n")[1] for path in (old, new)]
    proof.write_text(ended(hub.run("audit", "consistency", *sizes, *profile), DONE).stdout)
    assert json.loads(proof.read_text()) == json.loads(hub.on_hub("audit", "consistency", *sizes).stdout)
    ended(hub.run("audit", "consistency", "9", "8", *profile), FAILED, "smaller size first")
    ended(hub.run("audit", "consistency", "x", "8", *profile), USAGE, "not a size")
    # From here on nothing is asked of the hub.
    hub.stop()
    shutil.move(hub.dir, tmp_path / "gone")
    check = ("audit", "consistency", old, new, "--key", vkey, "--check")
    ended(hub.run(*check, proof), DONE, f"begins with the log of {sizes[0]} records")
    assert json.loads(hub.run(*check, proof, "--json").stdout) == {"ok": True, "problem": None}
    found = json.loads(proof.read_text())
    found["proof"][0] = found["proof"][0][::-1]
    proof.write_text(json.dumps(found))
    ended(hub.run(*check, proof), FAILED, "BAD")
    ended(hub.run("audit", "consistency", new, old, "--key", vkey, "--check", proof), FAILED, "BAD")
    new.write_text(new.read_text().replace("time 2", "time 3"))
    ended(hub.run(*check, proof), BAD_DATA, "signature")
    shutil.move(tmp_path / "gone", hub.dir)


def test_inclusion(used, tmp_path):
    vkey = ended(used.on_hub("audit", "key"), DONE).stdout.strip()
    checkpoint, proof, record = tmp_path / "c.txt", tmp_path / "p.json", tmp_path / "r.json"
    checkpoint.write_text(ended(used.on_hub("audit", "checkpoint"), DONE).stdout)
    lines = ended(used.on_hub("audit", "export"), DONE).stdout.splitlines()
    for n in range(len(lines) - 1):
        proof.write_text(ended(used.on_hub("audit", "inclusion", n), DONE).stdout)
        record.write_text(lines[n] + "\n")
        check = ("--check", proof, "--record", record, "--checkpoint", checkpoint, "--key", vkey)
        ended(used.run("audit", "inclusion", n, *check), DONE, f"record {n} is in the log")
        record.write_text(lines[n].replace('"n":', '"n": '))
        ended(used.run("audit", "inclusion", n, *check), FAILED, "BAD")
    ended(used.on_hub("audit", "inclusion", 100_000), FAILED, "no record 100000")
    ended(used.on_hub("audit", "inclusion", 0, "--size", 100_000), FAILED, "give a size up to that")


def test_tail_and_recipients(hub):
    thing = indicator("first")
    hub.post([thing])
    hub.fetch("cert-b", "siem")
    hub.fetch("cert-a", "siem")
    settled(hub, "served", 2)
    told = ended(hub.on_hub("audit", "tail"), DONE, "publish", "cert-a/feed", "served", "cert-b/siem").stdout
    assert len(told.splitlines()) == len(records(hub))
    assert len(ended(hub.on_hub("audit", "tail", "-n", 2), DONE).stdout.splitlines()) == 2
    shown = [json.loads(line) for line in hub.on_hub("audit", "tail", "--json").stdout.splitlines()]
    assert shown == records(hub)
    # What concerns cert-a, as cert-a sees it, and cert-b.
    mine = hub.run("audit", "tail", "--profile", hub.profile("cert-a"), "--json")
    assert [json.loads(line)["kind"] for line in mine.stdout.splitlines()] == ["publish", "served", "served"]
    assert hub.run("audit", "tail", "--profile", hub.profile("cert-b"), "--json").stdout == ""
    found = ended(hub.on_hub("audit", "recipients", thing["id"]), DONE, "cert-a/siem", "cert-b/siem", "of cert-a")
    assert found.stdout == ended(hub.run("audit", "recipients", thing["id"], "--profile", hub.profile("cert-a")), DONE).stdout
    ended(hub.run("audit", "recipients", thing["id"], "--profile", hub.profile("cert-b")), FAILED, "not found")
    ended(hub.on_hub("audit", "recipients", indicator()["id"]), FAILED, "no such object")
    (version,) = json.loads(hub.on_hub("audit", "recipients", thing["id"], "--json").stdout)["versions"]
    assert [(one["client"], one["how"]) for one in version["recipients"]] == [("cert-a/siem", "objects"), ("cert-b/siem", "objects")]


def test_an_auditor_and_the_registry(hub):
    registry = hub.registry()
    registry["organisation"][0]["client"].append({"id": "auditor", "role": "auditor"})
    registry["organisation"][0]["client"].append({"id": "operator", "role": "operator"})
    hub.apply(registry)
    registry["organisation"][1]["name"] = "Renamed"
    path = hub.dir / "registry.toml"
    from conftest import to_toml

    path.write_text(to_toml(registry))
    ended(hub.on_hub("registry", "apply", path, "--reason", "moved house"), DONE)
    last = [record for record in records(hub) if record["kind"] == "registry"]
    assert [record["generation"] for record in last] == [1, 2, 3]
    assert last[0]["reason"] == "liaison init" and last[2]["reason"] == "moved house"
    assert "+ client cert-a/auditor" in "\n".join(last[1]["changes"]) and last[2]["by"]
    answer = hub.run("audit", "tail", "-n", 1000, "--profile", hub.profile("cert-a", "auditor"), "--json")
    assert [json.loads(line)["n"] for line in answer.stdout.splitlines()] == list(range(len(answer.stdout.splitlines())))
    ended(hub.run("audit", "tail", "--profile", hub.profile("cert-a", "operator")), NOT_PERMITTED, "auditors")
    hub.expected_errors.append("certificates or revocations")


def test_the_log_of_other_names_and_keys(used):
    ended(used.on_hub("audit", "key", "--set", "audit.origin=other.example/log"), FAILED, "localhost/liaison")
    (used.dir / "pki/audit.key").chmod(0o640)
    ended(used.on_hub("check"), FAILED, "chmod 600", "audit.key")
    (used.dir / "pki/audit.key").unlink()
    used.start()
    assert "a new key that signs checkpoints" in used.log()
    used.post([indicator()])
    used.stop()
    # Old and new checkpoints are good, each by its key.
    ended(used.on_hub("audit", "verify"), DONE)


def test_kill_while_publishing_leaves_a_log_that_verifies(make_hub):
    hub = make_hub()
    for _ in range(3):
        stop = threading.Event()
        acknowledged = []

        def publish():
            while not stop.is_set():
                try:
                    acknowledged.append(hub.post([indicator() for _ in range(20)])["id"])
                except Exception:
                    return

        threads = [threading.Thread(target=publish) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.7)
        hub.kill()
        stop.set()
        for thread in threads:
            thread.join()
        hub.start()
        ended(hub.on_hub("audit", "verify"), DONE)
        recorded = {record["request"] for record in records(hub) if record["kind"] == "publish"}
        assert acknowledged and set(acknowledged) <= recorded
    hub.stop()
    ended(hub.on_hub("audit", "verify"), DONE)
