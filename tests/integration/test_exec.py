# SPDX-License-Identifier: MIT
"""exec: a program for each connection, what it gets, and what becomes of it."""

import os
import resource
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from client import connect, receive_all, receive, talk
from daemon import IS_ROOT, PRONGD, eventually, server
from programs import children, counts, hear, keepers, running


def run(command, **options):
    return server("run", "exec", exec=command, **options)


def environment_of(text):
    return dict(line.split("=", 1) for line in text.decode().splitlines())


def test_a_program_talks_with_its_client(prongd):
    daemon = prongd(run("/bin/cat"))
    assert talk(daemon.address("run"), b"hello\n") == b"hello\n"
    eventually(lambda: counts(daemon) == {"running": 0, "started": 1, "failed": 0, "refused": 0},
               "the keeper has told of it")


def test_its_arguments_are_words_without_a_shell(prongd):
    daemon = prongd(run("""/usr/bin/printf '%s|' "two words" '' '$HOME'"""))
    assert hear(daemon.address("run")) == b"two words||$HOME|"


def test_it_gets_three_descriptors_and_clean_signals(prongd):
    daemon = prongd(run("/bin/sh -c 'ls -l /proc/self/fd; grep Sig /proc/self/status; ulimit -n'"))
    *files, pending, blocked, ignored, caught, limit = [
        line for line in hear(daemon.address("run")).decode().splitlines()
        if not line.startswith(("total", "SigQ"))]
    links = {line.split()[-3]: line.split()[-1] for line in files}
    assert sorted(links) == ["0", "1", "2", "3"], links  # the last is ls's own
    assert links["0"] == links["1"] and links["0"].startswith("socket:")
    assert links["2"].startswith("pipe:")
    assert limit == "1024"
    for line in (pending, blocked, ignored):
        assert int(line.split()[1], 16) == 0, line


def test_it_leads_a_session_of_its_own(prongd):
    daemon = prongd(run("/usr/bin/cut -d ' ' -f 1,5,6 /proc/self/stat"))
    pid, group, session = hear(daemon.address("run")).split()
    assert pid == group == session


@pytest.mark.parametrize("family, listen", [(socket.AF_INET, "127.0.0.1:0"),
                                            (socket.AF_INET6, "[::1]:0")])
def test_its_environment_is_that_of_tcpserver(prongd, family, listen):
    if shutil.which("tcpserver") is None:
        pytest.skip("ucspi-tcp-ipv6 is not installed")
    daemon = prongd(run("/usr/bin/env", listen=listen, environment="PATH=/usr/bin:/bin"))
    host, port = daemon.address("run")
    ours = environment_of(hear((host, port)))

    with socket.socket(family) as probe:
        probe.bind((host, 0))
        free = probe.getsockname()[1]
    with subprocess.Popen(["tcpserver", "-H", "-R", host, str(free), "/usr/bin/env"],
                          env={"PATH": "/usr/bin:/bin"}) as peer:
        try:
            theirs = environment_of(eventually(lambda: answer_of((host, free)), "tcpserver serves"))
        finally:
            peer.terminate()
    for variables, its_port in ((ours, port), (theirs, free)):
        for name in ("TCPLOCALPORT", "TCP6LOCALPORT"):
            assert variables.pop(name) == str(its_port)
        assert int(variables.pop("TCPREMOTEPORT")) == int(variables.pop("TCP6REMOTEPORT")) > 0
    for name in ("TCPLOCALHOST", "TCP6LOCALHOST"):  # what a name server says of our own address
        theirs.pop(name, None)
    assert ours == theirs


def answer_of(address):
    try:
        return hear(address)
    except OSError:
        return b""


def test_a_unix_client_is_described_as_unixserver_does(prongd, tmp_path):
    daemon = prongd(run("/usr/bin/env", listen=f"unix:{tmp_path}/run.sock"))
    path = daemon.address("run")
    variables = environment_of(hear(path))
    assert variables["PROTO"] == "UNIX"
    assert variables["UNIXLOCALPATH"] == path
    assert variables["UNIXREMOTEPID"] == str(os.getpid())
    assert variables["UNIXREMOTEEUID"] == str(os.geteuid())
    assert not [name for name in variables if name.startswith("TCP")]


def test_its_end_is_written_down(prongd):
    daemon = prongd(run("""/bin/sh -c 'read -r line; eval "$line"'"""))
    for line, how in ((b"exit 7\n", "exit=7"), (b"kill -9 $$\n", "signal=9"),
                      (b"exit 0\n", "exit=0")):
        mark = daemon.log_mark()
        talk(daemon.address("run"), line)
        daemon.wait_for_log(f" {how} ", mark)
        ended = next(line for line in daemon.log(mark).splitlines() if "program ended" in line)
        for field in ("server=run", "connection=", "peer=127.0.0.1:", "pid=", "seconds="):
            assert field in ended
    eventually(lambda: counts(daemon)["failed"] == 2, "two of three have failed")


def test_what_it_says_on_standard_error_is_in_the_log(prongd):
    daemon = prongd(server("loud", "exec", exec=r"""/bin/sh -c 'printf "bad\033\nlast" >&2'"""))
    assert hear(daemon.address("loud")) == b""
    daemon.wait_for_log(r'program says server=loud')
    daemon.wait_for_log(r'text="bad\x1b"')
    daemon.wait_for_log('text="last"')


def test_standard_error_may_be_the_client(prongd):
    daemon = prongd(run("/bin/sh -c 'echo oops >&2'", standard_error="socket") +
                    server("mute", "exec", exec="/bin/sh -c 'echo oops >&2; echo said'",
                           standard_error="discard"))
    assert hear(daemon.address("run")) == b"oops\n"
    assert hear(daemon.address("mute")) == b"said\n"
    assert "oops" not in daemon.log()


def test_directory_umask_limits_and_variables_are_as_written(prongd):
    daemon = prongd(run(
        "/bin/sh -c 'pwd; umask; ulimit -n; ulimit -c; ulimit -t; ulimit -v; nice; echo $A $B'",
        directory="/usr", program_umask="0077", program_rlimit_nofile=77, program_rlimit_core="1m",
        program_rlimit_cpu="9s", program_rlimit_as="64m", program_nice=3,
        environment="A=1, PATH=/bin:/usr/bin, B=two words"))
    assert hear(daemon.address("run")).decode().split("\n") == [
        "/usr", "0077", "77", "2048", "9", "65536", "3", "1 two words", ""]


@pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")
def test_it_runs_as_whom_the_file_says(prongd):
    daemon = prongd(run("/usr/bin/id", run_as="nobody") +
                    server("capable", "exec", exec="/bin/grep Cap /proc/self/status",
                           run_as="daemon"))
    assert hear(daemon.address("run")).startswith(b"uid=65534(nobody) gid=65534(nogroup)")
    capabilities = hear(daemon.address("capable")).decode().splitlines()
    assert [int(line.split()[1], 16) for line in capabilities] == [0] * 5


def test_max_processes_is_kept_exactly_and_others_wait(prongd):
    daemon = prongd(run("/bin/cat", max_processes=5), workers=4)
    clients = [connect(daemon.address("run")) for _ in range(30)]
    for client in clients:
        client.sendall(b"?")
    served = []
    while clients:
        ready = [client for client in clients if is_served(client)]
        served += ready
        clients = [client for client in clients if client not in ready]
        eventually(lambda: running(daemon) == min(5, len(served) + len(clients)),
                   "as many programs run as may")
        assert len(served) <= 5
        while served:
            with served.pop() as done:
                assert done.recv(1) == b"?"
        eventually(lambda: not clients or any(map(is_served, clients)), "the next one is served")
    eventually(lambda: counts(daemon) == {"running": 0, "started": 30, "failed": 0, "refused": 0},
               "all of them were served")


def is_served(client):
    client.setblocking(False)
    try:
        return client.recv(1, socket.MSG_PEEK) == b"?"
    except BlockingIOError:
        return False


@pytest.mark.parametrize("excess", ["close", "reset"])
def test_beyond_max_processes_a_client_may_be_sent_away(prongd, excess):
    daemon = prongd(run("/bin/cat", max_processes=1, excess_processes=excess))
    with connect(daemon.address("run")) as first:
        first.sendall(b"?")
        assert receive(first, 1) == b"?"
        assert end_of(daemon.address("run")) == excess
        daemon.wait_for_log("client refused reason=max_processes")
        eventually(lambda: counts(daemon) == {"running": 1, "started": 1, "failed": 0,
                                                "refused": 1}, "the keeper has told of it")


def end_of(address):
    """How a client is sent away; the reset may come while it connects still."""
    try:
        with connect(address) as client:
            return "close" if client.recv(1) == b"" else "served"
    except ConnectionResetError:
        return "reset"


def test_an_address_has_no_more_programs_than_it_may(prongd):
    daemon = prongd(run("/bin/cat", max_processes_per_address=2))
    clients = [connect(daemon.address("run")) for _ in range(2)]
    for client in clients:
        client.sendall(b"?")
        assert receive(client, 1) == b"?"
    with connect(daemon.address("run")) as third:
        assert third.recv(1) == b""
    with socket.create_connection(daemon.address("run"), 30, ("127.0.0.2", 0)) as other:
        other.sendall(b"!")
        assert receive(other, 1) == b"!"
    clients.pop().close()
    eventually(lambda: has_room(daemon.address("run")), "there is room again")
    clients.pop().close()


def has_room(address):
    """One that is sent away before anybody has read its bytes is reset."""
    try:
        return talk(address, b"again") == b"again"
    except ConnectionResetError:
        return False


def test_one_that_runs_for_too_long_is_ended(prongd):
    daemon = prongd(run("/bin/sleep 1000", max_runtime="100ms") +
                    server("stubborn", "exec", max_runtime="100ms", kill_timeout="100ms",
                           exec="/bin/sh -c 'trap \"\" TERM; sleep 1000; sleep 1000'"))
    assert hear(daemon.address("run")) == b""
    daemon.wait_for_log("server=run connection=")
    assert " signal=15 " in daemon.log()
    assert hear(daemon.address("stubborn")) == b""
    daemon.wait_for_log(" signal=9 ")


def test_one_that_is_stopped_can_end_properly(prongd):
    daemon = prongd(run("/bin/sh -c 'trap \"echo bye; exit 3\" TERM; echo; kill -STOP $$; sleep 9'",
                        max_runtime="300ms", kill_timeout="30s"))
    assert hear(daemon.address("run")) == b"\nbye\n"
    daemon.wait_for_log(" exit=3 ")


def test_what_a_shell_waits_for_has_the_rest_of_kill_timeout(prongd):
    """The shell itself ends with the signal."""
    inner = 'trap "sleep 0.3; echo last >&2; echo bye; exit" TERM; echo; while :; do sleep 0.1; done'
    daemon = prongd(run("/bin/sh -c 'sh -c \"$SCRIPT\"; true'", max_runtime="300ms",
                        environment=f"PATH=/bin:/usr/bin, SCRIPT={inner}", kill_timeout="30s") +
                    server("deaf", "exec", max_runtime="100ms", kill_timeout="300ms",
                           exec="/bin/sh -c 'sh -c \"$SCRIPT\"; true'",
                           environment="PATH=/bin:/usr/bin, SCRIPT=trap : TERM; echo; while :; do "
                                       "sleep 1; done"))
    assert hear(daemon.address("run")) == b"\nbye\n"
    assert " signal=15 " in daemon.log()
    daemon.wait_for_log('text="last"')
    assert hear(daemon.address("deaf")) == b"\n"  # it is killed, or would never end


def test_hundreds_that_end_at_once_are_buried(prongd):
    daemon = prongd(run("/bin/sh -c 'for i in $(seq 300); do (sleep 1000 &); done; echo; cat'",
                        standard_error="discard", kill_timeout="0"))
    [keeper] = eventually(lambda: keepers(daemon), "there is a keeper")["run"]
    with connect(daemon.address("run")) as client:
        assert receive(client, 1) == b"\n"
        eventually(lambda: len(children(keeper)) == 301, "they are the keeper's")
        assert daemon.ctl("close", "--server=run").returncode == 0
        assert receive_all(client) == b""
    eventually(lambda: not children(keeper), "nobody is left, buried or not")


def test_without_descriptors_clients_wait(prongd):
    daemon = prongd(run("/bin/cat", max_processes=0))
    [keeper] = eventually(lambda: keepers(daemon), "there is a keeper")["run"]
    _, most = resource.prlimit(keeper, resource.RLIMIT_NOFILE)
    resource.prlimit(keeper, resource.RLIMIT_NOFILE, (30, most))
    clients = [connect(daemon.address("run")) for _ in range(40)]
    for client in clients:
        client.sendall(b"?")
    daemon.wait_for_log("no descriptors are left for more programs: clients wait server=run")
    for client in clients:
        assert receive(client, 1) == b"?"
        client.close()
    eventually(lambda: counts(daemon) == {"running": 0, "started": 40, "failed": 0, "refused": 0},
               "all were served")
    assert daemon.log().count("no descriptors are left") < 20


def test_what_it_leaves_behind_is_buried(prongd):
    """A grandchild in a session of its own outlives the program; the keeper is its parent then."""
    daemon = prongd(run("/bin/sh -c 'setsid sh -c \"echo \\$\\$; exec sleep 0.3\" 2>&- & exit 0'"))
    with connect(daemon.address("run")) as client:
        orphan = int(client.makefile().readline())
        assert receive_all(client) == b""
    eventually(lambda: not Path(f"/proc/{orphan}").exists(), "nobody of it is left, buried or not")


def test_a_keeper_that_is_killed_is_replaced_and_refuses_nobody(prongd):
    daemon = prongd(run("/bin/cat"))
    [keeper] = eventually(lambda: keepers(daemon), "there is a keeper")["run"]
    with connect(daemon.address("run")) as before:
        before.sendall(b"1")
        assert receive(before, 1) == b"1"
        os.kill(keeper, signal.SIGSTOP)
        waiting = [connect(daemon.address("run")) for _ in range(100)]
        for client in waiting:
            client.sendall(b"?")
        os.kill(keeper, signal.SIGKILL)
        daemon.wait_for_log("programs that it ran go on alone")
        served = 0
        while waiting:
            client = waiting.pop(0)
            assert receive(client, 1) == b"?"
            client.close()
            served += 1
        assert served == 100
        before.sendall(b"2")
        assert receive(before, 1) == b"2"
    for pid in daemon.worker_pids():
        daemon.descriptors[pid] += 1  # those who waited were watched for a hang-up


def test_programs_end_with_the_service(prongd):
    daemon = prongd(run("/bin/cat") + server("deaf", "exec", kill_timeout="100ms",
                                             exec="/bin/sh -c 'trap \"\" TERM; echo; cat; cat'"),
                    shutdown_timeout="200ms")
    with connect(daemon.address("run")) as client, connect(daemon.address("deaf")) as deaf:
        client.sendall(b"?")
        assert receive(client, 1) == b"?" and receive(deaf, 1) == b"\n"
        assert daemon.stop() == 0
        assert client.recv(1) == b"" and deaf.recv(1) == b""
    assert " signal=15 " in daemon.log() and " signal=9 " in daemon.log()


def test_prongctl_stop_tells_of_programs_that_are_left(prongd):
    daemon = prongd(run("/bin/cat"), shutdown_timeout="3s")
    with connect(daemon.address("run")) as client:
        client.sendall(b"?")
        assert receive(client, 1) == b"?"
        eventually(lambda: running(daemon) == 1, "the keeper has told of it")
        answer = daemon.ctl("stop")
    assert answer.returncode == 0 and daemon.wait() == 0, answer.stderr
    assert "connections and 1 programs are left" in answer.stderr


def test_a_program_may_finish_while_the_service_stops(prongd):
    daemon = prongd(run("/bin/cat"))
    with connect(daemon.address("run")) as client:
        client.sendall(b"1")
        assert receive(client, 1) == b"1"
        daemon.signal(signal.SIGTERM)
        daemon.wait_for_log("stopping")
        client.sendall(b"2")
        assert receive(client, 1) == b"2"
    assert daemon.wait() == 0
    assert " exit=0 " in daemon.log()


# --- What is refused ---

def check(daemon, sections):
    daemon.write_config(sections)
    return subprocess.run([PRONGD, "-c", daemon.config, "-t"], capture_output=True, text=True)


@pytest.mark.parametrize("options, problem", [
    ({}, "exec: a program is missing"),
    ({"exec": "cat"}, 'exec: "cat" is not an absolute path'),
    ({"exec": "/bin/cat | wc"}, "exec: character 10: there is no shell"),
    ({"exec": "/bin/cat 'x"}, "exec: character 10: this quote is not closed"),
    ({"exec": "/no/where"}, "exec: /no/where: No such file or directory"),
    ({"exec": "/etc/passwd"}, "exec: /etc/passwd: Permission denied"),
    ({"exec": "/bin/cat", "directory": "/no/where"}, "directory: /no/where: No such file"),
    ({"exec": "/bin/cat", "run_as": "no_such_user"}, 'there is no user "no_such_user"'),
    ({"exec": "/bin/cat", "proxy_protocol_from": "127.0.0.1"},
     "proxy_protocol_from: does not go together with handler = exec"),
    ({"exec": "/bin/cat", "environment": "A"}, '"A" is no variable'),
])
def test_a_program_that_cannot_run_is_refused(make_daemon, options, problem):
    daemon = make_daemon("")
    answer = check(daemon, server("run", "exec", **options))
    assert answer.returncode != 0
    assert problem in answer.stderr, answer.stderr


def can(act):
    """Has a child of ours the right to do this?"""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        except (OSError, ValueError):
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize("options, act, command, given", [
    ({"program_nice": -20}, lambda: os.setpriority(os.PRIO_PROCESS, 0, -20), "nice", b"-20\n"),
    ({"program_rlimit_core": "1m"}, lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 1 << 20)),
     "ulimit -Hc", b"2048\n"),
])
def test_what_only_root_can_give_is_given_or_refused(make_daemon, options, act, command, given):
    """To a user who could not take it; and not refused only when the first client comes."""
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))}
    may = can(lambda: (limit["preexec_fn"](), act()))
    daemon = make_daemon("")
    daemon.write_config(run(f"/bin/sh -c '{command}'", **options,
                            **({"run_as": "nobody"} if IS_ROOT else {})))
    answer = subprocess.run([PRONGD, "-c", daemon.config, "-t"], capture_output=True, text=True,
                            **limit)
    assert (answer.returncode == 0) == may, answer.stderr
    if may:
        daemon.start(**limit)
        assert hear(daemon.address("run")) == given
    else:
        assert f"{list(options)[0]}: prongd has no right to give so much" in answer.stderr


# --- The access log ---

def test_the_access_log_has_a_line_for_each_program(prongd, tmp_path):
    tmp_path.chmod(0o777)
    log = tmp_path / "access"
    daemon = prongd(run("/bin/sh -c 'read -r code; exit $code'", access_log=log,
                        access_format="$server $handler $client $ended_by $fields"))
    talk(daemon.address("run"), b"3\n")
    [line] = eventually(lambda: log.read_text().splitlines(), "the line is there")
    assert line.startswith("run exec 127.0.0.1"), line
    assert " program pid=" in line and " exit=3 cpu_ms=" in line, line

    moved = log.rename(tmp_path / "access.1")
    assert daemon.ctl("reopen-logs").returncode == 0
    talk(daemon.address("run"), b"4\n")
    eventually(lambda: "exit=4" in log.read_text(), "the next line is in the new file")
    assert "exit=4" not in moved.read_text()
