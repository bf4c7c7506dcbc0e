# SPDX-License-Identifier: MIT
"""The manual of the library: a page for each header, and the guide with Node's names."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LIB = Path(__file__).parents[2] / "lib"
HEADERS = sorted((LIB / "include/prong").glob("*.h"))
GUIDE = (LIB / "README.md").read_text(encoding="utf-8")
NAME = re.compile(r"\bprong_\w+(?=\()")


def make(directory, *headers):
    return subprocess.run([sys.executable, "-B", LIB / "manual.py", "1.2.3", directory, *headers],
                          capture_output=True, text=True)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """{name: text}"""
    directory = tmp_path_factory.mktemp("man3")
    result = make(directory, *HEADERS)
    assert result.returncode == 0, result.stderr
    return {page.stem: page.read_text(encoding="utf-8") for page in directory.glob("*.3")}


def exported():
    """What the headers declare, without looking at them as the generator does."""
    text = "\n".join(header.read_text(encoding="utf-8") for header in HEADERS)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return {re.search(r"(prong_\w+)\s*\(", part).group(1)
            for part in re.findall(r"^PRONG_API[^;]*;", text, re.M)}


def is_link(text):
    return text.startswith(".so ")


def test_every_header_has_a_page_and_every_function_is_in_one(pages):
    whole = [name for name, text in pages.items() if not is_link(text)]
    assert set(whole) == {"prong"} | {f"prong_{header.stem}" for header in HEADERS
                                      if header.stem not in ("api", "prong")}
    for name in exported():
        holders = [page for page in whole
                   if re.search(rf"^(?!\.).*\b{name}\(", code_of(pages[page]), re.M)]
        assert len(holders) == 1, (name, holders)
        assert name in pages
        assert name in whole or pages[name] == f".so man3/{holders[0]}.3\n"


def code_of(page):
    """Declarations, but not examples, which stand in the description."""
    interface = page.partition("\n.SH INTERFACE\n")[2]
    code = "\n".join(re.findall(r"^\.EX\n(.*?)^\.EE$", interface, re.M | re.S))
    return re.sub(r"/\*.*?\*/", "", code, flags=re.S)


def test_a_reader_of_manuals_finds_nothing_wrong(pages, tmp_path):
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed")
    for name, text in pages.items():
        if is_link(text):
            continue
        (tmp_path / name).write_text(text, encoding="utf-8")
        result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", name], cwd=tmp_path,
                                capture_output=True, text=True)
        wrong = [line for line in result.stdout.splitlines() if "missing date" not in line]
        assert not wrong


def test_a_function_without_a_contract_is_refused(tmp_path):
    header = tmp_path / "odd.h"
    header.write_text("/* SPDX-License-Identifier: MIT\n *\n * Odd things.\n */\n\n"
                      "PRONG_API int prong_odd(void);\n")
    result = make(tmp_path / "out", header)
    assert result.returncode == 1
    assert "prong_odd has no contract" in result.stderr


def test_the_guide_names_only_what_there_is():
    assert set(NAME.findall(GUIDE)) <= exported()
    members = set(re.findall(r"`(?:socket\.|connect\.)?(\w+)`", GUIDE))
    text = "\n".join(header.read_text(encoding="utf-8") for header in HEADERS)
    for member in members:
        if member.startswith("on_") or member.endswith("_ms"):
            assert re.search(rf"\b{member}\b", text), member


NODE = """
createServer connect createConnection isIP isIPv4 isIPv6 getDefaultAutoSelectFamily
setDefaultAutoSelectFamily getDefaultAutoSelectFamilyAttemptTimeout
setDefaultAutoSelectFamilyAttemptTimeout Server Socket Stream BoundSocket _setSimultaneousAccepts
allowHalfOpen pauseOnConnect noDelay keepAlive keepAliveInitialDelay highWaterMark blockList
listening connection close error drop listen backlog exclusive ipv6Only reusePort readableAll
writableAll signal address getConnections maxConnections dropMaxConnection ref unref _usingWorkers
_workers _slaves _setupWorker fd handle readable writable onread typeOfService port host path
localAddress localPort family hints lookup autoSelectFamily autoSelectFamilyAttemptTimeout timeout
connectionAttempt connectionAttemptFailed connectionAttemptTimeout ready data end finish drain
pipe unpipe newListener write cork uncork destroy destroySoon resetAndDestroy pause resume isPaused
read setEncoding setTimeout setNoDelay setKeepAlive setTypeOfService getTypeOfService localFamily
remoteAddress remotePort remoteFamily bytesRead bytesWritten bufferSize writableLength
readableLength writableHighWaterMark writableNeedDrain connecting pending destroyed readyState
writableEnded writableFinished autoSelectFamilyAttemptedAddresses server addAddress addRange
addSubnet check rules toJSON fromJSON size clear isBlockList SocketAddress parse
""".split()


def test_the_guide_has_every_name_of_node():
    node = {word for row in re.findall(r"^\| (.*?) \|", GUIDE, re.M)
            for word in re.findall(r"\w+", row)}
    assert not set(NODE) - node
