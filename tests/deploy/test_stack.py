"""The template deployed: what then exists at AWS, as far as moto imitates it."""

import unittest

import cloud
from cloud import ACCOUNT, Cloud, statements
from rest import Rest

TOPIC = f"arn:aws:sns:{cloud.REGION}:{ACCOUNT}:alarms"
VARIANTS = {
    "staging": {},
    "production": {"Environment": "production", "Prefix": "shop", "AlarmTopicArn": TOPIC, "DesiredCount": "2", "LogRetentionDays": "365"},
    "existing": {"CreateTable": "false", "TableName": "flags", "ClientSideId": "60aa11bb22cc33dd44ee55ff"},
    "x86": {
        "CpuArchitecture": "X86_64", "Cpu": "512", "Memory": "1024", "AssignPublicIp": "DISABLED", "LogLevel": "debug", "TableName": "own",
        "SecretsKeyArn": f"arn:aws:kms:{cloud.REGION}:{ACCOUNT}:key/1",
        "RegistryCredentialsArn": f"arn:aws:secretsmanager:{cloud.REGION}:{ACCOUNT}:secret:registry-AbCdEf",
    },
    "closed": {"Environment": "closed", "Webhook": "false", "PullFromEcr": "true"},
    "elsewhere": {"region": "ap-southeast-2", "Environment": "production"},
}


def each(test):
    def run(self):
        for name, deployed in self.deployed.items():
            with self.subTest(name):
                test(self, name, deployed, self.rests[name])

    return run


class Variants(unittest.TestCase):
    """Each is deployed once, by what reads it first, to one server."""

    @classmethod
    def setUpClass(cls):
        server = cloud.start()
        cls.deployed, cls.rests = {}, {}
        for name, given in VARIANTS.items():
            given = dict(given)
            place = Cloud(server.endpoint, given.pop("region", cloud.REGION))
            cls.deployed[name] = place.deploy(f"relay-{name}", **given)
            cls.rests[name] = Rest(cls.deployed[name])

    @each
    def test_all_is_made(self, name, deployed, rest):
        self.assertEqual(deployed.stack()["StackStatus"], "CREATE_COMPLETE")
        not_named = {it["Type"] for name, it in rest.stack.resources().items() if name not in rest.made}
        # These have no name of their own.
        self.assertLessEqual(not_named, {"AWS::EC2::SecurityGroupIngress", "AWS::IAM::Policy"})

    @each
    def test_outputs_are_what_is_worked_out_by_hand(self, name, deployed, rest):
        outputs, expected = deployed.outputs(), rest.stack.outputs()
        # Moto does not know the API; the task definition was registered again.
        for skipped in ("WebhookUrl", "TaskDefinitionArn"):
            self.assertEqual(skipped in outputs, skipped in expected)
            outputs.pop(skipped, None), expected.pop(skipped, None)
        self.assertEqual(outputs, expected)

    @each
    def test_the_table_is_as_readers_want_it(self, name, deployed, rest):
        dynamodb = deployed.cloud.client("dynamodb")
        table = deployed.outputs()["TableName"]
        if name == "existing":
            self.assertNotIn(table, dynamodb.list_tables()["TableNames"])
            return
        found = dynamodb.describe_table(TableName=table)["Table"]
        self.assertEqual(found["TableArn"], deployed.outputs()["TableArn"])
        self.assertEqual({it["KeyType"]: it["AttributeName"] for it in found["KeySchema"]}, {"HASH": "namespace", "RANGE": "key"})
        self.assertEqual({it["AttributeName"]: it["AttributeType"] for it in found["AttributeDefinitions"]}, {"namespace": "S", "key": "S"})
        self.assertEqual(found["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST")
        self.assertEqual(found["DeletionProtectionEnabled"], name in ("production", "elsewhere"))
        backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        self.assertEqual(backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"], "ENABLED")

    @each
    def test_rights_are_those_of_the_template_and_have_no_star(self, name, deployed, rest):
        documents = [deployed.reader_policy()]
        for role in ("TaskRole", "ExecutionRole"):
            found = deployed.inline_policies(role)
            for policy in rest.stack.properties(role)["Policies"]:
                self.assertEqual(found[policy["PolicyName"]], policy["PolicyDocument"])
            documents += found.values()
            about = deployed.cloud.client("iam").get_role(RoleName=deployed.physical()[role])["Role"]
            (taken,) = statements(about["AssumeRolePolicyDocument"])
            self.assertEqual(taken["Principal"], {"Service": "ecs-tasks.amazonaws.com"})
            self.assertEqual(taken["Condition"], {"StringEquals": {"aws:SourceAccount": ACCOUNT}})
        self.assertEqual("key" in deployed.inline_policies("TaskRole"), name == "x86")
        for document in documents:
            for statement in statements(document):
                for text in statement["Action"] + statement["Resource"]:
                    # The streams of the one log group.
                    self.assertNotIn("*", text.removesuffix(f"{deployed.outputs()['LogGroupName']}:*"))

    @each
    def test_the_task_is_confined(self, name, deployed, rest):
        ecs = deployed.cloud.client("ecs")
        task = ecs.describe_task_definition(taskDefinition=rest.made["TaskDefinition"]["Ref"])["taskDefinition"]
        is_x86 = name == "x86"
        self.assertEqual((task["cpu"], task["memory"]), ("512", "1024") if is_x86 else ("256", "512"))
        self.assertEqual(task["runtimePlatform"]["cpuArchitecture"], "X86_64" if is_x86 else "ARM64")
        self.assertEqual((task["networkMode"], task["requiresCompatibilities"]), ("awsvpc", ["FARGATE"]))
        self.assertEqual(task["taskRoleArn"], rest.made["TaskRole"]["Arn"])
        self.assertEqual(task["executionRoleArn"], rest.made["ExecutionRole"]["Arn"])
        (container,) = task["containerDefinitions"]
        self.assertEqual(container["healthCheck"]["command"], ["CMD", "/ld-dynamodb-relay", "health"])
        self.assertEqual((container["user"], container["stopTimeout"]), ("65532:65532", 30))
        self.assertEqual((container["readonlyRootFilesystem"], container["privileged"]), (True, False))
        self.assertEqual(container["linuxParameters"]["capabilities"], {"drop": ["ALL"]})
        self.assertEqual({it["containerPort"] for it in container["portMappings"]}, {8030, 8031})
        self.assertEqual(container["logConfiguration"]["options"]["awslogs-group"], deployed.outputs()["LogGroupName"])
        self.assertEqual("repositoryCredentials" in container, is_x86)
        # No secret is in what ECS hands out; the daemon reads them itself.
        self.assertNotIn("secrets", container)
        made = {it["name"]: it["value"] for it in container["environment"]}
        self.assertEqual(made, deployed.variables())

    @each
    def test_log_lines_are_kept_as_long_as_was_said(self, name, deployed, rest):
        logs = deployed.cloud.client("logs")
        for group in [it for it in ("LogGroup", "WebhookLogGroup") if it in deployed.physical()]:
            (found,) = logs.describe_log_groups(logGroupNamePrefix=deployed.physical()[group])["logGroups"]
            self.assertEqual(found["retentionInDays"], 365 if name == "production" else 30)

    @each
    def test_the_service_is_rolled_over_without_a_gap(self, name, deployed, rest):
        (service,) = deployed.cloud.client("ecs").describe_services(cluster=deployed.name, services=["relay-whole"])["services"]
        self.assertEqual(service["desiredCount"], 2 if name == "production" else 1)
        wanted = rest.stack.properties("Service")
        self.assertEqual(wanted["DeploymentConfiguration"], {
            "MinimumHealthyPercent": 100, "MaximumPercent": 200, "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        })
        network = service["networkConfiguration"]["awsvpcConfiguration"]
        self.assertEqual(network["subnets"], deployed.parameters["SubnetIds"].split(","))
        self.assertEqual(network["securityGroups"], [deployed.outputs()["TaskSecurityGroupId"]])
        self.assertEqual(network["assignPublicIp"], "DISABLED" if name == "x86" else "ENABLED")

    @each
    def test_nothing_but_signed_webhooks_finds_a_way_in(self, name, deployed, rest):
        ec2 = deployed.cloud.client("ec2")
        (group,) = ec2.describe_security_groups(GroupIds=[deployed.outputs()["TaskSecurityGroupId"]])["SecurityGroups"]
        found = [(it["FromPort"], it["ToPort"], it["IpRanges"], [pair["GroupId"] for pair in it["UserIdGroupPairs"]]) for it in group["IpPermissions"]]
        if name == "closed":
            self.assertEqual(found, [])
            return
        self.assertEqual(found, [(8030, 8030, [], [rest.made["VpcLinkSecurityGroup"]["GroupId"]])])
        # Moto keeps the rule that leads everywhere, which AWS takes away where others are given.
        out = rest.stack.properties("TaskSecurityGroup")["SecurityGroupEgress"]
        self.assertEqual({(it["IpProtocol"], it["FromPort"], it["ToPort"]) for it in out}, {("tcp", 443, 443)})

        gateway, api = rest.gateway(), rest.made["Api"]["Ref"]
        routes = gateway.get_routes(ApiId=api)["Items"]
        self.assertEqual({it["RouteKey"] for it in routes}, {"POST /webhook", "POST /webhook/{environment}"})
        (integration,) = gateway.get_integrations(ApiId=api)["Items"]
        self.assertEqual({it["Target"] for it in routes}, {f"integrations/{integration['IntegrationId']}"})
        self.assertEqual((integration["IntegrationType"], integration["ConnectionType"]), ("HTTP_PROXY", "VPC_LINK"))
        self.assertEqual(integration["ConnectionId"], rest.made["VpcLink"]["Ref"])
        # What is signed are the bytes that were sent, and where they go is the path that was asked for.
        self.assertFalse(integration.get("RequestParameters") or integration.get("RequestTemplates"))
        (stage,) = gateway.get_stages(ApiId=api)["Items"]
        self.assertEqual((stage["StageName"], stage["AutoDeploy"]), ("$default", True))
        self.assertGreater(stage["DefaultRouteSettings"]["ThrottlingRateLimit"], 0)
        self.assertTrue(stage["AccessLogSettings"]["DestinationArn"].endswith(f":log-group:{deployed.physical()['WebhookLogGroup']}"))
        for word in ("body", "header", "$context.authorizer", "$input"):
            self.assertNotIn(word, stage["AccessLogSettings"]["Format"])
        self.assertEqual(gateway.get_vpc_link(VpcLinkId=rest.made["VpcLink"]["Ref"])["SubnetIds"], deployed.parameters["SubnetIds"].split(","))

        discovery = deployed.cloud.client("servicediscovery").get_service(Id=rest.made["DiscoveryService"]["Ref"])["Service"]
        self.assertEqual(integration["IntegrationUri"], discovery["Arn"])
        self.assertEqual([it["Type"] for it in discovery["DnsConfig"]["DnsRecords"]], ["SRV"])
        (registry,) = rest.stack.properties("Service")["ServiceRegistries"]
        self.assertEqual(registry, {"RegistryArn": discovery["Arn"], "ContainerName": "relay", "ContainerPort": 8030})
