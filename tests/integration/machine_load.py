# SPDX-License-Identifier: MIT
"""Clients that run in the network of a container.

    machine_load.py talk PORT   one connection, which echoes a message for each line of input
    machine_load.py load PORT   connects, talks and closes again and again until the input ends; the
                                last line says in JSON how often that went how
"""

import json
import socket
import struct
import sys
import threading
import time
from collections import Counter

THREADS = 8
TIMEOUT = 30
MESSAGE = b"are you there?"
RESET = struct.pack("ii", 1, 0)  # closes with RST, so that no port waits for a minute


def echoes(client):
    client.sendall(MESSAGE)
    answer = b""
    while len(answer) < len(MESSAGE):
        part = client.recv(64)
        if not part:
            raise ConnectionResetError
        answer += part
    return answer == MESSAGE


def connect(port):
    client = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    return client


def talk(port):
    with connect(port) as client:
        print("connected", flush=True)
        for _ in sys.stdin:
            print("echoed" if echoes(client) else "broken", flush=True)


def attempt(port):
    """What became of one connection."""
    try:
        client = connect(port)
    except ConnectionRefusedError:
        return "refused"
    except OSError as problem:
        return f"not connected: {problem}"
    with client:
        try:
            return "served" if echoes(client) else "broken"
        except TimeoutError:
            return "forgotten"
        except OSError:
            return "lost"


class Count:
    def __init__(self):
        self.count = Counter()
        self.longest = 0
        self.ends = threading.Event()

    def work(self, port):
        while not self.ends.is_set():
            before = time.monotonic()
            self.count[attempt(port)] += 1
            self.longest = max(self.longest, time.monotonic() - before)
            if self.count["refused"]:
                time.sleep(0.01)


def load(port):
    count = Count()
    threads = [threading.Thread(target=count.work, args=(port,)) for _ in range(THREADS)]
    before = time.monotonic()
    for thread in threads:
        thread.start()
    print("loaded", flush=True)
    sys.stdin.read()
    count.ends.set()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - before
    print(json.dumps({**count.count, "seconds": seconds, "longest": count.longest}))


{"talk": talk, "load": load}[sys.argv[1]](int(sys.argv[2]))
