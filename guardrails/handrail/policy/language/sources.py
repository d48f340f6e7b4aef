"""Where a fact comes from: small frozen values that a driver matches on to know what to fetch."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeAlias

from handrail.records import SignalKind, Stage

Per: TypeAlias = Literal["customer", "conversation", "tenant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolName:
    """`tool.name`: the name of the tool that is called."""

    stage = Stage.TOOL


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolArgument:
    """`tool.args.<path>`: a typed argument of the call; a whole number in the path indexes a list."""

    stage = Stage.TOOL
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """`tool.result.<tool>.<path>`: a value in that tool's newest result in this conversation."""

    stage = Stage.TOOL
    tool: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextField:
    """`context.<name>`: `customer`, `conversation`, `tenant` or a fact stated in `guard.context`."""

    stage = Stage.INPUT
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFindings:
    """`input.findings`: types and categories of what was found in the new input."""

    stage = Stage.INPUT


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFindings:
    """`output.findings`: types and categories found in the model's answer and in the calls it proposes."""

    stage = Stage.ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFindings:
    """`tool.findings`: types and categories of what was found in the arguments of the call."""

    stage = Stage.TOOL


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSeen:
    """`signal.<kind>`: whether the person's new words show it."""

    stage = Stage.INPUT
    kind: SignalKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceValue:
    """`confidence`: the probability that the answer is right."""

    stage = Stage.ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerKind:
    """`answer.kind`: `text`, `tool_calls`, `both` or `empty`; only an answer with text can be measured."""

    stage = Stage.ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class Ungrounded:
    """`answer.ungrounded`: how many amounts, dates and ids of the answer stand nowhere in the input."""

    stage = Stage.ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSeen:
    """`fault`: how the model call went wrong, `none` when it did not."""

    stage = Stage.ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """`ledger`: a sum or count of past actions of one tool, reserved or done, within a time window.

    `amount` names the fact that is summed and is empty for a count.
    """

    stage = Stage.INPUT
    kind: Literal["sum", "count"]
    tool: str
    amount: str
    per: Per
    within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """`conversation`: whether something came before. `after` is `user_yes` or `tool.<name>`.

    `user_yes`: the person's last words agree to what the assistant had just proposed.
    `tool.<name>`: that tool has been called, and has answered, earlier in the conversation.
    """

    stage = Stage.INPUT
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """`clock.time` or `clock.weekday`, in the policy's time zone."""

    stage = Stage.INPUT
    field: Literal["time", "weekday"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """`provenance`: where the value of the fact `of` was first seen.

    One of `tool_result`, `user_text`, `both` and `nowhere`.
    """

    stage = Stage.TOOL
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """`model.threshold`: a calibrated threshold. The policy knows its value; nothing needs fetching."""

    stage = Stage.INPUT
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The caller's own fact source, asked by the fact's name."""

    stage = Stage.INPUT


Source: TypeAlias = (
    ToolName
    | ToolArgument
    | ToolResult
    | ContextField
    | InputFindings
    | OutputFindings
    | ToolFindings
    | SignalSeen
    | ConfidenceValue
    | AnswerKind
    | Ungrounded
    | FaultSeen
    | Ledger
    | Conversation
    | Clock
    | Provenance
    | Threshold
    | Caller
)

_FIXED: dict[str, Source] = {
    "tool.name": ToolName(),
    "input.findings": InputFindings(),
    "output.findings": OutputFindings(),
    "tool.findings": ToolFindings(),
    "confidence": ConfidenceValue(),
    "answer.kind": AnswerKind(),
    "answer.ungrounded": Ungrounded(),
    "fault": FaultSeen(),
    "clock.time": Clock(field="time"),
    "clock.weekday": Clock(field="weekday"),
    **{f"signal.{kind}": SignalSeen(kind=kind) for kind in SignalKind},
}

FORMS = (
    *_FIXED,
    "tool.args.<path>",
    "tool.result.<tool>.<path>",
    "context.<name>",
    "ledger",
    "conversation",
    "provenance",
)
"""Every way to write `from:`, for messages and for the reference page."""


def parse_source(text: str) -> Source | None:
    """Read a source that needs no further keys; None if the text is not one."""
    if text in _FIXED:
        return _FIXED[text]
    match text.split("."):
        case ["tool", "args", *path] if path and all(path):
            return ToolArgument(path=tuple(path))
        case ["tool", "result", tool, *path] if tool and path and all(path):
            return ToolResult(tool=tool, path=tuple(path))
        case ["context", name] if name:
            return ContextField(name=name)
    return None
