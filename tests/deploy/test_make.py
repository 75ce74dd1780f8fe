"""The Makefile's targets, with the real AWS CLI before moto: what each asks, and what comes of it."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import cloud
from template import ROOT

IMAGE = "registry.example/ld-dynamodb-relay:1"


def listed(subnets):
    """Moto shows lists as Python does."""
    return re.findall(r"subnet-\w+", subnets)


class Targets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cloud.start()

    def setUp(self):
        self.server.forget()
        self.cloud = cloud.Cloud(self.server.endpoint)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def make(self, *arguments, answers=(), at=ROOT, code=0, variables=()):
        """What make printed, and what the AWS CLI was asked."""
        asked = self.folder / "asked"
        asked.write_text("")
        # As `make` finds it on a user's machine; nothing of ours is inherited, such as make's own flags.
        variables = {
            **cloud.CREDENTIALS, "PATH": f"{ROOT / 'tests/deploy'}:{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(self.folder),
            "AWS_ENDPOINT_URL": self.cloud.endpoint, "AWS_DEFAULT_REGION": cloud.REGION, "ASKED": str(asked), "ANSWERS": json.dumps(answers),
            "REAL_AWS": str(Path(sys.executable).parent / "aws"), **dict(variables),
        }
        done = subprocess.run(["make", "--no-print-directory", *arguments], cwd=at, env=variables, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr, [json.loads(line) for line in asked.read_text().splitlines()]

    def put_secrets(self, environment):
        for name, value in cloud.SECRETS.items():
            self.cloud.client("ssm").put_parameter(Name=f"/launchdarkly/{environment}/{name}", Value=value, Type="SecureString")

    def stack(self, name):
        return self.cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]

    def parameters(self, name):
        return {it["ParameterKey"]: it["ParameterValue"] for it in self.stack(name)["Parameters"]}

    def test_the_first_deployment_takes_the_default_network(self):
        self.put_secrets("staging")
        self.make("deploy", f"IMAGE={IMAGE}", "PARAMETERS=Prefix=shop LogRetentionDays=7")
        parameters = self.parameters("ld-dynamodb-relay-staging")
        ec2 = self.cloud.client("ec2")
        (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        subnets = {it["SubnetId"] for it in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]}
        self.assertEqual(parameters["VpcId"], vpc["VpcId"])
        self.assertEqual(set(listed(parameters["SubnetIds"])), subnets)
        told = [parameters[it] for it in ("Environment", "Image", "PullFromEcr", "Prefix", "LogRetentionDays")]
        self.assertEqual(told, ["staging", IMAGE, "false", "shop", "7"])
        self.assertFalse(self.stack("ld-dynamodb-relay-staging")["EnableTerminationProtection"])

        # Later what is not said stays.
        registry = "210987654321.dkr.ecr.eu-central-1.amazonaws.com/relay:2"
        _, asked = self.make("staging", f"IMAGE={registry}", answers=[[["cloudformation", "deploy"], ""]])
        self.assertFalse([it for it in asked if it[0] == "ec2"])
        (deploy,) = [it for it in asked if "deploy" in it]
        told = deploy[deploy.index("--parameter-overrides") + 1:]
        self.assertEqual(told, ["Environment=staging", f"Image={registry}", "PullFromEcr=true"])

    def test_zones_without_vpc_links_are_left_out(self):
        self.put_secrets("staging")
        self.make("deploy", f"IMAGE={IMAGE}", variables={"AWS_DEFAULT_REGION": cloud.REGION}.items())
        self.cloud.region = "us-east-1"
        self.put_secrets("staging")
        self.make("deploy", f"IMAGE={IMAGE}", variables={"AWS_DEFAULT_REGION": "us-east-1"}.items())
        taken = self.parameters("ld-dynamodb-relay-staging")["SubnetIds"]
        taken = listed(taken)
        subnets = self.cloud.client("ec2").describe_subnets(SubnetIds=taken)["Subnets"]
        self.assertGreater(len(subnets), 1)
        self.assertNotIn("use1-az3", [it["AvailabilityZoneId"] for it in subnets])

    def test_without_secrets_or_an_image_nothing_is_made(self):
        printed, asked = self.make("deploy", f"IMAGE={IMAGE}", code=2)
        self.assertIn("aws ssm put-parameter --type SecureString --name /launchdarkly/staging/sdkkey", printed)
        self.put_secrets("staging")
        printed, more = self.make("deploy", code=2)
        self.assertIn("IMAGE=", printed)
        printed, _ = self.make("deploy", f"IMAGE={IMAGE}", "VPC=vpc-1", code=2)
        self.assertIn("SUBNETS=", printed)
        self.assertFalse([it for it in asked + more if "deploy" in it])
        printed, asked = self.make("destroy", code=2, variables={"ENV": "/etc/shrc"}.items())
        self.assertIn("ENV=/etc/shrc", printed)
        self.assertEqual(asked, [])

    def test_production_is_not_deleted_by_mistake(self):
        for environment in ("staging", "production"):
            self.put_secrets(environment)
        name = "ld-dynamodb-relay-production"
        # Moto knows of this protection but cannot switch it.
        _, asked = self.make("production", "ENV=staging", f"IMAGE={IMAGE}", answers=[[["update-termination-protection"], ""]])
        (protect,) = [it for it in asked if "update-termination-protection" in it]
        self.assertEqual(protect[2:5], ["--stack-name", name, "--enable-termination-protection"])
        self.assertEqual(self.parameters(name)["Environment"], "production")
        printed, asked = self.make("destroy", "ENV=production", code=2, answers=[[["Stacks[0].EnableTerminationProtection"], "True\n"]])
        self.assertIn("--no-enable-termination-protection", printed)
        self.assertFalse([it for it in asked if "delete-stack" in it])
        self.assertTrue(self.cloud.client("dynamodb").describe_table(TableName="launchdarkly-production")["Table"]["DeletionProtectionEnabled"])

        _, asked = self.make("staging", f"IMAGE={IMAGE}")
        self.assertFalse([it for it in asked if "update-termination-protection" in it])
        self.assertIn("launchdarkly-staging", self.cloud.client("dynamodb").list_tables()["TableNames"])
        printed, _ = self.make("destroy")
        self.assertIn("ld-dynamodb-relay-staging is deleted", printed)
        self.assertNotIn("launchdarkly-staging", self.cloud.client("dynamodb").list_tables()["TableNames"])

    def test_url_prints_the_url_and_logs_the_log(self):
        self.cloud.deploy("ld-dynamodb-relay-staging")
        printed, _ = self.make("url")
        self.assertRegex(printed, r"^https://\S+\.execute-api\.eu-central-1\.amazonaws\.com/webhook\n$")
        printed, asked = self.make("logs", answers=[[["logs", "tail"], "a line\n"]])
        self.assertEqual(printed, "a line\n")
        group = self.cloud.client("logs").describe_log_groups(logGroupNamePrefix="/ld-")["logGroups"][0]["logGroupName"]
        self.assertEqual(asked, [["logs", "tail", group, "--since", "1h", "--follow"]])

    def sync(self, *arguments, exit_code, code, command="sync"):
        network = '{"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}}\n'
        answers = [
            # Moto forgets what network CloudFormation gave the service, and runs nothing.
            [["describe-services", "services[0].networkConfiguration"], network],
            [["run-task"], "arn:aws:ecs:eu-central-1:210987654321:task/c/0af1\n"],
            [["wait", "tasks-stopped"], ""],
            [["describe-tasks", "tasks[0].containers[0].exitCode"], f"{exit_code}\n"],
            [["describe-tasks", "tasks[0].stoppedReason"], "Essential container in task exited\n"],
            [["get-log-events"], "staging: 3 written; equal\n"],
        ]
        return self.make(command, *arguments, answers=answers, code=code)

    def test_sync_runs_a_task_of_its_own_and_prints_what_it_said(self):
        self.cloud.deploy("ld-dynamodb-relay-staging")
        printed, asked = self.sync(exit_code=0, code=0)
        self.assertIn("staging: 3 written; equal\n", printed)
        self.assertIn("exit code 0", printed)
        (run,) = [it for it in asked if "run-task" in it]
        given = dict(zip(run[2::2], run[3::2]))
        self.assertEqual(json.loads(given["--overrides"]), {"containerOverrides": [{"name": "relay", "command": ["sync"]}]})
        self.assertEqual(given["--task-definition"], "arn:aws:ecs:eu-central-1:210987654321:task-definition/ld-dynamodb-relay-staging:1")
        self.assertEqual(json.loads(given["--network-configuration"])["awsvpcConfiguration"]["subnets"], ["subnet-1"])
        (log,) = [it for it in asked if "get-log-events" in it]
        self.assertIn("relay/relay/0af1", log)
        steps = [it[1] for it in asked]
        self.assertLess(steps.index("run-task"), steps.index("wait"))
        self.assertLess(steps.index("wait"), steps.index("get-log-events"))

        printed, asked = self.sync("CONFIRM_REMOVALS=40", exit_code=1, code=2)
        self.assertIn("exit code 1", printed)
        self.assertIn("Essential container", printed)
        (run,) = [it for it in asked if "run-task" in it]
        command = json.loads(dict(zip(run[2::2], run[3::2]))["--overrides"])["containerOverrides"][0]["command"]
        self.assertEqual(command, ["sync", "--confirm-removals", "40"])
        _, asked = self.sync(exit_code=0, code=0, command="doctor")
        (run,) = [it for it in asked if "run-task" in it]
        self.assertIn('"command": ["doctor"]', " ".join(run))
        printed, asked = self.sync("CONFIRM_REMOVALS=all", exit_code=0, code=2)
        self.assertEqual(asked, [])

    def test_status_tells_what_runs_and_what_rings(self):
        deployed = self.cloud.deploy("ld-dynamodb-relay-staging")
        watch = self.cloud.client("cloudwatch")
        for name, state in [("stale", "ALARM"), ("silent", "OK")]:
            name = f"ld-dynamodb-relay-staging-{name}"
            watch.put_metric_alarm(
                AlarmName=name, AlarmDescription=f"about {name}", Namespace="n", MetricName="m", Statistic="Sum", Period=60, EvaluationPeriods=1,
                Threshold=1, ComparisonOperator="GreaterThanThreshold",
            )
            watch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")
        stopped = [["describe-tasks", "tasks[].[stoppedAt, stoppedReason]"], "2026-11-24\tCannotPullContainerError\n"]
        summaries = '{"message":"summary","stale":0}\n{"message":"summary","stale":1}\n'
        printed, asked = self.make("status", answers=[
            stopped, [["list-tasks"], "arn:1\tarn:2\n"], [["filter-log-events"], summaries],
        ])
        self.assertIn("stack ld-dynamodb-relay-staging: CREATE_COMPLETE", printed)
        self.assertIn("tasks: 0 running, 1 desired", printed)
        self.assertIn("CannotPullContainerError", printed)
        self.assertIn("about ld-dynamodb-relay-staging-stale", printed)
        self.assertNotIn("silent", printed)
        self.assertTrue(printed.endswith('{"message":"summary","stale":1}\n'), printed)
        (tasks,) = [it for it in asked if "describe-tasks" in it]
        self.assertEqual(tasks[tasks.index("--tasks") + 1:][:2], ["arn:1", "arn:2"])
        (lines,) = [it for it in asked if "filter-log-events" in it]
        self.assertIn(deployed.outputs()["LogGroupName"], lines)
        # And with the whole CLI.
        printed, _ = self.make(at=ROOT / "deploy/ecs")
        self.assertIn("tasks: 0 running", printed)

    def test_what_there_is_is_told(self):
        printed, _ = self.make("help")
        for target in ("deploy", "staging", "production", "url", "logs", "sync", "doctor", "status", "destroy"):
            self.assertRegex(printed, rf"(?m)^{target} +on AWS: ")
