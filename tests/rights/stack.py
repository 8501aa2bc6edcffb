"""The stack under test: its roles, and calls in their names."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, Mapping

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from launcher import audit
from launcher.settings import REGION, STACK_NAME

#: How services name the error of a call that a policy does not allow.
DENIALS = frozenset({"AccessDenied", "AccessDeniedException"})


class Stack:
    """A stack whose addresses are in the environment, as the developer sees it."""

    def __init__(self, env: Mapping[str, str] = os.environ) -> None:
        self._endpoint = env["AWS_ENDPOINT_URL"]
        self._developer = boto3.Session("test", "test", env["AWS_SESSION_TOKEN"], REGION)
        formation = self.client("cloudformation")
        listed = formation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
        self._names = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed}
        of_type = {each["LogicalResourceId"]: each["ResourceType"] for each in listed}
        #: The names of the roles by their logical ids.
        self.roles = {role: self._names[role] for role, kind in of_type.items() if kind == "AWS::IAM::Role"}
        lambdas = self.client("lambda")
        named = [self._names[function] for function, kind in of_type.items() if kind == "AWS::Lambda::Function"]
        configured = [lambdas.get_function_configuration(FunctionName=name) for name in named]
        #: The configurations of the functions by the logical ids of their roles.
        self.functions = {self.logical(each["Role"]): each for each in configured}

    def client(self, service: str) -> Any:
        """A client of a service for the developer."""
        return self._developer.client(service, endpoint_url=self._endpoint)

    def logical(self, role: str) -> str:
        """The logical id of a role, by its name or ARN."""
        name = role.rpartition("/")[2]
        return next((logical for logical, physical in self.roles.items() if physical == name), name)

    def statements(self) -> list[audit.Statement]:
        """All statements that allow the stack's roles something."""
        iam, found = self.client("iam"), []
        for logical, name in self.roles.items():
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                found += audit.statements(logical, document)
        return found

    def as_role(self, role: str, session: str) -> Caller:
        """Calls in the name of a role."""
        sts = self.client("sts")
        arn = self.client("iam").get_role(RoleName=self.roles[role])["Role"]["Arn"]
        given = sts.assume_role(RoleArn=arn, RoleSessionName=session)["Credentials"]
        keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        return Caller(boto3.Session(*keys, REGION), self._endpoint)


class Caller:
    """A session of a role."""

    def __init__(self, session: boto3.Session, endpoint: str) -> None:
        self._session = session
        self._endpoint = endpoint
        self._client = lru_cache(maxsize=None)(self._made)

    def _made(self, service: str, headers: tuple[tuple[str, str], ...]) -> Any:
        once = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        client = self._session.client(service, endpoint_url=self._endpoint, config=once)

        def add(request: Any, **_: Any) -> None:
            for name, value in headers:
                request.headers[name] = value

        client.meta.events.register("before-sign", add)
        return client

    def error(self, service: str, operation: str, parameters: Mapping[str, Any], headers: Mapping[str, str]) -> str:
        """The code of the error that a call is answered with; empty if it succeeds."""
        client = self._client(service, tuple(headers.items()))
        try:
            getattr(client, xform_name(operation))(**parameters)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""
