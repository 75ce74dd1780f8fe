"""A real Prometheus scrapes a running relay: every expression of the rules and the dashboard finds what it names."""

import hashlib
import hmac
import json
import math
import pathlib
import re
import tempfile
import time
import unittest

import yaml

from support import (DASHBOARDS, PROJECT, PROMETHEUS, TOOLS, Program, evaluate, free_port, get, queries, rules, selectors,
                     until)

RELAY = PROJECT / "target" / "debug" / "ld-dynamodb-relay"
SECRET = "only-for-this-test-0123456789abcdef"
# Rows are deleted behind the relay's back, so one alert has a reason.
EXPECTED = {"RelayDrifting"}


def flags(value):
    return json.dumps({"flagValues": {"greeting": value, "color": "blue"}})


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        folder = pathlib.Path(cls.folder.name)
        cls.file = folder / "flags.json"
        cls.file.write_text(flags("hello"))
        cls.port, cls.admin, cls.store = free_port(), free_port(), free_port()
        relay = Program([RELAY, "demo", "--port", str(cls.store), "flags.json"], folder, PORT=str(cls.port),
                        PROMETHEUS_PORT=str(cls.admin), WEBHOOK_SECRET=SECRET, MARKER_CHECK_INTERVAL="1s")
        cls.addClassCleanup(relay.end)
        cls.listed(folder)
        prometheus = free_port()
        cls.address = f"http://127.0.0.1:{prometheus}"
        server = Program([TOOLS / "usr" / "bin" / "prometheus", f"--config.file={cls.config(folder)}",
                          f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{prometheus}"], folder)
        cls.addClassCleanup(server.end)
        until("the relay is ready", lambda: get(f"http://127.0.0.1:{cls.port}/readyz"))
        # A rate needs two scrapes with a difference between them.
        until("a first scrape", lambda: cls.asked("ld_dynamodb_up_to_date"))
        cls.make_things_happen()
        until("all of it is scraped", lambda: cls.asked(
            "rate(ld_dynamodb_propagation_seconds_count{from='webhook_date'}[1m]) > 0 "
            "and on () sum(rate(ld_dynamodb_repairs_total[1m])) > 0 "
            "and on () ld_dynamodb_sessions_total{end='reopened'} > 0 "
            "and on () ld_dynamodb_roster_up_to_date > 0"))
        until("an alert fires", lambda: cls.asked('ALERTS{alertstate="firing"}'))
        until("the recording rules are evaluated", lambda: all(
            not math.isnan(value) for rule in rules("record") for _, value in cls.asked(rule["record"]) or [({}, math.nan)]))

    @classmethod
    def listed(cls, folder):
        """A second relay, whose environments LaunchDarkly lists: none, for what is told of the list itself."""
        cls.listed_admin, launchdarkly = free_port(), free_port()
        (folder / "listed.json").write_text(json.dumps({"environments": {}}))
        simulated = Program([RELAY, "simulate", "--address", f"127.0.0.1:{launchdarkly}", "listed.json"], folder)
        cls.addClassCleanup(simulated.end)
        relay = Program([RELAY, "run"], folder, PORT=str(free_port()), PROMETHEUS_PORT=str(cls.listed_admin),
                        AUTO_CONFIG_KEY="rel-simulated", STREAM_URI=f"http://127.0.0.1:{launchdarkly}",
                        DYNAMODB_URL=f"http://127.0.0.1:{cls.store}", DYNAMODB_TABLE="launchdarkly",
                        ENV_DATASTORE_PREFIX="$CID", AWS_REGION="us-east-1", AWS_ACCESS_KEY_ID="x",
                        AWS_SECRET_ACCESS_KEY="x")
        cls.addClassCleanup(relay.end)

    @classmethod
    def config(cls, folder):
        """The shipped files, with another address and no waiting."""
        config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        shipped = yaml.safe_load((PROMETHEUS / config["rule_files"][0]).read_text())
        for group in shipped["groups"]:
            group.pop("interval", None)
        (folder / config["rule_files"][0]).write_text(json.dumps(shipped))
        config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{port}" for port in (cls.admin, cls.listed_admin)]}]
        (folder / "prometheus.yml").write_text(json.dumps(config))
        return folder / "prometheus.yml"

    @classmethod
    def make_things_happen(cls):
        """A change, the webhook that announces it, a stream that takes over from another, and rows that vanish."""
        cls.file.write_text(flags("good morning"))
        until("the change is stored", lambda: b"good morning" in cls.dynamodb("GetItem", Key={
            "namespace": {"S": "demo:features"}, "key": {"S": "greeting"}}))
        body = json.dumps({"_id": "1", "kind": "flag", "date": int(time.time() * 1000) - 1000, "accesses": [
            {"action": "updateOn", "resource": "proj/default:env/demo:flag/greeting"}]}).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        answer = get(f"http://127.0.0.1:{cls.port}/webhook", body, {"X-LD-Signature": signature})
        assert answer == b"woken\n", answer
        get(f"http://127.0.0.1:{cls.admin}/sync/demo", b"")
        for name in ("demo:$inited", "demo:features"):
            key = name if "$" in name else "greeting"
            cls.dynamodb("DeleteItem", Key={"namespace": {"S": name}, "key": {"S": key}})

    @classmethod
    def dynamodb(cls, operation, **request):
        """The embedded DynamoDB checks no signature."""
        signed = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
        return get(f"http://127.0.0.1:{cls.store}", json.dumps({"TableName": "launchdarkly", **request}).encode(), {
            "X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0",
            "Authorization": signed})

    @classmethod
    def asked(cls, expression):
        return evaluate(cls.address, expression)

    def check(self, where, expression):
        """Everything that it names is there."""
        self.asked(expression)
        self.assertTrue(selectors(expression), where)
        for selector in selectors(expression):
            self.assertTrue(self.asked(selector), f"{where}: there is no {selector}")

    def test_rules_name_what_is_there(self):
        for rule in rules("alert") + rules("record"):
            self.check(rule.get("alert") or rule["record"], rule["expr"])

    def test_recording_rules_and_panels_show_numbers(self):
        shown = [(rule["record"], rule["record"], "") for rule in rules("record")]
        for file in DASHBOARDS:
            shown += queries(json.loads(file.read_text()))
        self.assertGreater(len(shown), 40)
        for where, expression, legend in shown:
            self.check(where, expression)
            samples = self.asked(expression)
            self.assertTrue(samples, f"{where}: {expression} is empty")
            for labels, value in samples:
                self.assertFalse(math.isnan(value), f"{where}: {expression} is no number for {labels}")
                self.assertLessEqual(set(re.findall(r"{{(\w+)}}", legend)), set(labels), f"{where}: the legend {legend}")

    def test_variables_and_annotations_name_what_is_there(self):
        for file in DASHBOARDS:
            dashboard = json.loads(file.read_text())
            for variable in dashboard["templating"]["list"]:
                if variable["type"] == "query":
                    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
                    self.assertTrue(all(label in labels for labels, _ in self.asked(metric)))
                    self.check(variable["name"], metric)
            for annotation in dashboard["annotations"]["list"]:
                self.check(annotation["name"], annotation["expr"])

    def test_what_is_misspelt_is_found(self):
        with self.assertRaisesRegex(AssertionError, "there is no ld_dynamodb_stael"):
            self.check("seeded", "min by (environment) (ld_dynamodb_stael) == 1")
        with self.assertRaisesRegex(AssertionError, "there is no"):
            self.check("seeded", 'max(ld_dynamodb_held{reason="break"}) > 0')
        with self.assertRaisesRegex(AssertionError, "there is no ld_dynamo_stale"):
            self.check("seeded", "sum(rate(ld_dynamodb_repairs_total[5m])) unless on () max by (x) (ld_dynamo_stale) > bool 0")

    def test_no_alert_has_a_reason_but_for_the_rows_that_vanished(self):
        reasons = {rule["alert"] for rule in rules("alert") if self.asked(rule["expr"])}
        self.assertEqual(reasons, EXPECTED)
        fire = until("it fires", lambda: self.asked('ALERTS{alertstate="firing"}'))
        self.assertEqual({labels["alertname"] for labels, _ in fire}, EXPECTED)


if __name__ == "__main__":
    unittest.main()
