# SPDX-License-Identifier: MIT
"""What README.md shows is true."""

import re
import subprocess

import pytest

from client import connect, echoes, receive
from daemon import PRONGD, TREE, server
from modules import compile_module

README = (TREE / "README.md").read_text()


def block(language):
    return re.search(rf"^```{language}\n(.*?)^```$", README, re.M | re.S).group(1)


def test_its_configuration_is_good(tmp_path):
    file = tmp_path / "prongd.conf"
    file.write_text(block("ini"))
    answer = subprocess.run([PRONGD, "-c", file, "-t"], capture_output=True, text=True, timeout=30)
    assert answer.returncode == 0, answer.stderr


def test_the_quickstart_serves(make_daemon):
    """With ports that are free, and a control socket of its own."""
    daemon = make_daemon("")
    text = (TREE / "conf/quickstart.conf").read_text()
    text = re.sub(r"^listen = 127.0.0.1:\d+$", "listen = 127.0.0.1:0", text, flags=re.M)
    daemon.control = f"@prong-quickstart-{daemon.directory.name}"
    text = text.replace("control_socket = @prong-quickstart", f"control_socket = {daemon.control}")
    text = text.replace("workers = auto", f"workers = {daemon.workers}")
    daemon.config.write_text(text)

    daemon.start()
    with connect(daemon.address("hello")) as client:
        assert receive(client, 13) == b"hello client!"
    with connect(daemon.address("echo")) as client:
        assert echoes(client)


def test_its_handler_serves_as_a_module(prongd, tmp_path):
    tmp_path.chmod(0o755)
    daemon = prongd(server("count", compile_module(block("c"), tmp_path / "count.so")))
    with connect(daemon.address("count")) as client:
        client.sendall(b"one\ntwo\n")
        assert receive(client, 2) == b"2\n"


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:lib|daemon)/[\w/.]+\.[ch])`", README))))
def test_the_files_it_names_exist(name):
    assert (TREE / name).is_file()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(\w+)\(\)`", README))))
def test_the_functions_it_names_exist(name):
    found = subprocess.run(["grep", "-rqw", name, TREE / "lib", TREE / "daemon"], timeout=60)
    assert found.returncode == 0


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", README))))
def test_its_links_lead_somewhere(link):
    assert (TREE / link).exists()


def test_every_lesson_is_pinned_by_a_test_that_exists():
    text = (TREE / "tests/README.md").read_text()
    section = text[text.index("## The lessons"):text.index("## The rules")]
    found = 0
    for file, names in re.findall(r"`((?:unit/)?test_\w+\.\w+)`: ((?:`\w+`(?:, )?)+)", section):
        folder = "" if file.startswith("unit/") else "integration/"
        source = (TREE / "tests" / (folder + file)).read_text()
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"\b{name}\(", source), (file, name)
            found += 1
    assert found >= 20
