"""Makes the emulator enforce the rights of the functions' roles, and write down each decision.

With `AUTH=true` MiniStack evaluates the policies of whoever signed a request. Here it learns the condition keys that it
leaves out (`context.py`), and gives each function the session of its role. Who has the session token of the launch,
the developer, may do everything, as the root user of an account. All others' calls are judged.

This replaces functions of MiniStack, which `ministack.py` names.
"""

from __future__ import annotations

import hashlib
import hmac
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Iterator, Mapping

from . import conditions, context, gate
from .decisions import Decision, Log


@dataclass
class _Request:
    """A request of a role, and how often it was judged."""

    line: str
    judged: int = 0


@dataclass
class _Evaluation:
    """The first policies that a judgement evaluates: those of the role."""

    context: Any = None
    policies: Any = None
    result: Any = None


_request: ContextVar[_Request | None] = ContextVar("request", default=None)
_evaluation: ContextVar[_Evaluation | None] = ContextVar("evaluation", default=None)


class Rights:
    """The rights of one emulator."""

    def __init__(self, emulator: Mapping[str, Any], launch_token: str, log: Log) -> None:
        self._evaluator = emulator["iam_evaluator"]
        self._sts = emulator["sts"]
        self._launch_token = launch_token
        self._log = log
        self._enforce = self._evaluator.enforce
        self._evaluate = self._evaluator.evaluate
        self._evaluator.enforce, self._evaluator.evaluate = self.enforce, self.evaluate
        context.add_condition_keys(emulator["iam_actions"], emulator["dynamodb"]._tables)
        for module in (emulator["lambda_runtime"], emulator["lambda_svc"]):
            module.execution_credentials = self.execution_credentials

    # ------------------------------------------------------------ who calls

    def session_tokens(self) -> Iterator[str]:
        """The session tokens of roles: only who has that of the launch can learn one."""
        return (str(session.get("SessionToken") or "") for session in list(self._sts._sessions.values()))

    def execution_credentials(self, config: Mapping[str, Any]) -> dict[str, str]:
        """The credentials of a function: of a session of its role, which nobody can guess."""
        function, role = config["FunctionArn"], config["Role"].rpartition("/")[2]
        account, name = function.split(":")[4], config["FunctionName"]

        def derived(what: str) -> str:
            message = f"{what} {function} {role}"
            return hmac.new(self._launch_token.encode(), message.encode(), hashlib.sha256).hexdigest()

        key, secret, token = f"ASIA{derived('key')[:16].upper()}", derived("secret"), derived("token")
        if key not in self._sts._sessions:
            session = {"SecretAccessKey": secret, "SessionToken": token, "UserId": f"{role}:{name}"}
            arn = f"arn:aws:sts::{account}:assumed-role/{role}/{name}"
            self._sts.register_session(key, {**session, "Arn": arn})
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}

    # ------------------------------------------------------------ whether they may

    def judged(self, app: Any, refuse: Any) -> Any:
        """An ASGI app that passes all on to `app`, and writes down each request of a role that it did not judge.

        A request with the token of a role that is not signed with its key, or is none to AWS, is refused: nothing else
        would keep it from being taken for the developer's.
        """

        async def ask(scope: dict[str, Any], receive: Any, send: Any) -> None:
            headers, query = _as_text(scope)
            token = next(iter(gate.session_tokens(headers, query)), "")
            if token in ("", self._launch_token):
                # The policies of queues and buckets bind the developer, too.
                is_to_aws = gate.access_keys(headers, query)
                await app(_over_tls(scope) if is_to_aws else scope, receive, send)
                return
            request = _Request(f"{scope.get('method', scope['type'])} {scope['path']}")
            key, holder = self._holder(token)
            if gate.access_keys(headers, query) != {key} or scope["path"].startswith("/_"):
                self._log.write(Decision("nobody", request.line, allowed=False, refused_by=[gate.NOT_ITS_KEY]))
                await refuse(scope, send, gate.NOT_ITS_KEY)
                return
            entered = _request.set(request)
            try:
                await app(_over_tls(scope), receive, send)
            finally:
                _request.reset(entered)
            if not request.judged:
                self._log.write(Decision(holder, request.line, judged=False))

        return ask

    def _holder(self, token: str) -> tuple[str, str]:
        """The access key and the ARN of the session that has this token."""
        sessions = list(self._sts._sessions.items())
        found = ((key, str(each.get("Arn"))) for key, each in sessions if each.get("SessionToken") == token)
        return next(found, ("", "nobody"))

    def evaluate(self, asked: Any, policies: Any, *limits: Any) -> Any:
        """Evaluate policies."""
        result = self._evaluate(asked, policies, *limits)
        evaluation = _evaluation.get()
        if evaluation and evaluation.result is None:
            evaluation.context, evaluation.policies, evaluation.result = asked, policies, result
        return result

    def enforce(
        self,
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Why a call is refused, or `None`."""
        if isinstance(resource_arn, context.ItemArn):
            service_context = {**(service_context or {}), **context.leading_keys(resource_arn.leading_keys)}
        resource_arn = _as_judged(service, resource_arn)
        request = _request.get()
        evaluation = _Evaluation()
        entered = _evaluation.set(evaluation if request else None)
        try:
            refusal = self._enforce(
                access_key_id, iam_action, service, region, resource_arn=resource_arn, service_context=service_context
            )
        finally:
            _evaluation.reset(entered)
        if request:
            request.judged += 1
            self._log.write(self._decision(access_key_id, iam_action, str(resource_arn), evaluation, refusal))
        return refusal

    def _decision(self, key: str, action: str, resource: str, evaluation: _Evaluation, refusal: Any) -> Decision:
        caller = self._evaluator.resolve_caller_identity(key) or {}
        decision = Decision(str(caller.get("userArn") or "nobody"), action, resource, allowed=refusal is None)
        if evaluation.result is None:  # its credentials were refused, or anybody may do it
            return replace(decision, refused_by=[refusal.code] if refusal else [])
        seen = {
            name: value
            for name, value in evaluation.context.service_context.items()
            if name == conditions.LEADING_KEYS.lower() or name.startswith("kms:encryptioncontext:")
        }
        if refusal is None:
            sid = evaluation.result.matched_sid
            return replace(decision, statement=sid, absent=self._absent(evaluation, sid), seen=seen)
        if refusal.resource_policy_arn:
            return replace(decision, refused_by=[refusal.resource_policy_arn], seen=seen)
        return replace(decision, refused_by=self._but_for_conditions(evaluation), seen=seen)

    def _but_for_conditions(self, evaluation: _Evaluation) -> list[str]:
        """The statements that would allow a call if they had no condition."""
        statements = (replace(each, conditions={}) for policy in evaluation.policies for each in policy)
        results = (self._evaluate(evaluation.context, [[each]]) for each in statements)
        return [result.matched_sid for result in results if result.decision == "Allow"]

    def _absent(self, evaluation: _Evaluation, sid: str) -> list[str]:
        statements = [each for policy in evaluation.policies for each in policy if each.sid == sid]
        named = {key for each in statements for keys in each.conditions.values() for key in keys}
        resolve = self._evaluator._resolve_condition_key
        return sorted(key for key in named if resolve(key, evaluation.context) is None)


def _as_judged(service: str, arn: str) -> str:
    """The ARN that AWS compares with policies: that of a log group ends with `:*`."""
    is_group = service == "logs" and ":log-group:" in arn and not arn.endswith(":*")
    return f"{arn}:*" if is_group else arn


def _as_text(scope: Mapping[str, Any]) -> tuple[list[tuple[str, str]], str]:
    """The headers and the query of a request."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope.get("headers", ())]
    return headers, scope.get("query_string", b"").decode("latin-1")


def _over_tls(scope: dict[str, Any]) -> dict[str, Any]:
    """The request as one over TLS, as all are on AWS, unless it says otherwise: policies may refuse another."""
    if any(name.lower() == b"x-forwarded-proto" for name, _ in scope["headers"]):
        return scope
    return {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
