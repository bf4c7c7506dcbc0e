#!/usr/bin/env python3
"""Starts prongd with the module on a free port and talks to it, over a reload too.

usage: test.py MODULE.so PRONGD PRONGCTL
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODULE, PRONGD, PRONGCTL = sys.argv[1:]


def ctl(control, *words):
    return subprocess.run([PRONGCTL, "-s", control, *words], capture_output=True, text=True)


def wait_for_address(prongd, control):
    """Port 0 is any free port; the running prongd tells which."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and prongd.poll() is None:
        answer = ctl(control, "status", "--json")
        if answer.returncode == 0:
            status = json.loads(answer.stdout)
            if all(worker["state"] == "ready" for worker in status["workers"]):
                host, _, port = status["servers"][0]["addresses"][0].rpartition(":")
                return host, int(port)
        time.sleep(0.05)
    sys.exit("prongd did not start")


def ask(stream, line):
    stream.write(line + "\n")
    stream.flush()
    return stream.readline()


def check(address, control):
    with socket.create_connection(address, timeout=30) as client:
        stream = client.makefile("rw")
        assert ask(stream, "one") == "hello 1\n"
        assert ask(stream, "two") == "hello 2\n"
        reload = ctl(control, "reload")
        assert reload.returncode == 0, reload.stderr
        assert ask(stream, "three") == "hello 3\n"


def main():
    # Workers may be another user: the files must be theirs to read.
    directory = Path(tempfile.mkdtemp(prefix="@NAME@-"))
    directory.chmod(0o755)
    control = directory / "control"
    config = directory / "prongd.conf"
    config.write_text(
        f"[prongd]\nworkers = 2\ncontrol_socket = {control}\n\n"
        f"[server test]\nlisten = 127.0.0.1:0\nhandler = {MODULE}\nprefix = hello\n")
    prongd = subprocess.Popen([PRONGD, "-c", config])
    try:
        check(wait_for_address(prongd, control), control)
    finally:
        prongd.terminate()
        status = prongd.wait(30)
        shutil.rmtree(directory, ignore_errors=True)
    assert status == 0, f"prongd ended with {status}"


main()
