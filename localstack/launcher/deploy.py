"""Deploys `template.yaml` with the SAM CLI onto the emulator, and makes up for what the emulator ignores.

Nothing is removed from the template. The emulator ignores five of its settings, so this module applies them, as the
deployed template has them: the time to live of a table's items, its point-in-time recovery, the gateway responses, the
concurrency limit of an event source, which the emulator keeps as text, and which lines a subscription filter lets
through, whose pattern for JSON the emulator takes for words.
"""

from __future__ import annotations

import re
from typing import Any, Mapping

from . import environment
from .processes import Programs
from .settings import REGION, ROOT, STACK_NAME, Settings, architecture
from .ui import Failure

#: How long after an upload the fake Flickr may not know the photo yet.
UPLOAD_LAG_SECONDS = "20"


def deploy(programs: Programs, environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Deploy what `sam build` made and return the stack's outputs."""
    parameters = {
        "Architecture": architecture(),
        "FlickrUrl": settings.flickr_url,
        "PublicUrl": settings.url,
        "AllowedReturnUrls": settings.return_urls,
        "AllowedOrigins": ",".join(settings.allowed_origins),
        "LogLevel": environ.get("LOG_LEVEL", "") or "info",
        "FlickrCallsPerHour": environ.get("FLICKR_CALLS_PER_HOUR", ""),
        "FlickrBurstCalls": environ.get("FLICKR_BURST_CALLS", ""),
        # The fake Flickr knows a photo sooner than Flickr, and so jobs of unknown fate end sooner.
        "UploadIndexLagSeconds": "" if settings.real_flickr else UPLOAD_LAG_SECONDS,
        "UploadDedupLagSeconds": "" if settings.real_flickr else UPLOAD_LAG_SECONDS,
        "LocalSources": "true",
        # A demonstration or a test is no client whose mistakes a queue has to be protected from.
        "SubmitRequestsPerSecond": "1000",
        "SubmitBurstRequests": "5000",
        "StatusRequestsPerSecond": "1000",
        "StatusBurstRequests": "5000",
        "VaultDeletionProtection": "false",
    }
    command = ["sam", "deploy", "--template", str(settings.build / "template.yaml"), "--stack-name", STACK_NAME]
    command += ["--resolve-s3", "--region", REGION, "--no-confirm-changeset", "--no-fail-on-empty-changeset"]
    command += ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    command += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items() if value)]
    env = environment.with_stack(environ, settings)
    log = settings.logs / "sam-deploy.log"
    programs.run("sam deploy", command, env, ROOT, log, show=_failures_only)
    aws = Aws(settings)
    aws.repair()
    return aws.outputs()


def _failures_only(line: str) -> str | None:
    return line if "_FAILED" in line or line.startswith("Error") else None


class Aws:
    """The emulator's AWS API, as far as the launcher needs it."""

    def __init__(self, settings: Settings) -> None:
        import boto3  # in the tools' environment only

        self._session = boto3.Session("test", "test", settings.session_token, REGION)
        self._endpoint = settings.emulator_url

    def _client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint)

    def outputs(self) -> dict[str, str]:
        """The stack's outputs by name."""
        stacks = self._client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}

    def api_key(self, key_id: str) -> str:
        """The value of an API key."""
        return str(self._client("apigateway").get_api_key(apiKey=key_id, includeValue=True)["value"])

    def repair(self) -> None:
        """Apply the settings of the deployed template that the emulator ignored."""
        formation = self._client("cloudformation")
        template = formation.get_template(StackName=STACK_NAME, TemplateStage="Processed")["TemplateBody"]
        listed = formation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
        ids = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in listed}
        for logical_id, resource in template["Resources"].items():
            repair = _REPAIRS.get(resource["Type"])
            if repair and logical_id in ids:
                repair(self, ids[logical_id], resource.get("Properties", {}))

    def _complete_table(self, table: str, properties: Mapping[str, Any]) -> None:
        self._expire_items(table, properties)
        wanted = properties["Replicas"][0].get("PointInTimeRecoverySpecification")
        if wanted:
            specification = {"PointInTimeRecoveryEnabled": wanted["PointInTimeRecoveryEnabled"]}
            dynamodb = self._client("dynamodb")
            dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)

    def _expire_items(self, table: str, properties: Mapping[str, Any]) -> None:
        wanted = properties.get("TimeToLiveSpecification")
        if not wanted:
            return
        dynamodb = self._client("dynamodb")
        found = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if found.get("TimeToLiveStatus") in (None, "DISABLED"):
            specification = {"AttributeName": wanted["AttributeName"], "Enabled": True}
            dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)

    def _shape_gateway_responses(self, api: str, properties: Mapping[str, Any]) -> None:
        gateway = self._client("apigateway")
        for kind, response in gateway_responses(properties).items():
            gateway.put_gateway_response(restApiId=api, responseType=kind, **response)
        for stage in gateway.get_stages(restApiId=api)["item"]:
            gateway.create_deployment(restApiId=api, stageName=stage["stageName"])

    def _limit_concurrency_by_number(self, mapping: str, properties: Mapping[str, Any]) -> None:
        if "ScalingConfig" not in properties:
            return
        functions = self._client("lambda")
        found = functions.get_event_source_mapping(UUID=mapping).get("ScalingConfig", {})
        if found:
            limit = {"MaximumConcurrency": int(found["MaximumConcurrency"])}
            functions.update_event_source_mapping(UUID=mapping, ScalingConfig=limit)

    def _filter_by_words(self, subscription: str, _: Mapping[str, Any]) -> None:
        logs = self._client("logs")
        for page in logs.get_paginator("describe_log_groups").paginate():
            for group in page["logGroups"]:
                found = logs.describe_subscription_filters(
                    logGroupName=group["logGroupName"], filterNamePrefix=subscription
                )["subscriptionFilters"]
                for each in found:
                    names = ("logGroupName", "filterName", "destinationArn")
                    pattern = words(each["filterPattern"])
                    logs.put_subscription_filter(**{name: each[name] for name in names}, filterPattern=pattern)


_REPAIRS = {
    "AWS::DynamoDB::GlobalTable": Aws._complete_table,
    "AWS::ApiGateway::RestApi": Aws._shape_gateway_responses,
    "AWS::Lambda::EventSourceMapping": Aws._limit_concurrency_by_number,
    "AWS::Logs::SubscriptionFilter": Aws._filter_by_words,
}


def words(pattern: str) -> str:
    """The words that a line must have for a pattern for JSON to match it; other lines may have them, too."""
    return " ".join(re.findall(r'"([^"]*)"', pattern)) if pattern.startswith("{") else pattern


def gateway_responses(properties: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The gateway responses of a REST API's OpenAPI body, as `PutGatewayResponse` takes them."""
    declared = properties.get("Body", {}).get("x-amazon-apigateway-gateway-responses", {})
    return {
        kind: {
            "statusCode": str(response["statusCode"]),
            "responseParameters": dict(response.get("responseParameters", {})),
            "responseTemplates": dict(response.get("responseTemplates", {})),
        }
        for kind, response in declared.items()
    }


def for_tests(outputs: Mapping[str, str]) -> dict[str, str]:
    """The outputs by the environment variables that functions and tests read; `Failure` if one is missing."""
    names = {
        "VAULT_TABLE": "VaultTableName",
        "JOBS_TABLE": "JobsTableName",
        "RUNTIME_TABLE": "RuntimeTableName",
        "REST_QUEUE_URL": "RestQueueUrl",
        "UPLOAD_QUEUE_URL": "UploadQueueUrl",
        "REPLACE_QUEUE_URL": "ReplaceQueueUrl",
        "RESULTS_BUCKET": "ResultsBucketName",
        "UPLOADS_BUCKET": "UploadsBucketName",
        "REST_DEAD_LETTER_QUEUE_URL": "RestDeadLetterQueueUrl",
        "UPLOAD_DEAD_LETTER_QUEUE_URL": "UploadDeadLetterQueueUrl",
        "REPLACE_DEAD_LETTER_QUEUE_URL": "ReplaceDeadLetterQueueUrl",
        "TOKEN_KEY_ARN": "TokenKeyArn",
        "APP_KEY_ARN": "AppSecretKeyArn",
        "HASH_SECRET_ARN": "HashSecretArn",
        "AUDIT_LOG_GROUP": "AuditLogGroupName",
        "API_ID": "ApiId",
        "OAUTH_FUNCTION": "OauthFunctionName",
        "ENQUEUE_FUNCTION": "EnqueueFunctionName",
        "STATUS_FUNCTION": "StatusFunctionName",
        "WORKER_FUNCTION": "WorkerFunctionName",
        "UPLOAD_WORKER_FUNCTION": "UploadWorkerFunctionName",
        "REPLACE_WORKER_FUNCTION": "ReplaceWorkerFunctionName",
        "SWEEP_FUNCTION": "SweepFunctionName",
        "DLQ_REPLAY_FUNCTION": "DlqReplayFunctionName",
        "AUDIT_FUNCTION": "AuditFunctionName",
    }
    missing = [output for output in names.values() if output not in outputs]
    if missing:
        raise Failure("The deployed stack lacks these outputs: " + ", ".join(missing))
    return {name: outputs[output] for name, output in names.items()}
