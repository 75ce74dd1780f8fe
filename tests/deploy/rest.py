"""What moto's CloudFormation leaves out without a word, made by direct calls with the template's own properties."""

from template import Stack


def lower(it):
    """`DesiredCount` as `desiredCount`, as some services' calls have it. Log options are names already."""
    if isinstance(it, list):
        return [lower(part) for part in it]
    if isinstance(it, dict):
        return {name[0].lower() + name[1:]: lower(part) for name, part in it.items()}
    return it



class Rest:
    """The whole stack, with what was left out. `made` has the names that things were given."""

    def __init__(self, deployed):
        cloud = deployed.cloud
        self.cloud, self.physical = cloud, deployed.physical()
        account = cloud.client("sts").get_caller_identity()
        self.made = {name: {"Ref": it} for name, it in self.physical.items()}
        partition = account["Arn"].split(":")[1]
        self.stack = Stack(
            deployed.parameters, name=deployed.name, region=cloud.region, account=account["Account"], partition=partition, made=self.made,
        )
        self.attributes(deployed.outputs()["TableName"])
        make = {
            "AWS::EC2::SecurityGroupEgress": self.egress,
            "AWS::ServiceDiscovery::PrivateDnsNamespace": self.namespace,
            "AWS::ServiceDiscovery::Service": self.discovery,
            "AWS::ApiGatewayV2::VpcLink": lambda it: self.gateway().create_vpc_link(**it)["VpcLinkId"],
            "AWS::ApiGatewayV2::Api": lambda it: self.gateway().create_api(**it)["ApiId"],
            "AWS::ApiGatewayV2::Integration": lambda it: self.gateway().create_integration(**it)["IntegrationId"],
            "AWS::ApiGatewayV2::Route": lambda it: self.gateway().create_route(**it)["RouteId"],
            "AWS::ApiGatewayV2::Stage": lambda it: self.gateway().create_stage(**it)["StageName"],
            "AWS::Logs::MetricFilter": self.metric_filter,
            "AWS::CloudWatch::Alarm": self.alarm,
            "AWS::ECS::TaskDefinition": self.task_definition,
            "AWS::ECS::Service": self.service,
        }
        order = list(make)
        kinds = {name: it["Type"] for name, it in self.stack.resources().items()}
        # A kind after the kinds that it refers to.
        for name in sorted((it for it in kinds if kinds[it] in make), key=lambda it: order.index(kinds[it])):
            self.made[name] = {**self.made.get(name, {}), "Ref": make[kinds[name]](self.stack.properties(name))}

    def gateway(self):
        return self.cloud.client("apigatewayv2")

    def attributes(self, table):
        iam, logs = self.cloud.client("iam"), self.cloud.client("logs")
        for name in ("TaskRole", "ExecutionRole"):
            self.made[name]["Arn"] = iam.get_role(RoleName=self.physical[name])["Role"]["Arn"]
        for name in ("TaskSecurityGroup", "VpcLinkSecurityGroup"):
            if name in self.made:
                self.made[name]["GroupId"] = self.physical[name]
        group = logs.describe_log_groups(logGroupNamePrefix=self.physical["LogGroup"])["logGroups"][0]
        # AWS ends it with `:*`, and so must what a policy says of streams; moto does not.
        self.made["LogGroup"]["Arn"] = group["arn"].removesuffix(":*")
        for name in ("Table", "ProtectedTable"):
            self.made[name] = {"Ref": table}
        for it in self.stack.of_type("AWS::DynamoDB::Table").values():
            recovery = it["PointInTimeRecoverySpecification"]
            cloud = self.cloud.client("dynamodb")
            cloud.update_continuous_backups(TableName=it["TableName"], PointInTimeRecoverySpecification=recovery)
        self.made["Service"]["Name"] = "relay"

    def egress(self, it):
        group = it.pop("GroupId")
        pair = {"GroupId": it.pop("DestinationSecurityGroupId"), "Description": it.pop("Description")}
        self.cloud.client("ec2").authorize_security_group_egress(GroupId=group, IpPermissions=[{**it, "UserIdGroupPairs": [pair]}])
        return group

    def namespace(self, it):
        client = self.cloud.client("servicediscovery")
        client.create_private_dns_namespace(CreatorRequestId="1", **it)
        return [found["Id"] for found in client.list_namespaces()["Namespaces"] if found["Name"] == it["Name"]][0]

    def discovery(self, it):
        return self.cloud.client("servicediscovery").create_service(**it)["Service"]["Id"]

    def metric_filter(self, it):
        name = it["MetricTransformations"][0]["MetricName"]
        self.cloud.client("logs").put_metric_filter(filterName=name, **lower(it))
        return name

    def alarm(self, it):
        self.cloud.client("cloudwatch").put_metric_alarm(**it)
        return it["AlarmName"]

    def task_definition(self, it):
        options = it["ContainerDefinitions"][0]["LogConfiguration"].pop("Options")
        it = lower(it)
        it["containerDefinitions"][0]["logConfiguration"]["options"] = options
        return self.cloud.client("ecs").register_task_definition(**it)["taskDefinition"]["taskDefinitionArn"]

    def service(self, it):
        """A second one beside the one that CloudFormation made by halves."""
        it = lower({**it, "ServiceName": "relay-whole"})
        it["desiredCount"] = int(it["desiredCount"])
        it["deploymentConfiguration"] = {**it["deploymentConfiguration"]}
        return self.cloud.client("ecs").create_service(**it)["service"]["serviceArn"]
