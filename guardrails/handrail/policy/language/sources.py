"""Where a fact comes from: small frozen values that a driver matches on to know what to fetch."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeAlias

from handrail.records import SignalKind, Stage

Per: TypeAlias = Literal["customer", "conversation", "tenant"]


class _WithoutKeys:
    """A source that is known by its kind alone: all of one kind are equal."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ToolName(_WithoutKeys):
    """`tool.name`: the name of the tool that is called."""

    stage = Stage.TOOL


class ToolKind(_WithoutKeys):
    """`tool.kind`: whether the tool reads or acts, as `tools:` or else its framework declares it."""

    stage = Stage.TOOL


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolArgument:
    """`<tool>.args.<path>`: a typed argument of that tool's calls; elsewhere the fact does not apply.

    A whole number in the path indexes a list. Several tools stand in a list: `[pay.args.sum,
    refund.args.amount]`. `tool.args.<path>` is the form of 0.1: the argument of whatever is called, unknown
    where a call has none.
    """

    stage = Stage.TOOL
    path: tuple[str, ...] = ()
    of: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def tools(self) -> frozenset[str]:
        """The tools in whose calls the fact applies; none for the argument of whatever is called."""
        return frozenset(tool for tool, _ in self.of)

    def path_in(self, tool: str) -> tuple[str, ...] | None:
        """Return where the argument stands in a call of a tool, None if the fact does not apply there."""
        return dict(self.of).get(tool) if self.of else self.path


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


class InputFindings(_WithoutKeys):
    """`input.findings`: types and categories of what was found in the new input."""

    stage = Stage.INPUT


class OutputFindings(_WithoutKeys):
    """`output.findings`: types and categories found in the model's answer and in the calls it proposes."""

    stage = Stage.ANSWER


class ToolFindings(_WithoutKeys):
    """`tool.findings`: types and categories of what was found in the arguments of the call."""

    stage = Stage.TOOL


class ResultFindings(_WithoutKeys):
    """`result.findings`: types and categories of what was found in what a tool returned."""

    stage = Stage.RESULT


class ResultAmounts(_WithoutKeys):
    """`result.amounts`: the largest amount of money that a tool's result states, 0 where it states none."""

    stage = Stage.RESULT


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSeen:
    """`signal.<kind>`: whether the person's new words show it; unknown in a language that nobody trained."""

    stage = Stage.INPUT
    kind: SignalKind


class InputLanguage(_WithoutKeys):
    """`input.language`: the language of the person's new words; `unknown` if nobody trained it."""

    stage = Stage.INPUT


class InputSmallTalk(_WithoutKeys):
    """`input.small_talk`: whether the person's new words are nothing but greeting, thanks or small talk."""

    stage = Stage.INPUT


class InputTopics(_WithoutKeys):
    """`input.topics`: topics that are declared, else those of findings, else those of the text."""

    stage = Stage.INPUT


class ActionCameFrom(_WithoutKeys):
    """`action.came_from`: the least trusted place in which a value of the call's arguments stands alone.

    `untrusted_text` inside a longer text of a tool result or document, `tool_result` as a whole value of one,
    `user_text` in the person's own words.
    """

    stage = Stage.TOOL


class ActionAskedByUser(_WithoutKeys):
    """`action.asked_by_user`: whether the person asks for this kind of act or names a value of the call."""

    stage = Stage.TOOL


class ConfidenceValue(_WithoutKeys):
    """`confidence`: the probability that the answer is right."""

    stage = Stage.ANSWER


class ConfidenceMin(_WithoutKeys):
    """`confidence.min_token`: the probability of the answer's least likely token."""

    stage = Stage.ANSWER


class ConfidenceMissing(_WithoutKeys):
    """`confidence.missing`: why no log-probabilities came: `not_asked`, `none_came`, `too_few`, or `none`."""

    stage = Stage.ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceOf:
    """`confidence.of.<name>`: the probability of one value: an argument, a field, or a stated fact.

    The lowest where there are several; where the answer holds no such value, the fact does not apply.
    """

    stage = Stage.ANSWER
    name: str


class AnswerKind(_WithoutKeys):
    """`answer.kind`: what the answer consists of; only an answer with text can be measured."""

    stage = Stage.ANSWER


class Ungrounded(_WithoutKeys):
    """`answer.ungrounded`: how many amounts, dates and ids of the answer stand nowhere in the input."""

    stage = Stage.ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedBy:
    """`answer.<name>` with `says:`: the value that the answer itself gives, read next to these words."""

    stage = Stage.ANSWER
    fact: str
    says: tuple[str, ...]
    second_reader: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """`<fact>.said`: whether the answer states that fact at all, be it in two ways; declared by itself."""

    stage = Stage.ANSWER
    of: str


class FaultSeen(_WithoutKeys):
    """`fault`: how the model call went wrong, `none` when it did not."""

    stage = Stage.ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """`ledger`: past actions of one tool (`where:`), reserved or done, within a time window (`within:`).

    They are added up (`sum:` names the fact) or counted (`count: true`).
    """

    stage = Stage.INPUT
    kind: Literal["sum", "count"]
    tool: str
    amount: str
    per: Per
    within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """`conversation`: whether something came before, named in `after:`.

    With `user_yes`, that the person's last words agree to what the assistant had just proposed; with
    `tool.<name>`, that this tool has been called earlier in the conversation, and has answered with
    anything but a failure.
    """

    stage = Stage.INPUT
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """`clock.time`, `clock.weekday`: the time of day or the weekday in the policy's time zone."""

    stage = Stage.INPUT
    field: Literal["time", "weekday"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """`provenance`: where the value of the fact named in `of:` was first seen."""

    stage = Stage.TOOL
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherThan:
    """`<findings>.<type> other_than <fact>`: whether a found value is not the fact's; declared by itself."""

    found: str
    place: "InputFindings | OutputFindings | ToolFindings | ResultFindings"
    type: str
    of: str
    stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """`model.threshold`: a calibrated threshold, of the file in `thresholds:`. Rules read it by this name.

    It is never declared, and stands behind no `from:`.
    """

    stage = Stage.INPUT
    name: str


class Caller(_WithoutKeys):
    """`caller`, or no `from:`: the caller's own fact source is asked by the fact's name.

    A guard that has no fact source refuses a policy whose rules read such a fact.
    """

    stage = Stage.INPUT


Source: TypeAlias = (
    ToolName
    | ToolKind
    | ToolArgument
    | ToolResult
    | ContextField
    | InputFindings
    | OutputFindings
    | ToolFindings
    | ResultFindings
    | ResultAmounts
    | SignalSeen
    | InputLanguage
    | InputSmallTalk
    | InputTopics
    | ActionCameFrom
    | ActionAskedByUser
    | ConfidenceValue
    | ConfidenceMin
    | ConfidenceMissing
    | ConfidenceOf
    | AnswerKind
    | Ungrounded
    | StatedBy
    | Said
    | FaultSeen
    | Ledger
    | Conversation
    | Clock
    | Provenance
    | OtherThan
    | Threshold
    | Caller
)

MeasuredConfidence: TypeAlias = ConfidenceMin | ConfidenceMissing | ConfidenceOf

CONFIDENCE = (ConfidenceValue, ConfidenceMin, ConfidenceMissing, ConfidenceOf)
"""Sources that tell how sure the model is."""

FINDINGS = (InputFindings, OutputFindings, ToolFindings, ResultFindings)
"""Sources that give what a scanner found."""

FIXED: dict[str, Source] = {
    "caller": Caller(),
    "tool.name": ToolName(),
    "tool.kind": ToolKind(),
    "input.findings": InputFindings(),
    "output.findings": OutputFindings(),
    "tool.findings": ToolFindings(),
    "result.findings": ResultFindings(),
    "result.amounts": ResultAmounts(),
    "input.language": InputLanguage(),
    "input.small_talk": InputSmallTalk(),
    "input.topics": InputTopics(),
    "action.came_from": ActionCameFrom(),
    "action.asked_by_user": ActionAskedByUser(),
    "confidence": ConfidenceValue(),
    "confidence.min_token": ConfidenceMin(),
    "confidence.missing": ConfidenceMissing(),
    "answer.kind": AnswerKind(),
    "answer.ungrounded": Ungrounded(),
    "fault": FaultSeen(),
    "clock.time": Clock(field="time"),
    "clock.weekday": Clock(field="weekday"),
    **{f"signal.{kind}": SignalSeen(kind=kind) for kind in SignalKind},
}

FORMS = (
    *FIXED,
    "<tool>.args.<path>",
    "tool.result.<tool>.<path>",
    "context.<name>",
    "confidence.of.<name>",
    "ledger",
    "conversation",
    "provenance",
)
"""Every way to write `from:`, for messages and for the reference page."""


ARGUMENTS = ".args."
"""Stands between a tool and the path of its argument."""


MODEL_THRESHOLD = "model.threshold"
"""The fact that the calibration named `answer` gives; another one's has its name behind a dot."""


def threshold_hint(name: str) -> str | None:
    """Return how a calibrated threshold is had, None for a name that is none; pure."""
    if name != MODEL_THRESHOLD and not name.startswith(f"{MODEL_THRESHOLD}."):
        return None
    of = name.removeprefix(MODEL_THRESHOLD).removeprefix(".") or "answer"
    return (
        f"comes from `thresholds:`, e.g. thresholds: {{{of}: calibration.json}}; rules read it by this name"
    )


def context_name(fact: str) -> str:
    """Return a name under which a program can state a fact in its context; pure."""
    return fact.replace(".", "_")


def written(source: Source) -> str:
    """Return a source as `from:` names it, `caller` for the caller's own; without keys beside it. Pure."""
    match source:
        case ToolArgument(path=path, of=of):
            return ", ".join(".".join((tool, "args", *path)) for tool, path in of or (("tool", path),))
        case ToolResult(tool=tool, path=path):
            return ".".join(("tool.result", tool, *path))
        case ContextField(name=name):
            return f"context.{name}"
        case ConfidenceOf(name=name):
            return f"confidence.of.{name}"
        case Ledger():
            return "ledger"
        case Conversation():
            return "conversation"
        case Provenance():
            return "provenance"
        case Threshold(name=name):
            return f"thresholds.{name}"
        case StatedBy() | Said():
            return "answer"
        case OtherThan(place=place):
            return written(place)
        case _:
            return next((name for name, fixed in FIXED.items() if fixed == source), "caller")
