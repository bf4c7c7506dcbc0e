# SPDX-License-Identifier: MIT
"""conf/examples/Containerfile, in a bare Debian root: what it copies is there, what it runs works, and
so does the program that it starts, as the user that it names."""

import glob
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from daemon import eventually
from installed import TREE
from machine import MAKE_ROOT

TEXT = (TREE / "conf/examples/Containerfile").read_text().replace("\\\n", "")


def instruction(name):
    return re.search(rf"^{name} (.*)$", TEXT, re.M)[1]


def inside(root, user, *command, **popen):
    """In namespaces of its own, which end with it."""
    return subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--net",
         f"--mount-proc={root}/proc", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
         "chroot", f"--userspec={user}", root, *command], **popen)


@pytest.fixture(scope="module")
def image(packages, tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("only root can make a bare Debian root")
    root = tmp_path_factory.mktemp("image")
    made = subprocess.run([MAKE_ROOT, root], capture_output=True, text=True)
    if made.returncode == 77:
        pytest.skip(made.stdout.splitlines()[-1])
    assert made.returncode == 0, made.stderr
    *sources, target = instruction("COPY").split()
    (root / target[1:]).mkdir(parents=True)
    for source in sources:
        (file,) = glob.glob(str(packages.directory / source))
        shutil.copy(file, root / target[1:])
    done = subprocess.run(["chroot", root, "sh", "-c", instruction("RUN")], text=True,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                               "DEBIAN_FRONTEND": "noninteractive"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    yield root
    subprocess.run(["rm", "-rf", "--one-file-system", root], check=True)


def test_the_image_serves_as_its_user_until_it_is_stopped(image):
    user = instruction("USER")
    health = json.loads(instruction("HEALTHCHECK").partition("CMD ")[2])
    program = json.loads(instruction("ENTRYPOINT")) + json.loads(instruction("CMD"))
    assert user.partition(":")[0] != "root"
    outer = inside(image, user, *program)
    try:
        pid = eventually(lambda: open(f"/proc/{outer.pid}/task/{outer.pid}/children",
                                      encoding="ascii").read().split(), "it runs")[0]
        enter = ["nsenter", "-t", pid, "-m", "-p", "-n", "chroot", f"--userspec={user}", image]
        eventually(lambda: subprocess.run([*enter, *health], capture_output=True).returncode == 0,
                   "the health check is content")
        os.kill(int(pid), getattr(signal, instruction("STOPSIGNAL")))
        assert outer.wait(60) == 0
    finally:
        outer.kill()
        outer.wait()


def test_nothing_of_the_build_is_left_in_the_image(image):
    assert not (image / "tmp/packages").exists()
    assert not list((image / "var/lib/apt/lists").glob("*Packages*"))
