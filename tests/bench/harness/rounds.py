# SPDX-License-Identifier: MIT
"""Taking turns: every peer in every lane in every round, in an order that changes."""

import contextlib


def order(peers, number):
    """Every peer comes first, and last, as often as any other; every second round runs backwards,
    so that nobody always follows the same neighbour."""
    shift = (number // 2) % len(peers)
    turned = peers[shift:] + peers[:shift]
    return turned[::-1] if number % 2 else turned


def play(case, bench, peer_classes):
    """{lane: {peer name: [a measurement for each round]}}"""
    samples = {lane: {one.name: [] for one in peer_classes} for lane in bench.lanes_of(case)}
    one_round = _with_fresh_servers if case.fresh_servers else _with_the_same_servers
    rounds = bench.rounds_of(case)
    for number in range(rounds):
        bench.progress(f"{case.name}: round {number + 1} of {rounds}")
        one_round(case, bench, order(list(peer_classes), number), samples)
    return samples


def _with_the_same_servers(case, bench, turns, samples):
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(one(bench)) for one in turns]
        for lane, of_lane in samples.items():
            for server in servers:
                of_lane[server.name].append(case.measure(bench, server, lane))


def _with_fresh_servers(case, bench, turns, samples):
    for lane, of_lane in samples.items():
        for one in turns:
            with case.server(one, bench, lane) as server:
                of_lane[server.name].append(case.measure(bench, server, lane))
