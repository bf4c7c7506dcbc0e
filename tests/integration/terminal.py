# SPDX-License-Identifier: MIT
"""A program at a terminal of its own, at whose keys a test sits."""

import os
import pty
import re
import select
import signal

from daemon import PATIENCE

ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x07")


class Terminal:
    def __init__(self, *command, **environment):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(environment, TERM="dumb", COLUMNS="200")
            os.execvp(command[0], command)

    def wait_for(self, pattern):
        """Returns the match, and forgets everything up to its end."""
        while True:
            text = ESCAPES.sub(b"", self.seen)
            found = re.search(pattern.encode(), text)
            if found:
                self.seen = text[found.end():]
                return found[0].decode()
            ready, _, _ = select.select([self.fd], [], [], PATIENCE)
            assert ready, f"{pattern!r} does not come: {text.decode(errors='replace')!r}"
            self.seen += os.read(self.fd, 4096)

    def type(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
