# SPDX-License-Identifier: MIT
"""conf/monitoring: every metric and label that the dashboard and the alert rules ask for is one that
prongd has, and the alerts come when they should."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from daemon import PRONGD, TREE, Daemon, server

MONITORING = TREE / "conf/monitoring"
RULES = MONITORING / "prong.rules.yml"
DASHBOARD = json.loads((MONITORING / "prong.dashboard.json").read_text())
ALERTS = Path(__file__).with_name("alerts.yml")

GRAFANA = {"$__rate_interval": "5m", "$job": ".*", "$instance": ".*", "$server": ".*"}
TARGET_LABELS = {"job", "instance"}  # which Prometheus itself adds


def panels():
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def queries():
    """(what asks, expression, text with labels)"""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"], target["legendFormat"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["name"], annotation["expr"], ""
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            inner, label = re.fullmatch(r"label_values\((.*), (\w+)\)",
                                        variable["query"]["query"]).groups()
            yield variable["name"], inner, f"{{{{{label}}}}}"


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"]
            for rule in group["rules"]]


@pytest.fixture(scope="module")
def metrics():
    """{name: labels}, of a daemon that serves."""
    daemon = Daemon(server("echo", "echo")).start()
    try:
        text = daemon.ctl("metrics").stdout
        described = subprocess.run([PRONGD, "--describe=prongd.8"], check=True,
                                   capture_output=True, text=True).stdout
    finally:
        daemon.finish()
    found = {name: set(re.findall(r'(\w+)="', labels or ""))
             for name, labels in re.findall(r"^(prong_\w+)(?:\{(.*)\})? \S+$", text, re.M)}
    for name, by in re.findall(r"^\.B (prong_\w+)\n.*\nA \w+(?: by (.*))?\.$", described, re.M):
        found.setdefault(name, set(filter(None, by.split(", "))))
    return found


def assert_exists(what, expression, labels, metrics):
    names = set(re.findall(r"\bprong_\w+", expression))
    assert names, what
    assert names <= set(metrics), (what, names - set(metrics))
    known = set.union(*(metrics[name] for name in names)) | TARGET_LABELS
    asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\"", expression))
    for group in re.findall(r"\bby \(([^)]*)\)", expression):
        asked |= {label.strip() for label in group.split(",")}
    assert asked | labels <= known, (what, (asked | labels) - known)


def test_the_dashboard_asks_for_what_there_is(metrics):
    for what, expression, legend in queries():
        assert_exists(what, expression, set(re.findall(r"\{\{(\w+)\}\}", legend)), metrics)


def test_the_rules_ask_for_what_there_is(metrics):
    for rule in rules():
        if rule["alert"] == "ProngDown":
            continue  # asks Prometheus itself
        labels = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert_exists(rule["alert"], rule["expr"], labels, metrics)


def test_the_dashboard_is_one_that_grafana_takes():
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time"} <= set(DASHBOARD)
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, f"{panel['title']} lies on another one"
        taken |= cells
    for panel in panels():
        assert panel["title"] and panel["description"] and panel["targets"], panel
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len(set(references)), panel["title"]


def test_the_dashboard_shows_nearly_every_metric(metrics):
    asked = set(re.findall(r"\bprong_\w+", " ".join(expr for _, expr, _ in queries())))
    left_out = {"prong_worker_gate_closed", "prong_worker_accepted_total",
                "prong_worker_starts_total", "prong_server_dropped_total",
                "prong_server_closed_total", "prong_server_shadowed_total",
                "prong_server_expelled_total", "prong_listener_queue_limit"}
    assert asked | left_out <= set(metrics)
    assert len(asked) > 0.7 * len(metrics), set(metrics) - asked - left_out


# --- promtool ---


@pytest.fixture
def promtool():
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (prometheus)")

    def promtool(*words):
        done = subprocess.run(["promtool", *map(str, words)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout

    return promtool


def test_promtool_finds_no_mistake_in_the_rules(promtool):
    promtool("check", "rules", RULES)


def test_every_alert_comes_when_it_should_and_only_then(promtool):
    promtool("test", "rules", ALERTS)
    tested = re.findall(r"^  - name: (\w+) comes$", ALERTS.read_text(), re.M)
    assert sorted(tested) == sorted(rule["alert"] for rule in rules())


def test_promtool_understands_every_query_of_the_dashboard(promtool, tmp_path):
    found = []
    for number, (_, expression, _) in enumerate(queries()):
        for name, value in GRAFANA.items():
            expression = expression.replace(name, value)
        found.append({"record": f"query:{number}", "expr": expression})
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": found}]}))
    promtool("check", "rules", file)
