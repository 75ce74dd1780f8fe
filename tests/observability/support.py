"""What the tests of Prometheus' and Grafana's files share."""

import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

PROJECT = pathlib.Path(__file__).resolve().parents[2]
# Never set: between two questions to somebody who does not tell when something happens.
TURN = threading.Event()
PROMETHEUS = PROJECT / "deploy" / "prometheus"
DASHBOARDS = sorted((PROJECT / "deploy" / "grafana" / "dashboards").glob("*.json"))
TOOLS = pathlib.Path(sys.argv.pop()) if len(sys.argv) > 1 and sys.argv[-1].startswith("/") else None


def rules(kind):
    """Every rule of rules.yml that has this: `alert` or `record`."""
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def panels(dashboard):
    """Every panel that shows something."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(dashboard):
    """Every expression of a dashboard, by its panel's title and with the legend, Grafana's variables filled in."""
    filled = {"$environment": ".*", "$__rate_interval": "1m", "$__range": "1h"}
    for panel in panels(dashboard):
        for target in panel["targets"]:
            expression = target["expr"]
            for name, value in filled.items():
                expression = expression.replace(name, value)
            yield panel["title"], expression, target.get("legendFormat", "")


# Words of the query language that are followed by no parenthesis.
WORDS = {"and", "or", "unless", "bool", "offset"}


def selectors(expression):
    """What an expression selects: each metric's name with its matchers, as Prometheus takes them.

    By what it is not: a list of labels, a range, a function or a word. So no misspelt name is passed over.
    """
    without_lists = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", expression)
    without_ranges = re.sub(r"\[[^\]]*\]", "", without_lists)
    named = re.findall(r"(?<![\w:])([a-zA-Z_:][\w:]*)(?![\w:])(\s*\()?(\{[^}]*\})?", without_ranges)
    return [name + matchers for name, function, matchers in named if not function and name not in WORDS]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get(url, body=None, headers=()):
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="GET" if body is None else "POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def until(what, found, seconds=60):
    """Asks again until there is something; neither Prometheus nor the relay tells when it is."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if result := found():
                return result
        except (urllib.error.URLError, ConnectionError):
            pass
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        TURN.wait(0.1)


class Program:
    """A program that runs until it is ended."""

    def __init__(self, command, folder, **variables):
        self.log = folder / f"{pathlib.Path(command[0]).name}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, cwd=folder, env=variables, stdout=log, stderr=subprocess.STDOUT)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def evaluate(address, expression):
    """What Prometheus makes of an expression: the samples' values by their labels."""
    query = urllib.parse.urlencode({"query": expression})
    answer = json.loads(get(f"{address}/api/v1/query?{query}"))
    if answer["data"]["resultType"] == "scalar":
        return [({}, float(answer["data"]["result"][1]))]
    return [(sample["metric"], float(sample["value"][1])) for sample in answer["data"]["result"]]
