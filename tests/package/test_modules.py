# SPDX-License-Identifier: MIT
"""Modules that are built outside the tree, against an installed prongd, serve."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from installed import build_against, install, run

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import daemon as harness  # noqa: E402
from client import connect, receive  # noqa: E402


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    for folder in (prefix, *prefix.parents):
        if folder.stat().st_uid == prefix.stat().st_uid and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    install(tmp_path_factory.mktemp("build"), prefix)
    return prefix


def test_new_module_makes_a_project_that_builds_and_passes_its_test(prefix, tmp_path):
    made = subprocess.run([prefix / "bin/prongctl", "new-module", "counting"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    assert "ctest --test-dir build" in made.stdout
    project = tmp_path / "counting"
    assert sorted(path.name for path in project.iterdir()) == [
        "CMakeLists.txt", "counting.c", "test.py"]
    assert not any("@NAME@" in path.read_text() for path in project.iterdir())
    build_against(prefix, project, project / "build")
    assert "100% tests passed" in run("ctest", "--test-dir", project / "build",
                                      "--output-on-failure")
    assert (next(prefix.glob("lib*/**/prong/modules")) / "counting.so").is_file()


@pytest.mark.parametrize("name, status, problem", [
    ("Counting", 2, "cannot be a module's name"),
    ("test", 2, "cannot be a module's name"),
    ("../up", 2, "cannot be a module's name"),
    ("taken", 1, "prongctl: taken: File exists"),
])
def test_new_module_refuses_what_it_cannot_make(prefix, tmp_path, name, status, problem):
    (tmp_path / "taken").mkdir()
    made = subprocess.run([prefix / "bin/prongctl", "new-module", name], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    assert made.returncode == status
    assert problem in made.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.fixture
def prongd(prefix, monkeypatch):
    monkeypatch.setattr(harness, "PRONGD", prefix / "sbin/prongd")
    monkeypatch.setattr(harness, "PRONGCTL", prefix / "bin/prongctl")
    daemons = []

    def make(*arguments, **options):
        daemons.append(harness.Daemon(*arguments, **options).start())
        return daemons[-1]

    yield make
    for daemon in daemons:
        daemon.finish()


def test_a_project_in_c_and_cpp_finds_the_package_and_its_modules_are_found_by_name(
        prefix, prongd, tmp_path):
    build_against(prefix, HERE / "module", tmp_path)
    daemon = prongd(harness.server("upper", "upper") + harness.server("lower", "lower"))
    for name, answer in [("upper", b"HELLO"), ("lower", b"hello")]:
        with connect(daemon.address(name)) as client:
            client.sendall(b"Hello")
            assert receive(client, 5) == answer


def test_pkg_config_tells_the_headers_and_the_directory(prefix, prongd, tmp_path):
    packages = next(prefix.glob("lib*/**/prongd.pc")).parent
    ask = ["pkg-config", "prongd"]
    flags = run(*ask, "--cflags", PKG_CONFIG_PATH=str(packages)).split()
    directory = run(*ask, "--variable=moduledir", PKG_CONFIG_PATH=str(packages)).strip()
    assert directory.startswith(str(prefix))
    run("cc", "-shared", "-fPIC", *flags, HERE / "module/upper.c", "-o", tmp_path / "upper.so")
    tmp_path.chmod(0o755)
    daemon = prongd(harness.server("upper", tmp_path / "upper.so"))
    with connect(daemon.address("upper")) as client:
        client.sendall(b"Hello")
        assert receive(client, 5) == b"HELLO"


# --- The examples ---


@pytest.fixture(scope="module")
def examples(prefix, tmp_path_factory):
    """Their installed sources; built and installed, so that a name finds them."""
    sources = next(prefix.glob("share/doc/**/examples/modules"))
    build_against(prefix, sources, tmp_path_factory.mktemp("examples"))
    return sources


class User:
    """Somebody in the chat."""

    def __init__(self, address, name):
        self.client = connect(address)
        self.stream = self.client.makefile("rw", newline="\n")
        assert self.hears() == "What is your name?"
        self.says(name)
        assert self.hears() == f"* {name} is here"

    def says(self, line):
        self.stream.write(line + "\n")
        self.stream.flush()

    def hears(self):
        return self.stream.readline().rstrip("\n")

    def asks(self, line):
        self.says(line)
        return self.hears()


def test_chat_keeps_everybody_and_the_nicknames_over_20_reloads_of_new_code(
        prefix, prongd, examples, tmp_path):
    tmp_path.chmod(0o755)
    module = tmp_path / "chat.so"

    def compile_chat(version):
        fresh = tmp_path / "fresh.so"
        run("cc", "-shared", "-fPIC", f"-I{prefix}/include", f'-DCHAT_VERSION="{version}"',
            examples / "chat.c", examples / "roster.c", "-o", fresh)
        fresh.rename(module)

    compile_chat(0)
    daemon = prongd(harness.server("chat", module), workers=3)
    ann, bob = (User(daemon.address("chat"), name) for name in ("ann", "bob"))
    assert ann.hears() == "* bob is here"
    for version in range(1, 21):
        bob.stream.write("half of a ")  # the rest comes when others answer
        bob.stream.flush()
        compile_chat(version)
        reload = daemon.ctl("reload")  # waits until the old workers are gone
        assert reload.returncode == 0, reload.stderr
        assert ann.asks("/version") == f"* chat {version}"
        bob.says(f"line {version}")
        assert ann.hears() == f"bob: half of a line {version}"
        assert sorted(ann.asks("/who").split()[2:]) == ["ann", "bob"]
    assert daemon.status()["master"]["generation"] == 21
    with connect(daemon.address("chat")) as client:
        stream = client.makefile("rw", newline="\n")
        assert stream.readline() == "What is your name?\n"
        for name, answer in [("ann", "Somebody has that name already."),
                             ("a b", "A name has 1 to 23 letters or digits.")]:
            stream.write(name + "\n")
            stream.flush()
            assert stream.readline().rstrip() == answer
    bob.stream.close()
    bob.client.close()
    assert ann.hears() == "* bob is gone"
    ann.stream.close()
    ann.client.close()


class Member(threading.Thread):
    """A user who writes down all that is said."""

    def __init__(self, address, name):
        super().__init__()
        self.user = User(address, name)
        self.name, self.said, self.heard = name, 0, []
        self.start()

    def run(self):
        while line := self.user.hears():
            if not line.startswith("*"):
                self.heard.append(line)
            if line.endswith(": the end"):
                return

    def speaks(self):
        self.said += 1
        self.user.says(str(self.said))


def test_chat_over_all_workers_misses_and_repeats_nothing_while_it_is_reloaded(
        prefix, prongd, examples):
    daemon = prongd(harness.server("chat", "chat"), workers=3)
    address = daemon.address("chat")
    crowd = [Member(address, f"member{i}") for i in range(12)]
    crier = User(address, "crier")
    reloads = threading.Thread(target=lambda: [daemon.ctl("reload") for _ in range(6)])
    reloads.start()
    while reloads.is_alive() or crowd[0].said < 20:
        for member in crowd:
            member.speaks()
        time.sleep(0.01)  # people type
    reloads.join()
    assert daemon.status()["master"]["generation"] == 7
    crier.says("the end")
    for member in crowd:
        member.join()
    for member in crowd:
        for other in crowd:
            heard = [line for line in member.heard if line.startswith(other.name + ":")]
            expected = [] if other is member else [
                f"{other.name}: {i}" for i in range(1, other.said + 1)]
            assert heard == expected


def test_chat_has_rooms(prongd, examples):
    daemon = prongd(harness.server("chat", "chat"), workers=2)
    ann, bob, carl = (User(daemon.address("chat"), name) for name in ("ann", "bob", "carl"))
    assert [ann.hears(), ann.hears(), bob.hears()] == [
        "* bob is here", "* carl is here", "* carl is here"]
    assert carl.asks("/join kitchen") == "* you are in kitchen"
    assert [ann.hears(), bob.hears()] == ["* carl is gone"] * 2
    ann.says("hello")
    assert bob.hears() == "ann: hello"
    assert bob.asks("/join kitchen") == "* you are in kitchen"
    assert carl.hears() == "* bob is here"  # and not what ann said
    assert sorted(carl.asks("/who").split()[2:]) == ["bob", "carl"]
    assert carl.asks("/join the kitchen") == "A room has 1 to 23 letters or digits."


def frame(payload):
    return len(payload).to_bytes(4, "big") + payload


def read_frame(client):
    return receive(client, int.from_bytes(receive(client, 4), "big"))


def test_digest_answers_frames_and_half_of_one_moves_with_a_reload(prongd, examples):
    daemon = prongd(harness.server("digest", "digest"))
    with connect(daemon.address("digest")) as client:
        client.sendall(frame(b"\x01a") + frame(b"\x02abc") + frame(b"\x07") + frame(b""))
        assert read_frame(client) == b"\x01" + bytes.fromhex("af63dc4c8601ec8c")
        assert read_frame(client) == b"\x02cba"
        assert [read_frame(client), read_frame(client)] == [b"\0", b"\0"]
        long = frame(b"\x02" + bytes(range(256)) * 1000)
        client.sendall(long[:100_000])
        assert daemon.ctl("reload").returncode == 0
        client.sendall(long[100_000:])
        assert read_frame(client) == b"\x02" + bytes(reversed(range(256))) * 1000


def test_digest_ends_a_client_whose_frame_is_too_long(prongd, examples):
    daemon = prongd(harness.server("digest", "digest"))
    with connect(daemon.address("digest")) as client:
        client.sendall((1 << 30).to_bytes(4, "big"))
        assert client.recv(1) == b""
    daemon.wait_for_log("a request is longer than 512k")


def test_kv_is_one_store_for_all_workers(prongd, examples):
    daemon = prongd(harness.server("kv", "kv"), workers=3)
    clients = [connect(daemon.address("kv")) for _ in range(6)]
    for i, client in enumerate(clients):
        client.sendall(b"set key%d 0 0 1\r\n%d\r\n" % (i, i))
        assert receive(client, 8) == b"STORED\r\n"
    for client in clients:
        for i in range(6):
            client.sendall(b"get key%d\r\n" % i)
            expected = b"VALUE key%d 0 1\r\n%d\r\nEND\r\n" % (i, i)
            assert receive(client, len(expected)) == expected
        client.close()
