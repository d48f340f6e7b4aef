"""An answer that was passed and is to be checked all the same: what the person who checks it reads."""

from enum import StrEnum

from pydantic import Field

from handrail.records import Evidence
from handrail.tickets.masking import answer_text, mask_of
from handrail.tickets.ticket import Line, Model
from handrail.tickets.transcript import excerpt, masked_lines


class AuditVerdict(StrEnum):
    """What a person may say of an answer. One that nobody can tell counts as wrong."""

    RIGHT = "right"
    WRONG = "wrong"


class Wording(Model):
    """The conversation and the answer, masked or as they were; `calls` are tool calls the answer proposes."""

    lines: tuple[Line, ...] = ()
    answer: str = ""
    calls: tuple[str, ...] = ()


class Audited(Model):
    """One passed answer to be checked by a member of one of `roles`; `plain` holds the unmasked words."""

    exchange: str
    tenant: str
    roles: tuple[str, ...]
    model: str = ""
    customer: str | None = Field(default=None, repr=False)
    conversation: str | None = Field(default=None, repr=False)
    masked: Wording = Field(repr=False)
    plain: Wording = Field(repr=False)


def audited(evidence: Evidence, *, roles: tuple[str, ...]) -> Audited:
    """Make the record of a passed answer; pure."""
    draft, mask, lines = evidence.draft, mask_of(evidence), excerpt(evidence)
    calls = tuple(f"{call.name}({call.arguments})" for call in (draft.tool_calls if draft else ()))
    answer = answer_text(draft)
    return Audited(
        exchange=evidence.exchange,
        tenant=evidence.context.tenant,
        roles=roles,
        model=(draft.model or "") if draft else "",
        customer=evidence.context.customer,
        conversation=evidence.context.conversation,
        masked=Wording(
            lines=masked_lines(lines, mask), answer=mask(answer), calls=tuple(mask(call) for call in calls)
        ),
        plain=Wording(lines=lines, answer=answer, calls=calls),
    )
