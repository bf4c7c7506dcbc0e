# SPDX-License-Identifier: MIT
"""Handlers from shared objects: found, checked in a child, loaded in workers, replaced by reloads."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from client import connect, receive
from daemon import PRONGD, eventually, server
from modules import compile_module


@pytest.fixture
def module(tmp_path):
    """Compiles greeter.c; the path stays the same."""
    tmp_path.chmod(0o755)
    target = tmp_path / "greeter.so"

    def make(source="greeter.c", **macros):
        return compile_module(source, target, **macros)

    make()
    return make


def line(client):
    text = b""
    while not text.endswith(b"\n"):
        text += receive(client, 1)
    return text.decode().strip()


def greeting(daemon, name="greet"):
    with connect(daemon.address(name)) as client:
        return line(client)


def check(daemon, *words):
    """prongd -t, or another task."""
    return subprocess.run([PRONGD, "-c", daemon.config, *(words or ["-t"])], capture_output=True,
                          text=True, timeout=60)


def place(daemon, option):
    """FILE:LINE of an option."""
    lines = daemon.config.read_text().splitlines()
    number = next(i for i, text in enumerate(lines, 1) if text.startswith(option + " ="))
    return f"{daemon.config}:{number}"


def maps(pid):
    return Path(f"/proc/{pid}/maps").read_text()


def test_a_path_serves_with_the_options_of_its_section(prongd, module):
    daemon = prongd(
        server("plain", module()) + server("own", module(), greeting="good day", mood="sad",
                                           words="a, b, c", loud="yes", repeats=2))
    assert greeting(daemon, "plain") == "hello 1 glad 2 low"
    with connect(daemon.address("own")) as client:
        assert [line(client), line(client)] == ["good day 1 sad 3 loud"] * 2
    daemon.wait_for_log("greeted length=8 server=own connection=")
    status = daemon.server_status("plain")
    assert (status["handler"], status["handler_version"]) == ("greeter", "1")


def test_a_name_is_looked_for_in_the_directory(prongd, module, tmp_path):
    module()
    daemon = prongd(server("greet", "greeter"), module_directory=tmp_path)
    assert greeting(daemon) == "hello 1 glad 2 low"


def test_a_name_that_is_nowhere_is_told_with_what_there_is(make_daemon):
    daemon = make_daemon(server("greet", "nobody_knows"))
    answer = check(daemon)
    assert answer.returncode == 2
    assert (f'{place(daemon, "handler")}: [server greet] handler: there is no handler '
            '"nobody_knows": write one of hello') in answer.stderr


def test_the_master_never_maps_it_and_workers_do(prongd, module):
    daemon = prongd(server("greet", module()))
    for _ in range(2):
        assert daemon.ctl("reload").returncode == 0
        assert "greeter" not in maps(daemon.process.pid)
        eventually(daemon.is_ready, "the old ones are gone")
        assert all("greeter" in maps(pid) for pid in daemon.worker_pids())


def test_what_it_says_about_itself_is_tested_and_dumped(make_daemon, module):
    daemon = make_daemon(server("greet", module(), repeats=3))
    assert check(daemon).returncode == 0
    dump = check(daemon, "-T").stdout
    assert "repeats = 3" in dump
    assert "mood = glad                              # default" in dump


def test_its_options_are_described_as_a_configuration_that_is_good(module, tmp_path):
    described = subprocess.run([PRONGD, f"--describe={module()}"], capture_output=True, text=True,
                               timeout=60)
    assert described.returncode == 0, described.stderr
    assert "# How it is said.\n# One of: glad sad\n#mood = glad\n" in described.stdout
    config = tmp_path / "prongd.conf"
    text = described.stdout.replace("\n#", "\n").replace("\n ", "\n# ")
    config.write_text(text.replace("127.0.0.1:7007", "127.0.0.1:0"))
    assert subprocess.run([PRONGD, "-t", "-c", config], timeout=60).returncode == 0


def test_a_module_that_cannot_be_described_is_told(tmp_path):
    described = subprocess.run([PRONGD, f"--describe={tmp_path}/none.so"], capture_output=True,
                               text=True, timeout=60)
    assert described.returncode == 2
    assert "cannot be read: No such file or directory" in described.stderr


@pytest.mark.parametrize("options, problem", [
    ({"repeats": 10}, "repeats: 10 is out of range: 1 to 9 is allowed"),
    ({"mood": "odd"}, 'mood: "odd" is not allowed here: write glad or sad'),
    ({"repaets": 1}, "repaets: there is no such option; did you mean repeats?"),
    ({"words": "short, tremendous"}, 'words: "tremendous" is too long: a word has at most 5 letters'),
    ({"greeting": "refused"}, 'handler: nobody says "refused"'),
])
def test_a_bad_value_is_told_with_its_line(make_daemon, module, options, problem):
    daemon = make_daemon(server("greet", module(), **options))
    answer = check(daemon)
    assert answer.returncode == 2
    where = place(daemon, problem.partition(":")[0])
    assert answer.stderr == f"{where}: [server greet] {problem}\n"


BROKEN = {
    "no handler interface of ours": (
        "greeter.c", {"ABI": 7},
        "it was built for version 7 of the handler interface, and this prongd has 1: build it again "
        "with the headers of this prongd"),
    "too small": ("greeter.c", {"SIZE": 16}, "its handler says that it has 16 bytes"),
    "no symbol": ("int nothing;", {}, "it does not export prongd_module"),
    "unknown function": (
        '#include <prongd/handler.h>\nvoid nowhere(void);\nvoid call(void) {nowhere();}\n'
        'const struct prongd_handler prongd_module = {PRONGD_HANDLER, .name = "a", .help = "B."};',
        {}, "it cannot be loaded: undefined symbol: nowhere"),
    "hidden function": (
        '#include <prongd/handler.h>\nvoid log_close(void);\nvoid call(void) {log_close();}\n'
        'const struct prongd_handler prongd_module = {PRONGD_HANDLER, .name = "a", .help = "B."};',
        {}, "it cannot be loaded: undefined symbol: log_close"),
    "no name": (
        '#include <prongd/handler.h>\n'
        'const struct prongd_handler prongd_module = {PRONGD_HANDLER, .help = "B."};',
        {}, "its handler has no name in small letters or no help"),
    "option outside": (
        '#include <prongd/handler.h>\n'
        'static const struct prongd_option rows[] = {{PRONGD_TYPE_COUNT, 8, .name = "a",'
        '.fallback = "1", .help = "B."}};\n'
        'const struct prongd_handler prongd_module = {PRONGD_HANDLER, .name = "a", .help = "B.",'
        '.options = rows, .option_count = 1, .config_size = 8};',
        {}, "its option a lies outside its config_size"),
    "name of another option": (
        '#include <prongd/handler.h>\nstruct c {bool b;};\n'
        'static const struct prongd_option rows[] = {{PRONGD_BOOLEAN(struct c, b),'
        '.name = "no_delay", .fallback = "no", .help = "B."}};\n'
        'const struct prongd_handler prongd_module = {PRONGD_HANDLER, .name = "a", .help = "B.",'
        '.options = rows, .option_count = 1, .config_size = sizeof(struct c)};',
        {}, "its option no_delay has the name of an option that every server has"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_module_that_cannot_be_used_is_told_in_a_line_and_the_old_one_serves_on(
        prongd, module, case):
    source, macros, problem = BROKEN[case]
    daemon = prongd(server("greet", module(), greeting="old"))
    pids = daemon.worker_pids()
    module(source, **macros)
    answer = daemon.ctl("reload")
    assert answer.returncode == 2
    assert problem in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert f"{place(daemon, 'handler')}: [server greet] handler: the module" in answer.stderr
    assert daemon.worker_pids() == pids
    assert greeting(daemon) == "old 1 glad 2 low"


@pytest.mark.parametrize("content, problem", [
    (b"no shared object at all", "it cannot be loaded: "),
    (b"", "it cannot be loaded: file too short"),
    (None, "cannot be read: No such file or directory"),
])
def test_a_file_that_is_none_is_told(make_daemon, tmp_path, content, problem):
    path = tmp_path / "none.so"
    if content is not None:
        path.write_bytes(content)
    answer = check(make_daemon(server("greet", path)))
    assert answer.returncode == 2
    assert problem in answer.stderr


def test_an_older_module_with_fewer_members_serves(prongd, module):
    path = module(SIZE="offsetof(struct prongd_handler,configure)")
    daemon = prongd(server("greet", path))
    assert greeting(daemon) == "hello 1 glad 2 low"
    assert "posted" not in daemon.log()  # start is one of the later members


def test_each_reload_loads_new_code_and_connections_keep_their_state(prongd, module):
    daemon = prongd(server("greet", module()))
    with connect(daemon.address("greet")) as client:
        assert line(client) == "hello 1 glad 2 low"
        for version in range(2, 6):
            client.sendall(b"\n")
            assert line(client) == f"{version - 1} lines {version - 1}"
            module(VERSION=f'"{version}"')
            assert daemon.ctl("reload").returncode == 0
            eventually(daemon.is_ready, "the old ones are gone")
        client.sendall(b"\n")
        assert line(client) == "5 lines 5"
    assert greeting(daemon) == "hello 5 glad 2 low"


def test_connections_of_a_module_live_on_over_an_upgrade(prongd, module):
    daemon = prongd(server("greet", module()))
    with connect(daemon.address("greet")) as client:
        assert line(client) == "hello 1 glad 2 low"
        client.sendall(b"\n")
        assert line(client) == "1 lines 1"
        module(VERSION='"2"')
        assert daemon.ctl("upgrade").returncode == 0
        eventually(daemon.is_ready, "the old workers are gone")
        client.sendall(b"\n")
        assert line(client) == "2 lines 2"


def test_a_file_that_is_overwritten_harms_nobody_before_the_reload(prongd, module, tmp_path):
    path = module()
    daemon = prongd(server("greet", path), workers=1)
    other = compile_module("greeter.c", tmp_path / "other.so", VERSION='"2"')
    with connect(daemon.address("greet")) as client:
        assert line(client) == "hello 1 glad 2 low"
        shutil.copyfile(other, path)  # the same inode
        client.sendall(b"\n")
        assert line(client) == "1 lines 1"
    before = daemon.worker_pids()[0]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: daemon.worker_pids() != [before], "another worker is there")
    eventually(daemon.is_ready, "it serves")
    assert greeting(daemon) == "hello 1 glad 2 low"
    assert daemon.ctl("reload").returncode == 0
    assert greeting(daemon) == "hello 2 glad 2 low"


def test_start_timers_threads_and_stop(prongd, module):
    daemon = prongd(server("greet", module()), workers=1)
    daemon.wait_for_log("posted server=greet")
    assert daemon.ctl("reload").returncode == 0
    daemon.wait_for_log("stopped ticks=")


def test_diff_tells_a_changed_option(prongd, module):
    daemon = prongd(server("greet", module()))
    daemon.write_config(server("greet", module(VERSION='"2"'), repeats=2))
    text = daemon.ctl("diff").stdout
    assert "repeats" in text


def test_only_the_interface_is_exported():
    answer = subprocess.run(["nm", "-D", "--defined-only", PRONGD], capture_output=True, text=True,
                            timeout=60, check=True)
    ours = {row.split()[-1] for row in answer.stdout.splitlines()}
    assert {"prongd_log", "prongd_post", "prong_timer_new", "prong_socket_write"} <= ours
    assert not {name for name in ours if name.startswith(("config_", "service_", "worker_", "log_"))}
