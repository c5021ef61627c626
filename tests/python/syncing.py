"""Jobs of `liaison sync` for tests: a folder with its sync.toml, its runs, states, files and letters."""

import json
import os
import subprocess
import time

LOOPBACK = ["127.0.0.0/8", "::1/128"]
US, THEM, OTHER = (f"identity--{letter * 8}-0000-4000-8000-000000000000" for letter in "abc")
FAST = {"answer_secs": 5}


def quoted(value):
    """A value as TOML writes it inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {quoted(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(quoted, value)) + "]"
    return json.dumps(str(value) if isinstance(value, os.PathLike) else value)


def server_of(peer, **more):
    """How a peer of the tests is reached: hostile, or of another maker."""
    return {"url": peer.url, "ca": str(peer.ca), "allow_addresses": LOOPBACK} | more


class Jobs:
    """A folder with a sync.toml, run by the binary under test."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.path, self.state_dir = folder / "sync.toml", folder / "sync"
        self.jobs = {}
        folder.mkdir(parents=True, exist_ok=True)

    def declare(self, **job):
        """Adds or replaces a job; what is None is left out."""
        job = {"every": "1s", "jitter": "0s"} | job
        self.jobs[job["id"]] = {key: value for key, value in job.items() if value is not None}
        self.write()
        return job["id"]

    def pull(self, peer, id="pull", collection="read", owners="any", format="bundles", dir="out", server=None, **more):
        """A job from a server to files of this folder; `source` are more keys of it."""
        source = {"kind": "taxii", "collection": collection, "owners": owners, "server": server_of(peer, **(server or {}))} | more.pop("source", {})
        defaults = {"forward": {"ours": [US], "identities": [THEM]}, "limits": FAST, "marking": {"unmarked": "assume:CLEAR"}}
        target = {"kind": "files", "dir": dir, "format": format}
        return self.declare(**({"id": id, "source": source, "target": target} | defaults | more))

    def write(self):
        lines = []
        for job in self.jobs.values():
            lines.append("[[job]]")
            lines.extend(f"{key} = {quoted(value)}" for key, value in job.items())
        self.path.write_text("\n".join(lines) + "\n")

    # Running

    def command(self, *arguments):
        return [self.binary, "sync", *map(str, arguments), "--jobs", str(self.path)]

    def environment(self):
        return {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "LLVM_PROFILE_FILE") if name in os.environ} | {"HOME": str(self.folder)}

    def run(self, *arguments, timeout=60):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=timeout, env=self.environment())

    def begin(self, *arguments):
        log = open(self.folder / "log", "ab")
        return subprocess.Popen(self.command(*arguments), stdout=log, stderr=log, env=self.environment())

    def once(self, id="pull", code=0, *arguments, **options):
        """One run by hand, which must end with this exit code; what it told."""
        done = self.run("run", "--once", id, "--json", *arguments, **options)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def measured(self, id="pull", timeout=60):
        """One run with what it took: told, exit code, seconds, the most memory in MB."""
        begun, most = time.monotonic(), 0
        process = subprocess.Popen(
            self.command("run", "--once", id, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment())
        while process.poll() is None:
            most = max(most, resident_mb(process.pid))
            if time.monotonic() - begun > timeout:
                process.kill()
                raise AssertionError(f"still running after {timeout} s: {process.communicate()}")
            time.sleep(0.02)
        told, problems = process.communicate()
        assert told, problems
        return json.loads(told), process.returncode, time.monotonic() - begun, most

    # What became of it

    def status(self, id="pull", code=None):
        done = self.run("status", "--json")
        assert code in (None, done.returncode) and done.returncode in (0, 2), (done.returncode, done.stdout, done.stderr)
        return next(job for job in json.loads(done.stdout) if job["job"] == id)

    def letters(self, id="pull"):
        path = self.state_dir / f"{id}.refused.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def objects(self, dir="out"):
        """Every object of the files of a target, in their order."""
        found, folder = [], self.folder / dir
        for path in sorted(folder.glob("[0-9]*.json")):
            found += json.loads(path.read_text())["objects"]
        lines = folder / "objects.jsonl"
        return found + ([json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else [])


def resident_mb(pid):
    """The most memory that a process has had so far."""
    try:
        with open(f"/proc/{pid}/status") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0) / 1024
    except OSError:
        return 0


__all__ = ["FAST", "LOOPBACK", "OTHER", "THEM", "US", "Jobs", "quoted", "resident_mb", "server_of"]
