"""Which log lines ring which alarm, and what happens when none come."""

import json
import re
import unittest

import cloud
from rest import Rest
from template import ROOT

TOPIC = f"arn:aws:sns:{cloud.REGION}:{cloud.ACCOUNT}:alarms"
# As the daemon writes it; the Rust test that starts it holds it to the members named here.
SUMMARY = {
    "timestamp": "2026-11-24T03:00:00.000000Z", "level": "info", "message": "summary", "contested": 0, "environments": 1, "items_malformed": 0,
    "items_too_large": 0, "keys_refused": 0, "misconfigured": 0, "removals_held": 0, "roster_known": True, "stale": 0, "uninitialized": 0, "up_to_date": 1,
}
RINGS = {
    "stale": "not-up-to-date", "uninitialized": "uninitialized", "keys_refused": "key-refused", "removals_held": "removals-held",
    "items_too_large": "item-too-large", "items_malformed": "item-malformed", "contested": "contested", "misconfigured": "misconfigured",
}


def value(metric_filter, line):
    """What a metric filter makes of a line: a number, or None. The part of CloudWatch's language that the template uses."""
    pattern = re.fullmatch(r'\{ \$\.(\w+) = "([^"*]+)" \}', metric_filter["filterPattern"])
    assert pattern, metric_filter["filterPattern"]
    (transformation,) = metric_filter["metricTransformations"]
    member = re.fullmatch(r"\$\.(\w+)", transformation["metricValue"])
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event.get(member[1]) if event.get(pattern[1]) == pattern[2] else None


def rings(alarm, points):
    """Whether an alarm rings after these points, a minute each, None where nothing came. What it was before is not known to it."""
    compare = {
        "GreaterThanThreshold": lambda it: it > alarm["Threshold"], "LessThanThreshold": lambda it: it < alarm["Threshold"],
    }[alarm["ComparisonOperator"]]
    if alarm["Statistic"] == "SampleCount":
        points = [None if it is None else 1 for it in points]
    looked_at = points[-alarm["EvaluationPeriods"]:]
    missing = {"breaching": True, "ignore": None, "notBreaching": False}[alarm["TreatMissingData"]]
    judged = [missing if it is None else compare(it) for it in looked_at]
    if None in judged:
        return None
    return sum(judged) >= alarm["DatapointsToAlarm"]


class Alarms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = cloud.start()
        cls.deployed = server.deploy("relay-alarms", AlarmTopicArn=TOPIC)
        cls.rest = Rest(cls.deployed)
        cls.alarms = cls.read(server, "relay-alarms")
        group = cls.deployed.outputs()["LogGroupName"]
        filters = server.client("logs").describe_metric_filters(logGroupName=group)["metricFilters"]
        cls.filters = {it["metricTransformations"][0]["metricName"]: it for it in filters}
        quiet = server.deploy("relay-quiet", Environment="quiet")
        Rest(quiet)
        cls.quiet = cls.read(server, "relay-quiet")

    @staticmethod
    def read(server, stack):
        alarms = server.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{stack}-")["MetricAlarms"]
        return {it["AlarmName"].removeprefix(f"{stack}-"): it for it in alarms}

    def test_there_are_those_that_were_asked_for(self):
        self.assertEqual(set(self.alarms), {*RINGS.values(), "silent", "no-running-task"})
        for alarm in self.alarms.values():
            self.assertEqual((alarm["AlarmActions"], alarm["OKActions"]), ([TOPIC], [TOPIC]))
        for alarm in self.quiet.values():
            self.assertEqual((alarm["AlarmActions"], alarm["OKActions"]), ([], []))

    def test_each_reads_a_metric_that_is_made(self):
        made = {(it["metricTransformations"][0]["metricNamespace"], name) for name, it in self.filters.items()}
        for name, alarm in self.alarms.items():
            source = (alarm["Namespace"], alarm["MetricName"])
            if name == "no-running-task":
                self.assertEqual(source, ("AWS/ECS", "CPUUtilization"))
                dimensions = {it["Name"]: it["Value"] for it in alarm["Dimensions"]}
                self.assertEqual(dimensions, {"ClusterName": "relay-alarms", "ServiceName": "relay"})
            else:
                self.assertIn(source, made)
                self.assertFalse(alarm.get("Dimensions"))

    def test_a_number_rings_its_alarm_and_no_other(self):
        for member, name in RINGS.items():
            line = json.dumps({**SUMMARY, member: 3})
            for other, alarm in RINGS.items():
                found = value(self.filters[other], line)
                self.assertEqual(found, 3 if member == other else 0)
                points = [found] * self.alarms[alarm]["EvaluationPeriods"]
                self.assertEqual(rings(self.alarms[alarm], points), member == other, f"{member} {alarm}")

    def test_what_is_over_rings_no_more(self):
        for name in RINGS.values():
            self.assertFalse(rings(self.alarms[name], [3, 3, 3, 0, 0, 0]))

    def test_a_restart_does_not_ring(self):
        for name in ("not-up-to-date", "uninitialized", "misconfigured"):
            self.assertFalse(rings(self.alarms[name], [0, 0, 1, 0]))

    def test_other_lines_are_no_numbers(self):
        for line in ("{", "", '{"message":"started","stale":1}', '{"level":"summary","stale":1}', '{"message":"summary"}'):
            for it in self.filters.values():
                self.assertIsNone(value(it, line))

    def test_silence_is_an_alarm_of_its_own_and_changes_no_other(self):
        nothing = [None] * 5
        for name, alarm in self.alarms.items():
            expected = True if name in ("silent", "no-running-task") else None
            self.assertEqual(rings(alarm, nothing), expected, name)
        self.assertFalse(rings(self.alarms["silent"], [None, None, 0, None, None]))
        self.assertFalse(rings(self.alarms["no-running-task"], [None, 0, None]))

    def test_each_says_where_the_runbook_helps(self):
        runbook = ROOT / "docs/runbook.md"
        for name, alarm in self.alarms.items():
            section = re.search(r"See docs/runbook\.md, section (\w+)\.", alarm["AlarmDescription"])
            self.assertTrue(section, alarm["AlarmDescription"])
            if runbook.exists():
                self.assertRegex(runbook.read_text(), rf"(?m)^## {section[1]}$", name)
