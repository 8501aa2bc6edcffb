"""Whether the functions called what their roles allow and nothing else, and whether their roles allow nothing else.

These tests read what the emulator decided about each call, so they run when everything else has used the stack.
"""

from __future__ import annotations

import os
import unittest
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Iterable

import forbidden
import services
import unplayed
from stack import DENIALS, Stack

from launcher import audit, decisions

#: The names of the sessions of these tests. Those of functions are named as the functions are.
FORBIDDEN, SERVICE = "forbidden", "service"


class Rights(unittest.TestCase):
    stack: Stack
    #: How many calls are forbidden, and those that were not denied, with how they were answered.
    forbidden: int
    permitted: list[str]
    decided: list[decisions.Decision]
    statements: list[audit.Statement]

    @classmethod
    def setUpClass(cls) -> None:
        cls.stack = Stack()
        cls.statements = cls.stack.statements()
        cls._make(cls._of_services(), SERVICE)
        names = {role: function["FunctionName"] for role, function in cls.stack.functions.items()}
        answers = cls._make(forbidden.calls(os.environ, names), FORBIDDEN)
        cls.forbidden = len(answers)
        cls.permitted = [f"{call}: {error or 'done'}" for call, error in answers if error not in DENIALS]
        written = decisions.read(Path(os.environ["DECISIONS"]))
        # The tests speak of roles as the template does.
        cls.decided = [replace(each, principal=cls._logical(each)) for each in written]

    @classmethod
    def _of_services(cls) -> Iterable[forbidden.Call]:
        mappings = cls.stack.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        yield from services.calls(cls.stack.functions, mappings)
        yield from services.schedules("SweepFunctionEachMinuteRole", cls.stack.functions["SweepRole"])
        yield from services.handed_over("SweepRole", cls.stack.functions["SweepRole"])

    @classmethod
    def _make(cls, calls: Iterable[forbidden.Call], session: str) -> list[tuple[forbidden.Call, str]]:
        callers = {role: cls.stack.as_role(role, session) for role in cls.stack.roles}
        return [
            (call, callers[call.role].error(call.service, call.operation, call.parameters, call.headers))
            for call in calls
        ]

    @classmethod
    def _logical(cls, decision: decisions.Decision) -> str:
        return decision.principal.replace(f"/{decision.role}/", f"/{cls.stack.logical(decision.role)}/")

    def of(self, *sessions: str) -> list[decisions.Decision]:
        return [each for each in self.decided if each.session in sessions]

    def none(self, found: Iterable[object], message: str) -> None:
        counts = Counter(map(str, found))
        if counts:
            self.fail("\n".join([f"{message}:", *(f"{count:6} x {what}" for what, count in counts.items())]))

    def test_every_caller_is_the_session_of_a_role(self) -> None:
        self.none((each for each in self.decided if not each.role), "these callers are no sessions of roles")

    def test_every_call_was_judged(self) -> None:
        self.none((each for each in self.decided if not each.judged), "the emulator did not judge these calls")

    def test_every_function_called_in_the_name_of_its_role(self) -> None:
        for role, function in self.stack.functions.items():
            called = {each.role for each in self.of(function["FunctionName"])}
            self.assertEqual(called, {role}, function["FunctionName"])

    def test_no_call_was_denied(self) -> None:
        found = (replace(each, seen=shortened(each)) for each in self.decided if each.session != FORBIDDEN)
        self.none((each for each in found if not each.allowed), "these calls were denied")

    def test_no_call_was_allowed_for_want_of_a_condition_key(self) -> None:
        found = (each for each in self.decided if each.absent)
        told = (f"{each.role}, {each.statement}: {each.action} without {each.absent}" for each in found)
        self.none(told, "these calls lacked what a condition asks for")

    def test_every_forbidden_call_was_denied(self) -> None:
        self.none(self.permitted, "these calls must be denied")
        denials = sum(not each.allowed for each in self.of(FORBIDDEN))
        self.assertEqual(denials, self.forbidden, "each of them is denied once")

    def test_every_condition_refused_a_call(self) -> None:
        refused = {(each.role, by) for each in self.of(FORBIDDEN) for by in each.refused_by}
        conditions = {(each.role, each.sid) for each in self.statements if each.is_conditional}
        self.assertTrue(conditions)
        self.none(sorted(conditions - refused), "the conditions of these statements refused nothing")
        for bucket in ("RESULTS_BUCKET", "UPLOADS_BUCKET"):
            arn = f"arn:aws:s3:::{os.environ[bucket]}"
            self.assertTrue(any(by.startswith(arn) for _, by in refused), f"the policy of {bucket} refused nothing")

    def test_every_right_is_used(self) -> None:
        used = [each for each in self.decided if each.session != FORBIDDEN]
        unused = audit.unused((right for each in self.statements for right in each.rights()), used)
        self.none((right for right in unused if not unplayed.entries_of(right)), "no test uses these rights")
        entries = {entry for right in unused for entry in unplayed.entries_of(right)}
        self.none(unplayed.REASONS.keys() - entries, "these are listed in unplayed.py, and are used or not there")

    def test_every_statement_has_a_name_of_its_own(self) -> None:
        named = Counter((each.role, each.sid) for each in self.statements)
        self.none((name for name, count in named.items() if count > 1), "these names are not unique")


def shortened(decision: decisions.Decision) -> dict[str, object]:
    """What a decision saw, without what differs in each call."""
    return {
        name: sorted({str(each).partition("#")[0][:4] for each in value}) if isinstance(value, list) else value
        for name, value in decision.seen.items()
        if isinstance(value, list) or name.endswith(":purpose")
    }


if __name__ == "__main__":
    unittest.main()
