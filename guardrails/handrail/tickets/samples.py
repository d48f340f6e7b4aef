"""An answer that was passed and is to be checked all the same: what the person who checks it reads."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field

from handrail.records import Evidence
from handrail.tickets.masking import mask_of
from handrail.tickets.model import TicketModel
from handrail.tickets.ticket import MessageRecord
from handrail.tickets.transcript import excerpt, masked_lines


class SampleVerdict(StrEnum):
    """What a person may say of an answer. One that nobody can tell counts as wrong."""

    RIGHT = "right"
    WRONG = "wrong"


class SampleCause(StrEnum):
    """What made an answer wrong, as far as whoever checked it can tell."""

    FACT = "fact"
    MISUNDERSTOOD = "misunderstood"
    INCOMPLETE = "incomplete"
    TONE = "tone"
    DATA = "data"
    ACTION = "action"
    OTHER = "other"


class FixTarget(StrEnum):
    """What would have to change so that it does not happen again."""

    PROMPT = "prompt"
    POLICY = "policy"
    TOOL = "tool"
    KNOWLEDGE = "knowledge"
    MODEL = "model"
    PEOPLE = "people"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleLabels:
    """What else was found of an answer: codes alone, so that they can stand in a log."""

    cause: SampleCause | None = None
    should_have_been_handed_off: bool | None = None
    fix: FixTarget | None = None

    def data(self) -> dict[str, str]:
        """Return what was said, as the log holds it."""
        wanted = self.should_have_been_handed_off
        said = {
            "cause": self.cause,
            "should_have_been_handed_off": None if wanted is None else "yes" if wanted else "no",
            "fix": self.fix,
        }
        return {name: str(value) for name, value in said.items() if value is not None}


NO_LABELS = SampleLabels()


class SampleText(TicketModel):
    """The conversation and the answer, masked or as they were; `calls` are tool calls the answer proposes."""

    lines: tuple[MessageRecord, ...] = ()
    answer: str = ""
    calls: tuple[str, ...] = ()


class SampledAnswer(TicketModel):
    """One passed answer to be checked by a member of one of `roles`; `plain` holds the unmasked words."""

    exchange: str
    tenant: str
    roles: tuple[str, ...]
    model: str = ""
    customer: str | None = Field(default=None, repr=False)
    conversation: str | None = Field(default=None, repr=False)
    masked: SampleText = Field(repr=False)
    plain: SampleText = Field(repr=False)


def sampled_answer(evidence: Evidence, *, roles: tuple[str, ...]) -> SampledAnswer:
    """Make the record of a passed answer; pure."""
    draft, mask, lines = evidence.draft, mask_of(evidence), excerpt(evidence)
    calls = tuple(f"{call.name}({call.arguments})" for call in (draft.tool_calls if draft else ()))
    answer = draft.answer if draft else ""
    return SampledAnswer(
        exchange=evidence.exchange,
        tenant=evidence.context.tenant,
        roles=roles,
        model=(draft.model or "") if draft else "",
        customer=evidence.context.customer,
        conversation=evidence.context.conversation,
        masked=SampleText(
            lines=masked_lines(lines, mask), answer=mask(answer), calls=tuple(mask(call) for call in calls)
        ),
        plain=SampleText(lines=lines, answer=answer, calls=calls),
    )
