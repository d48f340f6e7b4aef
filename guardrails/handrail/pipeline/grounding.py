"""What an answer states that stands nowhere in what the model was given."""

from collections.abc import Sequence

from handrail.confidence.scorers.grounding import Sources
from handrail.records import Draft, Finding, Message, Part, Place
from handrail.tickets.masking import UNMASKED

UNGROUNDED = "ungrounded"


def ungrounded(draft: Draft, messages: Sequence[Message], index: int) -> tuple[Finding, ...]:
    """Return a finding for every amount, date, id and address of an answer that no message supports."""
    sources = Sources(message.text for message in messages)
    place = Place(part=Part.ANSWER, index=index)
    return tuple(
        Finding(
            type=UNGROUNDED,
            category=UNMASKED,
            start=claim.start,
            end=claim.end,
            note=str(claim.kind),
            place=place,
        )
        for claim in sources.ground(draft.text).unsupported
    )
