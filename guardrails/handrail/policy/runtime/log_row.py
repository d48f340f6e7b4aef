"""One row of the decision log, whatever it was read from: the schema that every reader of the log reads."""

# Where rows come from:
#
#   `handrail log export`     one row a line, its ids as keyed hashes, `outcome` named
#   `handrail audit export`   one entry of the audit chain a line: `kind` and `data`. Decisions, what people
#                             said of tickets and of drawn answers are rows; other entries are none
#   0.1                       the same without `v`: no facts of most hand-offs, which `ticket.open` tells of
#   a decision               `stage` and `facts`, as `handrail policy explain --json` prints it
#
# Names are never changed: a reader takes every version. What one version does not have is empty.

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from handrail.records import Effect, Stage

VERSION: Final = 2
PASSED, REDACTED, BLOCKED, HANDED_OFF = "passed", "redacted", "blocked", "handed_off"
GATED, BY_GRANT, AUTHORISED = "gated", "passed_by_grant", "authorised"
RESOLVED, EXPIRED, SAMPLED, FAULT = "resolved", "expired", "sampled", "fault"
TAKEN, ESCALATED = "taken", "escalated"
OUTCOMES: Final = (
    *(PASSED, REDACTED, BLOCKED, HANDED_OFF, GATED, BY_GRANT, AUTHORISED),
    *(RESOLVED, EXPIRED, SAMPLED, TAKEN, ESCALATED, FAULT),
)
"""What a row may tell of.

`taken`: somebody began to read a ticket or a drawn answer. `escalated`: a ticket went on to another role
because its time ran out. `expired` has the verdict `expire` where nobody decided and `lapse` where what
people decided was not carried out in time. `fault`: a decision that no database could hold.
"""

_OF_EFFECT: Final = {"pass": PASSED, "redact": REDACTED, "hand_off": HANDED_OFF, "block": BLOCKED}
_OF_TICKET: Final = {
    **dict.fromkeys(("ticket.approve", "ticket.agree", "ticket.reject", "ticket.answer"), RESOLVED),
    **dict.fromkeys(("ticket.revise", "ticket.cancel", "ticket.withdraw", "ticket.link"), RESOLVED),
    **dict.fromkeys(("ticket.expire", "ticket.lapse"), EXPIRED),
}
_STEPS: Final = {"ticket.claim": TAKEN, "ticket.escalate": ESCALATED}


class UnreadableRow(ValueError):
    """A record that holds neither a row nor another entry of an audit log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One row. What is empty was not on record.

    `facts` is None where only the ticket of a hand-off is on record. `effect` is empty for a record that is
    not to be compared, and for what people said. `customer`, `conversation`, and in an export `exchange`,
    `ticket`, `grant` and `reviewer`, who took or decided it, are keyed hashes. The fields' forms stand in
    `handrail.store.audit.entry`.
    """

    outcome: str
    at: str = ""
    tenant: str = ""
    exchange: str = ""
    stage: str = ""
    effect: str = ""
    rules: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    reasons: tuple[Mapping[str, Any], ...] = ()
    shadow_reasons: tuple[Mapping[str, Any], ...] = ()
    role: str = ""
    co_approvers: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Mapping[str, Any], ...] = ()
    confidence: Mapping[str, Any] = field(default_factory=dict)
    scored: Mapping[str, Any] = field(default_factory=dict)
    latency_us: Mapping[str, int] = field(default_factory=dict)
    asked: int = 0
    usage: Mapping[str, float] = field(default_factory=dict)
    model: str = ""
    adapter: str = ""
    policy: str = ""
    customer: str = ""
    conversation: str = ""
    ticket: str = ""
    grant: str = ""
    reviewer: str = ""
    verdict: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    v: int = 1

    @property
    def is_decision(self) -> bool:
        """True for what a policy decided, False for what people or time did afterwards."""
        return self.outcome not in (RESOLVED, EXPIRED, SAMPLED, TAKEN, ESCALATED)

    def record(self) -> dict[str, Any]:
        """Return what `handrail.policy.runtime.record.rederive` takes again; pure."""
        names = ("stage", "effect", "facts", "answers", "co_approvers")
        found: dict[str, Any] = {name: getattr(self, name) for name in names}
        found |= {"role": self.role or None, "co_approvers": list(self.co_approvers)}
        found |= {"reasons": list(self.reasons), "shadow": list(self.shadow_reasons)}
        return {**found, "parts": list(self.parts)} if self.parts else found


_TEXTS: Final = (
    *("at", "tenant", "exchange", "stage", "effect", "role", "model", "adapter", "policy"),
    *("customer", "conversation", "ticket", "grant", "reviewer", "verdict"),
)
_LISTS: Final = ("rules", "shadow", "reasons", "shadow_reasons", "co_approvers", "parts")
_OBJECTS: Final = frozenset({"reasons", "shadow_reasons", "parts"})
_MAPPINGS: Final = (
    *("answers", "facts", "sources", "confidence", "scored", "latency_us", "usage", "labels"),
)
_NUMBERS: Final = ("asked", "v")


def as_data(row: LogRow) -> dict[str, Any]:
    """Return a row as JSON data, without what is empty; pure."""
    found = {name: getattr(row, name) for name in ("outcome", *_TEXTS, *_LISTS, *_MAPPINGS, *_NUMBERS)}
    kept = {name: value for name, value in found.items() if value or (name == "facts" and value is not None)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}


def read_row(record: object) -> LogRow | None:
    """Read a record as a row, None for an entry of an audit log that is none; pure.

    Raises:
        UnreadableRow: it is neither, or a later version wrote it: what its names mean is not known here.
    """
    if not isinstance(record, Mapping):
        raise UnreadableRow("no object")
    _check_version(record)
    if record.get("outcome") in OUTCOMES:
        return _row(record, str(record["outcome"]))
    if isinstance(record.get("data"), Mapping) and isinstance(record.get("kind"), str):
        return _of_entry(record, record["kind"], record["data"])
    if "stage" in record and "facts" in record:
        return _decision(record)
    raise UnreadableRow("no row")


def _check_version(data: Mapping[str, Any]) -> None:
    version = data.get("v", 1)
    if not isinstance(version, int) or version > VERSION:
        raise UnreadableRow("of a later version")


def _of_entry(entry: Mapping[str, Any], kind: str, data: Mapping[str, Any]) -> LogRow | None:
    whose = {"at": entry.get("at", ""), "tenant": entry.get("tenant", "")}
    who = {"reviewer": entry.get("actor", "")}
    _check_version(data)
    if kind == "decision.fault":
        return _row({**data, **whose}, FAULT)
    if kind.startswith("decision."):
        return _decision({**data, **whose})
    if data.get("seeded"):
        # A seeded case is no traffic, and its decision says nothing of a rule.
        return None
    ticket = {"ticket": entry.get("ticket", ""), "role": entry.get("role", "")}
    if kind == "ticket.open" and "v" not in data:
        exchange = data.get("exchange", entry.get("ticket", ""))
        why = {"effect": Effect.HAND_OFF.value, "trigger": data.get("trigger", "")}
        rules = data.get("rules", ())
        named = [{"rule": rule, **why} for rule in rules] if isinstance(rules, list) else []
        opened = {"exchange": exchange, "effect": Effect.HAND_OFF.value, "rules": rules, "reasons": named}
        return _row({**whose, **ticket, **opened, "policy": data.get("policy", "")}, HANDED_OFF)
    if kind in _OF_TICKET:
        said = _verdict(kind, str(data.get("verdict", "")))
        return _row({**whose, **ticket, **who, "verdict": said, "v": VERSION}, _OF_TICKET[kind])
    if kind in _STEPS:
        return _row({**whose, **ticket, **who, "v": VERSION}, _STEPS[kind])
    if kind in ("answer.view", "answer.judge"):
        return _row({**data, **whose, **who, "v": VERSION}, SAMPLED if kind == "answer.judge" else TAKEN)
    return None


def _verdict(kind: str, said: str) -> str:
    verb = kind.partition(".")[2]
    if verb == "agree":
        # Others must agree too, so it is no end; who agrees to an edit did not approve it as it was.
        return verb if said in ("", "approve") else f"agree_{said}"
    return said or verb


def _decision(data: Mapping[str, Any]) -> LogRow:
    stage, effect = data.get("stage"), data.get("effect", "")
    if stage not in tuple(Stage) or effect not in ("", *tuple(Effect)):
        raise UnreadableRow("no stage or effect of a decision")
    if not isinstance(data.get("facts"), Mapping):
        raise UnreadableRow("no facts")
    outcome = _OF_EFFECT.get(effect, PASSED)
    if data.get("authorised"):
        outcome = AUTHORISED
    elif data.get("grant") and outcome in (PASSED, REDACTED):
        outcome = BY_GRANT
    elif stage == Stage.TOOL and effect in (Effect.PASS, Effect.REDACT):
        outcome = GATED
    return _row(data, outcome)


def _row(data: Mapping[str, Any], outcome: str) -> LogRow:
    """Return a row of what a record holds in the form that it should have; the rest is left out."""
    found: dict[str, Any] = {"outcome": outcome}
    for name in _TEXTS:
        value = data.get(name)
        if isinstance(value, str):
            found[name] = value
    for name in _LISTS:
        value = data.get(name)
        if isinstance(value, list | tuple):
            kind = Mapping if name in _OBJECTS else object
            found[name] = tuple(item for item in value if isinstance(item, kind))
    for name in _MAPPINGS:
        value = data.get(name)
        if isinstance(value, Mapping):
            found[name] = value
    for name in _NUMBERS:
        if isinstance(data.get(name), int):
            found[name] = data[name]
    return LogRow(**_in_old_form(found))


def _in_old_form(found: dict[str, Any]) -> dict[str, Any]:
    """Give a decision that lists its rules as objects alone the names that others list beside them."""
    for names, whole in (("rules", "reasons"), ("shadow", "shadow_reasons")):
        given = found.get(names) or found.get(whole) or ()
        if given and isinstance(given[0], Mapping):
            found[whole] = tuple(item for item in given if isinstance(item, Mapping))
            found[names] = tuple(str(item.get("rule", "")) for item in found[whole])
    return found
