"""task.py ENDPOINT: deploys the template there, and prints what a container of the task would be given, as JSON."""

import json
import sys

from cloud import REGION, SECRETS, Cloud
from rest import Rest


def main():
    # The region and the account are whatever the server has for who asks as the tests of the relay do.
    deployed = Cloud(sys.argv[1], REGION).deploy("relay-task", Environment="production", Prefix="shop")
    rest = Rest(deployed)
    (container,) = deployed.task_definition()["containerDefinitions"]
    logs = deployed.cloud.client("logs")
    filters = logs.describe_metric_filters(logGroupName=deployed.outputs()["LogGroupName"])["metricFilters"]
    print(json.dumps({
        "variables": deployed.variables(),
        "command": container["command"],
        "health": container["healthCheck"]["command"],
        "routes": [it["RouteKey"] for it in rest.gateway().get_routes(ApiId=rest.made["Api"]["Ref"])["Items"]],
        "port": rest.stack.properties("Service")["ServiceRegistries"][0]["ContainerPort"],
        "filters": [{"pattern": it["filterPattern"], "value": it["metricTransformations"][0]["metricValue"]} for it in filters],
        "secrets": SECRETS,
    }))


main()
