"""The template, and what CloudFormation makes of it, worked out here: for what moto skips, and as a second opinion on what it does not."""

import functools
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "deploy/ecs/template.yaml"
# How CloudFormation says that a property is not there.
NOTHING = object()
URL_SUFFIXES = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def short_form(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag in ("Ref", "Condition"):
        return {tag: value}
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{tag}": value}


Loader.add_multi_constructor("!", short_form)


@functools.cache
def load():
    return yaml.load(PATH.read_text(), Loader)


class Stack:
    """A template with its parameters, somewhere. `made` are the names and attributes of resources by their logical names."""

    def __init__(self, parameters, *, name="relay-test", region="eu-central-1", account="210987654321", partition="aws", made=None):
        self.template = load()
        self.made = made or {}
        self.values = {
            "AWS::StackName": name, "AWS::Region": region, "AWS::AccountId": account, "AWS::Partition": partition,
            "AWS::URLSuffix": URL_SUFFIXES[partition], "AWS::NoValue": NOTHING,
        }
        declared = self.template["Parameters"]
        unknown = set(parameters) - set(declared)
        assert not unknown, unknown
        for parameter, it in declared.items():
            value = parameters.get(parameter, it.get("Default"))
            assert value is not None, f"{parameter} has no default"
            if it["Type"].startswith("List<"):
                value = value.split(",")
            self.values[parameter] = value

    def condition(self, name):
        return self.resolve(self.template["Conditions"][name])

    def exists(self, entry):
        return "Condition" not in entry or self.condition(entry["Condition"])

    def resources(self):
        """What is made, resolved, by logical names."""
        made = {name: it for name, it in self.template["Resources"].items() if self.exists(it)}
        return {name: {**it, "Properties": self.resolve(it.get("Properties", {}))} for name, it in made.items()}

    def properties(self, name):
        resource = self.template["Resources"][name]
        assert self.exists(resource), f"{name} is not made"
        return self.resolve(resource["Properties"])

    def of_type(self, kind):
        return {name: it["Properties"] for name, it in self.resources().items() if it["Type"] == kind}

    def outputs(self):
        made = {name: it for name, it in self.template["Outputs"].items() if self.exists(it)}
        return {name: self.resolve(it["Value"]) for name, it in made.items()}

    def reference(self, name, attribute=None):
        if attribute is None and name in self.values:
            return self.values[name]
        resource = self.template["Resources"].get(name)
        assert resource is not None, f"nothing is called {name}"
        assert self.exists(resource), f"{name} is referred to and not made"
        known = self.made.get(name, {})
        return known.get(attribute or "Ref", f"<{name}.{attribute or 'Ref'}>")

    def resolve(self, it):
        if isinstance(it, list):
            resolved = [self.resolve(part) for part in it]
            return [part for part in resolved if part is not NOTHING]
        if not isinstance(it, dict):
            return it
        if len(it) == 1:
            (function, argument), = it.items()
            call = {
                "Ref": lambda: self.reference(argument),
                "Condition": lambda: self.condition(argument) if isinstance(argument, str) and argument in self.template["Conditions"] else None,
                "Fn::GetAtt": lambda: self.reference(*argument),
                "Fn::Sub": lambda: self.substitute(argument),
                "Fn::If": lambda: self.resolve(argument[1] if self.condition(argument[0]) else argument[2]),
                "Fn::Equals": lambda: self.resolve(argument[0]) == self.resolve(argument[1]),
                "Fn::Not": lambda: not self.resolve(argument[0]),
                "Fn::And": lambda: all([self.resolve(part) for part in argument]),
                "Fn::Or": lambda: any([self.resolve(part) for part in argument]),
            }.get(function)
            assert call or not function.startswith("Fn::"), f"{function} is not known here"
            if call and (value := call()) is not None:
                return value
        resolved = {name: self.resolve(part) for name, part in it.items()}
        return {name: part for name, part in resolved.items() if part is not NOTHING}

    def substitute(self, argument):
        text, given = argument if isinstance(argument, list) else (argument, {})

        def value(match):
            name = match[1]
            if name in given:
                return self.resolve(given[name])
            return self.reference(*name.split(".", 1))

        return re.sub(r"\$\{([^!}]+)\}", value, text)
