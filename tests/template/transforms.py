"""`template.yaml` after its transforms: `Fn::ForEach` is expanded here, the rest is AWS's own `aws-sam-translator`."""

from __future__ import annotations

import copy
import logging
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Mapping
from unittest import mock

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
REGION = "us-east-1"

FOR_EACH = "Fn::ForEach::"

logging.getLogger("samtranslator").setLevel(logging.ERROR)


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


@lru_cache(maxsize=None)
def source() -> Mapping[str, Any]:
    """The template as it is written."""
    return yaml_parse(TEMPLATE.read_text(encoding="utf-8"))


@lru_cache(maxsize=None)
def transformed() -> Mapping[str, Any]:
    """The template as CloudFormation takes it. Its other functions are not evaluated."""
    expanded = _expanded(copy.deepcopy(dict(source())), {})
    for resource in expanded["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    with mock.patch.dict(os.environ, AWS_DEFAULT_REGION=REGION):
        return transform(expanded, {}, _NoManagedPolicies())


def _expanded(value: Any, names: Mapping[str, str]) -> Any:
    """The value with every loop in it unrolled; `names` are the loops' identifiers."""
    if isinstance(value, str):
        for name, item in names.items():
            value = value.replace(f"${{{name}}}", item)
        return value
    if isinstance(value, list):
        return [_expanded(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("Ref")
    if isinstance(reference, str) and reference in names:
        return names[reference]
    found: dict[str, Any] = {}
    for key, item in value.items():
        if key.startswith(FOR_EACH):
            identifier, collection, body = item
            for each in collection:
                found.update(_expanded(body, {**names, identifier: each}))
        else:
            found[_expanded(key, names)] = _expanded(item, names)
    # `Ref` and `Fn::GetAtt` of a name that a loop has completed.
    match found:
        case {"Ref": {"Fn::Sub": name}}:
            return {"Ref": name}
        case {"Fn::GetAtt": [{"Fn::Sub": name}, attribute]}:
            return {"Fn::GetAtt": [name, attribute]}
    return found
