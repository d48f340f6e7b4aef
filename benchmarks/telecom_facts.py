"""Facts for the telecom policy from recorded answers of tools: `--facts benchmarks.telecom_facts:from_tau`.

There is no start state for telecom: bills and lines are known once a tool has shown them, and what was never
looked up is left out. What the person's phone shows is known from what the person says of it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from handrail.records import Evidence, Message, Speaker, ToolCall
from handrail.text.clauses import clauses_of, without_quotes
from handrail.text.polarity import negations

Json = dict[str, Any]

_LOCKED = re.compile(r"(?i)\bsim\b.{0,60}\b(?:locked|pin|puk)\b|\b(?:locked|puk)\b.{0,60}\bsim\b")
_ABROAD = re.compile(
    r"(?i)\b(?:abroad|overseas|travel\w*|trip|roaming|vacation|visiting|another country"
    r"|outside (?:my|the) (?:home|country)|in (?:france|spain|italy|germany|mexico|canada|japan|europe))\b"
)
_WANTS = re.compile(r"(?i)\b(?:want|like|need|please|switch|let['’]s|can you|could you|i['’]ll|go ahead)\b")
_OTHER_PLAN = re.compile(r"(?i)\b(?:chang\w*|switch\w*|upgrad\w*|mov\w*)\b.{0,40}\bplans?\b")


def from_tau(record: Mapping[str, Any]) -> "TelecomFacts":
    """Return the facts of one recorded conversation."""
    return TelecomFacts()


class TelecomFacts:
    """Answers a policy's facts about the call in question; a name that it cannot tell is left out."""

    def __init__(self) -> None:
        self._bills: dict[str, Json] = {}
        self._lines: dict[str, Json] = {}
        self._is_supposed = False

    def __call__(self, names: Sequence[str], evidence: Evidence, now: datetime) -> Mapping[str, object]:
        """Return raw values for some of the declared facts."""
        arguments = _object(evidence.call.arguments) if evidence.call else {}
        bill = self._bills.get(str(arguments.get("bill_id")))
        states = [str(one.get("status", "")).lower() for one in self._bills.values()]
        found: dict[str, object] = {
            "bill.status": str(bill.get("status", "")).lower() if bill else None,
            "bills.awaiting_payment": states.count("awaiting payment") if states else None,
            "bills.overdue": states.count("overdue") if states else None,
            "line.contract_ended": self._ended(arguments.get("line_id"), now),
            "sim.locked": says(evidence.messages, _LOCKED),
            "customer.abroad": self._is_supposed or says(evidence.messages, _ABROAD),
            "request.without_tool": wants_other_plan(evidence.messages),
        }
        return {name: found[name] for name in names if found.get(name) is not None}

    def observe(self, call: ToolCall, result: str) -> None:
        """Follow what a recorded tool answered: bills and lines as they are now."""
        try:
            answer = json.loads(result)
        except ValueError:
            return
        for one in answer if isinstance(answer, list) else [answer]:
            if isinstance(one, dict):
                self._take(one)

    def suppose_said(self) -> None:
        """Answer for a gold list: it lists calls only, so what had to be said before them was said."""
        self._is_supposed = True

    def _take(self, one: Json) -> None:
        if "bill_id" in one:
            self._bills[str(one["bill_id"])] = one
        elif "line_id" in one:
            self._lines[str(one["line_id"])] = one

    def _ended(self, key: object, now: datetime) -> bool | None:
        ends = (self._lines.get(str(key)) or {}).get("contract_end_date")
        try:
            return date.fromisoformat(str(ends)[:10]) < now.date()
        except ValueError:
            return None


def _object(text: str) -> Json:
    try:
        read = json.loads(text)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def says(messages: Sequence[Message], pattern: re.Pattern[str]) -> bool:
    """Tell whether the person says something, in a clause that does not deny it."""
    return any(
        pattern.search(words) and negations(words) % 2 == 0
        for message in messages
        if message.speaker is Speaker.USER
        for words in clauses_in(message.text)
    )


def wants_other_plan(messages: Sequence[Message]) -> bool:
    """Tell whether the person asks for another plan, which no tool can change."""
    return any(
        _OTHER_PLAN.search(words) and _WANTS.search(words) and negations(words) % 2 == 0
        for message in messages
        if message.speaker is Speaker.USER
        for words in clauses_in(message.text)
    )


def clauses_in(text: str) -> list[str]:
    """Return the clauses of a text, without what it quotes."""
    plain = without_quotes(text)
    return [plain[clause.start : clause.end] for clause in clauses_of(plain)]
