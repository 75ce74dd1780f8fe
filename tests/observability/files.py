"""Prometheus' rules, by promtool and their unit tests; Grafana's dashboard, by the types that Grafana publishes."""

import json
import subprocess
import unittest

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from support import DASHBOARDS, PROJECT, PROMETHEUS, TOOLS, panels, rules


def promtool(*arguments):
    command = [TOOLS / "usr" / "bin" / "promtool", *arguments]
    return subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True, check=False)


def lost(given, kept, path=""):
    """Members that are in `given` and not in `kept`."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for name, value in given.items():
            if name in kept:
                yield from lost(value, kept[name], f"{path}.{name}")
            elif value not in (None, False, "", [], {}):
                yield f"{path}.{name}"
    elif isinstance(given, list) and isinstance(kept, list):
        for at, (one, other) in enumerate(zip(given, kept, strict=False)):
            yield from lost(one, other, f"{path}[{at}]")


def round_trip(dashboard):
    """As Grafana's own types keep it."""
    return json.loads(json.dumps(Dashboard.from_json(json.loads(json.dumps(dashboard))), cls=JSONEncoder))


class Rules(unittest.TestCase):
    def test_promtool_accepts_them_and_their_unit_tests_pass(self):
        for arguments in (("check", "config", "prometheus.yml"), ("check", "rules", "rules.yml"),
                          ("test", "rules", "rules_test.yml")):
            done = promtool(*arguments)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_alert_is_shown_firing_and_not_firing(self):
        cases = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text())["tests"]
        shown = [(check["alertname"], bool(check["exp_alerts"])) for case in cases for check in case.get("alert_rule_test", ())]
        for rule in rules("alert"):
            for fires in (True, False):
                self.assertIn((rule["alert"], fires), shown)

    def test_each_alert_says_who_is_to_act_and_where_it_is_described(self):
        for rule in rules("alert"):
            name = rule["alert"]
            self.assertIn(rule["labels"]["severity"], ("page", "ticket"), name)
            self.assertEqual(rule["annotations"]["runbook"], f"docs/runbook.md#{name.lower()}")
            self.assertTrue(rule["annotations"]["summary"] and rule["annotations"]["description"], name)

    def test_each_is_in_the_runbook(self):
        headings = (PROJECT / "docs" / "runbook.md").read_text().splitlines()
        for rule in rules("alert"):
            self.assertIn(f"## {rule['alert']}", headings)


class Dashboards(unittest.TestCase):
    def test_grafana_knows_every_member(self):
        register_default_plugins()
        for file in DASHBOARDS:
            given = json.loads(file.read_text())
            self.assertEqual(list(lost(given, round_trip(given))), [], file.name)

    def test_a_member_that_grafana_does_not_know_is_found(self):
        register_default_plugins()
        given = json.loads(DASHBOARDS[0].read_text())
        given["panels"][1]["descripton"] = "misspelt"
        self.assertEqual(list(lost(given, round_trip(given))), [".panels[1].descripton"])

    def test_its_links_lead_somewhere_in_the_containers(self):
        compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
        for file in DASHBOARDS:
            dashboard = json.loads(file.read_text())
            constants = {f"${{{it['name']}}}": it["query"] for it in dashboard["templating"]["list"] if it["type"] == "constant"}
            links = [constants[link["url"]] for link in dashboard["links"]]
            self.assertEqual(links, ["http://127.0.0.1:8031/", "/public/docs/runbook.md"])
        self.assertIn("127.0.0.1:8031:8031", compose["relay"]["ports"])
        self.assertIn("./docs:/usr/share/grafana/public/docs:ro", compose["grafana"]["volumes"])

    def test_panels_have_titles_and_units_and_do_not_overlap(self):
        for file in DASHBOARDS:
            dashboard = json.loads(file.read_text())
            self.assertEqual(len({panel["id"] for panel in dashboard["panels"]}), len(dashboard["panels"]))
            taken = set()
            for panel in dashboard["panels"]:
                place = panel["gridPos"]
                cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                         for y in range(place["y"], place["y"] + place["h"])}
                self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
                self.assertFalse(cells & taken, panel["title"])
                taken |= cells
            for panel in panels(dashboard):
                self.assertTrue(panel["title"])
                self.assertTrue(panel["fieldConfig"]["defaults"]["unit"], panel["title"])


if __name__ == "__main__":
    unittest.main()
