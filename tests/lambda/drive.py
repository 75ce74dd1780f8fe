"""Calls Python's handler as Lambda's runtime does: it is imported once, then an event a line, and an answer a line.
Beside each answer stands whom the process connected to so far."""

import json
import sys
from pathlib import Path

reached = []


def watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host, port = arguments[1][:2]
        reached.append(f"{host}:{port}")
    elif event == "socket.getaddrinfo":
        host, port = arguments[:2]
        reached.append(f"{host}:{port}")


sys.addaudithook(watch)
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples/lambda/python"))

from handler import handler  # noqa: E402 - after the watch was set

for line in sys.stdin:
    answer = handler(json.loads(line), None)
    print(json.dumps({"answer": answer, "reached": sorted(set(reached))}), flush=True)
