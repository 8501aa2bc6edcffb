"""The stack on paper: what CloudFormation would make of `template.yaml`, with made-up names."""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping

from transforms import REGION, source, transformed

ACCOUNT, NAME = "123456789012", "hub"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": NAME,
    "AWS::URLSuffix": "amazonaws.com",
}
ABSENT = object()

#: The ARN of a resource, by its type; `{}` is what `Ref` gives.
ARNS = {
    "AWS::DynamoDB::GlobalTable": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}",
    "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{{}}-AbCdEf",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}",
    "AWS::WAFv2::WebACL": f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/{{}}",
}
#: What gives its ARN for `Ref`, too.
REF_IS_ARN = ("AWS::SecretsManager::Secret", "AWS::SNS::Topic")
#: The property that names a resource, where the template gives it a name.
NAMES = {"AWS::Lambda::Function": "FunctionName", "AWS::Logs::LogGroup": "LogGroupName"}


class Stack:
    """The stack that the template makes with these parameters; the others have their defaults."""

    def __init__(self, **parameters: str) -> None:
        unknown = set(parameters) - set(source()["Parameters"])
        assert not unknown, unknown
        template = transformed()
        self._parameters = {
            name: parameters.get(name, parameter.get("Default")) for name, parameter in template["Parameters"].items()
        }
        self._conditions: Mapping[str, Any] = template["Conditions"]
        self._mappings: Mapping[str, Any] = template.get("Mappings", {})
        self._template = template["Resources"]
        present = {name for name in self._template if self._exists(name)}
        self.resources = {
            name: self.evaluated(resource) for name, resource in self._template.items() if name in present
        }

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of the resources of a type, by logical id."""
        found = {name: each for name, each in self.resources.items() if each["Type"] == kind}
        return {name: each.get("Properties", {}) for name, each in found.items()}

    def properties(self, name: str) -> dict[str, Any]:
        """The properties of a resource."""
        return self.resources[name]["Properties"]

    def ref(self, name: str) -> str:
        """What `Ref` gives for a resource."""
        arn = self._template[name]["Type"] in REF_IS_ARN
        return self.arn(name) if arn else self._physical_name(name)

    def arn(self, name: str) -> str:
        """The ARN of a resource."""
        return ARNS[self._template[name]["Type"]].format(self._physical_name(name))

    def used_arn(self, table: str) -> str:
        """The ARN of the table that is used in the place of this one: another where a parameter names it."""
        named = self._parameters.get(f"{table}Name")
        return ARNS[self._template[table]["Type"]].format(named) if named else self.arn(table)

    def _physical_name(self, name: str) -> str:
        resource = self._template[name]
        kind, named = resource["Type"], NAMES.get(resource["Type"])
        if named and named in resource["Properties"]:
            return str(self.evaluated(resource["Properties"][named]))
        if kind == "AWS::ApiGateway::Stage":
            return str(self.evaluated(resource["Properties"]["StageName"]))
        return f"mrk-{name}" if kind == "AWS::KMS::Key" else f"{NAME}-{name}"

    def _exists(self, name: str) -> bool:
        condition = self._template[name].get("Condition")
        return condition is None or bool(self.evaluated({"Condition": condition}))

    def evaluated(self, value: Any) -> Any:
        """The value, with CloudFormation's functions evaluated."""
        if isinstance(value, list):
            items = (self.evaluated(item) for item in value)
            return [item for item in items if item is not ABSENT]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            evaluate = self._functions().get(function)
            # A resource's own condition, and that of a policy, are no functions.
            if evaluate and not (function == "Condition" and not isinstance(argument, str)):
                return evaluate(argument)
        items = {
            key: item if key == "Condition" and isinstance(item, str) else self.evaluated(item)
            for key, item in value.items()
        }
        return {key: item for key, item in items.items() if item is not ABSENT}

    def _functions(self) -> dict[str, Callable[[Any], Any]]:
        each = self.evaluated
        return {
            "Ref": self._ref,
            "Condition": lambda name: each(self._conditions[name]),
            "Fn::Equals": lambda sides: each(sides[0]) == each(sides[1]),
            "Fn::FindInMap": lambda path: self._mappings[each(path[0])][each(path[1])][each(path[2])],
            "Fn::GetAtt": lambda path: self._attribute(*(path.split(".", 1) if isinstance(path, str) else path)),
            "Fn::If": lambda parts: each(parts[1 if each({"Condition": parts[0]}) else 2]),
            "Fn::Join": lambda parts: each(parts[0]).join(each(parts[1])),
            "Fn::Select": lambda parts: each(parts[1])[int(each(parts[0]))],
            "Fn::Not": lambda sides: not each(sides[0]),
            "Fn::Sub": self._substituted,
        }

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return ABSENT
        if name in PSEUDO:
            return PSEUDO[name]
        return self._parameters[name] if name in self._parameters else self.ref(name)

    def _attribute(self, name: str, attribute: str) -> str:
        if attribute == "Arn" or (attribute == "Id" and self._template[name]["Type"] in REF_IS_ARN):
            return self.arn(name)
        if attribute == "QueueName":
            return self._physical_name(name)
        return f"{self._physical_name(name)}.{attribute}"

    def _substituted(self, argument: Any) -> str:
        text, values = argument if isinstance(argument, list) else (argument, {})

        def replaced(match: re.Match[str]) -> str:
            name = match.group(1)
            if name in values:
                return str(self.evaluated(values[name]))
            resource, dot, attribute = name.partition(".")
            return str(self._attribute(resource, attribute) if dot else self._ref(name))

        return re.sub(r"\$\{([A-Za-z0-9:._]+)\}", replaced, text)


def references(value: Any) -> set[str]:
    """The names that `Ref` and `Fn::Sub` name in an unevaluated value."""
    found: set[str] = set()
    if isinstance(value, dict):
        if isinstance(value.get("Ref"), str):
            found.add(value["Ref"])
        if "Fn::Sub" in value:
            found.update(re.findall(r"\$\{([A-Za-z0-9:]+)", str(value["Fn::Sub"])))
        if isinstance(value.get("Fn::If"), list):
            found.add(f"condition {value['Fn::If'][0]}")
        for item in value.values():
            found |= references(item)
    elif isinstance(value, list):
        for item in value:
            found |= references(item)
    return found
