"""Programs that read exports, started for a test and ended with it."""

import contextlib
import http.client
import socket
import subprocess
import time

from conftest import program

SECONDS = 60


def run(*command, input=None, rc=0):
    """Runs a program to its end; its output and errors as one text. `rc` None: any exit code."""
    done = subprocess.run(
        [program(command[0]), *map(str, command[1:])], input=input, text=True, timeout=SECONDS,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert rc is None or done.returncode == rc, (done.returncode, done.stdout[-2000:])
    return done.stdout


def fails(*command, input=None):
    """Runs a program that must not like what it gets; what it says."""
    done = subprocess.run(
        [program(command[0]), *map(str, command[1:])], input=input, text=True, timeout=SECONDS,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode != 0, done.stdout[-2000:]
    return done.stdout


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def daemon(log, port, *command):
    """A program that listens on a port while the test runs."""
    with open(log, "wb") as out:
        process = subprocess.Popen([program(command[0]), *map(str, command[1:])], stdout=out, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + SECONDS
        while True:
            assert process.poll() is None and time.monotonic() < end, open(log).read()[-3000:]
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def get(port, url="/", **headers):
    """Status and headers of an answer."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        link.request("GET", url, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = link.getresponse()
        answer.read()
        return answer.status, answer.headers
    finally:
        link.close()


def only(directory, suffix):
    """The one file with a suffix."""
    found = [path for path in directory.iterdir() if path.name.endswith(suffix)]
    assert len(found) == 1, (suffix, sorted(path.name for path in directory.iterdir()))
    return found[0]


def body(path):
    """Its lines without the header."""
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]
