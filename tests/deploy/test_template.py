"""What is written in the template, whatever it is deployed with: rights, references, partitions, and who may reach whom."""

import itertools
import re
import unittest
from pathlib import Path

from cloud import statements
from template import ROOT, URL_SUFFIXES, Stack, load

NEEDED = {"Image": "registry.example/relay:1", "VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2"}
PLACES = [("aws", "eu-central-1"), ("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")]
TOPIC = "arn:aws:sns:eu-central-1:210987654321:alarms"
KEY = "arn:aws:kms:eu-central-1:210987654321:key/1"
CREDENTIALS = "arn:aws:secretsmanager:eu-central-1:210987654321:secret:registry-AbCdEf"
# What may be different, and what is chosen of it.
CHOICES = {
    "Environment": ["staging", "production"],
    "CreateTable": ["true", "false"],
    "TableName": ["", "flags"],
    "Protection": ["auto", "true", "false"],
    "Prefix": ["", "shop"],
    "Webhook": ["true", "false"],
    "AlarmTopicArn": ["", TOPIC],
    "SecretsKeyArn": ["", KEY],
    "RegistryCredentialsArn": ["", CREDENTIALS],
    "PullFromEcr": ["false", "true"],
    "ScraperSecurityGroupId": ["", "sg-0a"],
}


def every_choice():
    """Each pair of choices at least once: what goes wrong goes wrong with one or two of them."""
    first = {name: values[0] for name, values in CHOICES.items()}
    yield first
    for one, other in itertools.combinations(CHOICES, 2):
        for values in itertools.product(CHOICES[one], CHOICES[other]):
            yield {**first, one: values[0], other: values[1]}


def stack(**parameters):
    place = {name: parameters.pop(name) for name in ("region", "partition") if name in parameters}
    return Stack({**NEEDED, **parameters}, **place)


def documents(it):
    """Every IAM document of the stack."""
    for name, resource in it.resources().items():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::IAM::Role":
            yield f"{name}, who may take it", properties["AssumeRolePolicyDocument"]
            for policy in properties["Policies"]:
                yield f"{name}, {policy['PolicyName']}", policy["PolicyDocument"]
        elif resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            yield name, properties["PolicyDocument"]


def texts(it):
    if isinstance(it, dict):
        it = list(it) + list(it.values())
    if isinstance(it, list):
        for part in it:
            yield from texts(part)
    elif isinstance(it, str):
        yield it


class Template(unittest.TestCase):
    def test_every_choice_refers_to_what_is_made(self):
        count = 0
        for parameters in every_choice():
            it = stack(**parameters)
            it.resources(), it.outputs()
            count += 1
        self.assertGreater(count, 200)

    def test_nothing_is_declared_and_not_used(self):
        template = load()
        used = Path(ROOT / "deploy/ecs/template.yaml").read_text()
        for name in template["Parameters"]:
            self.assertRegex(used, rf"(!Ref |\$\{{){name}\b", name)
        for name in template["Conditions"]:
            self.assertGreater(len(re.findall(rf"\b{name}\b", used)), 1, name)

    def test_no_right_has_a_star(self):
        for parameters in every_choice():
            found = list(documents(stack(**parameters)))
            self.assertGreater(len(found), 5)
            for name, document in found:
                self.assertEqual(document["Version"], "2012-10-17")
                for statement in statements(document):
                    self.assertNotIn("NotAction", statement, name)
                    self.assertNotIn("NotResource", statement, name)
                    self.assertEqual(statement["Effect"], "Allow", name)
                    for text in statement["Action"] + statement.get("Resource", []):
                        self.assertNotRegex(text, r"[*?]", name)
                    self.assertTrue("Resource" in statement or statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}, name)

    def test_the_task_may_do_what_the_daemon_does_and_no_more(self):
        arn = "arn:aws:dynamodb:eu-central-1:210987654321:table/launchdarkly-staging"
        secret = "arn:aws:ssm:eu-central-1:210987654321:parameter/launchdarkly/staging/"
        for prefix, before in [("", ""), ("shop", "shop:")]:
            role = stack(Prefix=prefix).properties("TaskRole")
            table, secrets = [list(statements(it["PolicyDocument"])) for it in role["Policies"]]
            keys = [f"{before}{it}" for it in ("features", "segments", "$inited", "$identity")]
            self.assertEqual(table, [
                {
                    "Sid": "Rows", "Effect": "Allow", "Resource": [arn],
                    "Action": ["dynamodb:Query", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"],
                    "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": keys}},
                },
                {"Sid": "Description", "Effect": "Allow", "Action": ["dynamodb:DescribeTable"], "Resource": [arn]},
            ])
            self.assertEqual(secrets, [{
                "Sid": "Secrets", "Effect": "Allow", "Action": ["ssm:GetParameter"],
                "Resource": [f"{secret}sdkkey", f"{secret}webhooksecret"],
            }])
        (without,) = statements(stack(Webhook="false").properties("TaskRole")["Policies"][1]["PolicyDocument"])
        self.assertEqual(without["Resource"], [f"{secret}sdkkey"])
        (key,) = statements(stack(SecretsKeyArn=KEY).properties("SecretsKeyPolicy")["PolicyDocument"])
        self.assertEqual((key["Action"], key["Resource"]), (["kms:Decrypt"], [KEY]))

    def test_who_starts_tasks_may_write_their_log(self):
        group = "<LogGroup.Arn>"
        role = stack().properties("ExecutionRole")
        self.assertNotIn("ManagedPolicyArns", role)
        (log,) = statements(role["Policies"][0]["PolicyDocument"])
        self.assertEqual((log["Action"], log["Resource"]), (["logs:CreateLogStream", "logs:PutLogEvents"], [group]))
        role = stack(RegistryCredentialsArn=CREDENTIALS, PullFromEcr="true").properties("ExecutionRole")
        _, registry = statements(role["Policies"][0]["PolicyDocument"])
        self.assertEqual((registry["Action"], registry["Resource"]), (["secretsmanager:GetSecretValue"], [CREDENTIALS]))
        self.assertEqual(role["ManagedPolicyArns"], ["arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"])

    def test_readers_may_read(self):
        (rows,) = statements(stack(Prefix="shop").properties("ReaderPolicy")["PolicyDocument"])
        self.assertEqual(rows["Action"], ["dynamodb:GetItem", "dynamodb:Query"])
        keys = rows["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
        self.assertIn("shop:features", keys)
        self.assertNotIn("shop:$identity", keys)
        self.assertTrue(all(it.startswith("shop:") for it in keys))

    def test_every_partition_is_named_by_its_own_names(self):
        for partition, region in PLACES:
            it = stack(region=region, partition=partition, PullFromEcr="true", Environment="production")
            arns = [text for text in texts([it.resources(), it.outputs()]) if text.startswith("arn:")]
            self.assertGreater(len(arns), 8)
            for arn in arns:
                self.assertTrue(arn.startswith(f"arn:{partition}:"), arn)
                self.assertRegex(arn, rf":iam::aws:|:{region}:210987654321:")
            url = it.outputs()["WebhookUrl"]
            self.assertEqual(url, f"https://<Api.Ref>.execute-api.{region}.{URL_SUFFIXES[partition]}/webhook")

    def test_production_is_protected(self):
        for parameters, protected in [
            ({"Environment": "production"}, True),
            ({"Environment": "staging"}, False),
            ({"Environment": "live", "Protection": "true"}, True),
            ({"Environment": "production", "Protection": "false"}, False),
        ]:
            (table,) = [it for it in stack(**parameters).resources().values() if it["Type"] == "AWS::DynamoDB::Table"]
            expected = ("Retain", "Retain", True) if protected else ("Delete", "Delete", None)
            found = (table["DeletionPolicy"], table["UpdateReplacePolicy"], table["Properties"].get("DeletionProtectionEnabled"))
            self.assertEqual(found, expected, parameters)
        self.assertEqual(stack(CreateTable="false").of_type("AWS::DynamoDB::Table"), {})

    def test_the_two_tables_differ_in_their_protection_alone(self):
        resources = load()["Resources"]
        protected = dict(resources["ProtectedTable"]["Properties"])
        self.assertTrue(protected.pop("DeletionProtectionEnabled"))
        self.assertEqual(resources["Table"]["Properties"], protected)

    def test_only_the_vpc_link_and_a_scraper_reach_a_task(self):
        for scraper in ("", "sg-0a"):
            it = stack(ScraperSecurityGroupId=scraper)
            self.assertNotIn("SecurityGroupIngress", it.properties("TaskSecurityGroup"))
            rules = it.of_type("AWS::EC2::SecurityGroupIngress").values()
            found = {(rule["SourceSecurityGroupId"], rule["FromPort"], rule["ToPort"]) for rule in rules}
            expected = {("<VpcLinkSecurityGroup.GroupId>", 8030, 8030)} | ({(scraper, 8031, 8031)} if scraper else set())
            self.assertEqual(found, expected)
        (rule,) = stack().of_type("AWS::EC2::SecurityGroupEgress").values()
        found = (rule["GroupId"], rule["DestinationSecurityGroupId"], rule["FromPort"], rule["ToPort"])
        self.assertEqual(found, ("<VpcLinkSecurityGroup.GroupId>", "<TaskSecurityGroup.GroupId>", 8030, 8030))
        closed = stack(Webhook="false")
        self.assertEqual(closed.of_type("AWS::EC2::SecurityGroupIngress"), {})
        self.assertEqual([it for it in closed.resources().values() if "ApiGateway" in it["Type"] or "Discovery" in it["Type"]], [])
        self.assertNotIn("WebhookUrl", closed.outputs())
