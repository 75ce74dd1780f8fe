"""An AWS of one's own: moto's server on a free port, in an account and regions that are not its defaults."""

import ast
import atexit
import os
import re
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import boto3

from template import PATH

ACCOUNT = "210987654321"
REGION = "eu-central-1"
SECRETS = {"sdkkey": "sdk-c0ffee00-0000-4000-8000-00000000beef", "webhooksecret": "wh-secret-7d0f4c"}
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


class Cloud:
    def __init__(self, endpoint, region=REGION):
        self.endpoint = endpoint
        self.region = region

    def client(self, service):
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=self.region, aws_access_key_id="test", aws_secret_access_key="test",
        )

    def forget(self):
        """Everything that was made."""
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST")).close()

    def network(self):
        """A VPC with two subnets. One for each stack: moto takes one namespace of Cloud Map in a VPC."""
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24")["Subnet"]["SubnetId"] for number in (1, 2)]
        return {"VpcId": vpc, "SubnetIds": ",".join(subnets)}

    def deploy(self, name, **parameters):
        """Makes the stack, with the secrets that it wants, and says what it then is."""
        environment = parameters.get("Environment", "staging")
        for secret, value in SECRETS.items():
            self.client("ssm").put_parameter(
                Name=f"/launchdarkly/{environment}/{secret}", Value=value, Type="SecureString", Overwrite=True,
            )
        parameters = {"Image": "registry.example/relay:1", **self.network(), **parameters}
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=name, TemplateBody=PATH.read_text(), Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
        return Deployed(self, name, parameters)


class Deployed:
    def __init__(self, cloud, name, parameters):
        self.cloud, self.name, self.parameters = cloud, name, parameters

    def stack(self):
        return self.cloud.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]

    def outputs(self):
        return {it["OutputKey"]: it["OutputValue"] for it in self.stack()["Outputs"]}

    def physical(self):
        """Logical names to what was really made."""
        resources = self.cloud.client("cloudformation").describe_stack_resources(StackName=self.name)["StackResources"]
        # Some that moto does not know it lists without a name.
        return {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in resources if it.get("PhysicalResourceId")}

    def task_definition(self):
        ecs = self.cloud.client("ecs")
        return ecs.describe_task_definition(taskDefinition=self.physical()["TaskDefinition"])["taskDefinition"]

    def variables(self):
        (container,) = self.task_definition()["containerDefinitions"]
        return {it["name"]: it["value"] for it in container["environment"]}

    def inline_policies(self, role):
        iam = self.cloud.client("iam")
        name = self.physical()[role]
        names = iam.list_role_policies(RoleName=name)["PolicyNames"]
        found = {it: iam.get_role_policy(RoleName=name, PolicyName=it)["PolicyDocument"] for it in names}
        # What CloudFormation gave it moto keeps as Python would print it.
        return {it: ast.literal_eval(document) if isinstance(document, str) else document for it, document in found.items()}

    def reader_policy(self):
        iam = self.cloud.client("iam")
        arn = self.physical()["ReaderPolicy"]
        return iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]


def start(region=REGION):
    """A new server. It ends with this process."""
    program = Path(sys.executable).parent / "moto_server"
    server = subprocess.Popen(
        [program, "--host", "127.0.0.1", "--port", "0"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, env={**os.environ, **CREDENTIALS, "MOTO_ACCOUNT_ID": ACCOUNT, "PYTHONUNBUFFERED": "1"},
    )
    atexit.register(server.kill)
    for line in server.stderr:
        if match := re.search(r"Running on (\S+)", line):
            # It goes on telling what it is asked; nobody reads that, and a full pipe would stop it.
            threading.Thread(target=server.stderr.read, daemon=True).start()
            return Cloud(match[1], region)
    raise RuntimeError("moto's server did not start")


def listed(it):
    return it if isinstance(it, list) else [it]


def statements(document):
    """Of an IAM document, each with lists for actions and resources."""
    for statement in listed(document["Statement"]):
        lists = ("Action", "NotAction", "Resource", "NotResource")
        yield {**statement, **{name: listed(statement[name]) for name in lists if name in statement}}
