"""The state of one exchange while it is decided."""

from dataclasses import dataclass, field
from datetime import datetime

from handrail.pipeline.pipeline import Pipeline
from handrail.pipeline.stream import StreamRelease
from handrail.records import Evidence
from handrail.scan.vault import Vault


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One exchange: what is shared with others, and what was seen of this one so far.

    Args:
        pipeline: what all calls under its policy share.
        evidence: what was seen so far; at first its id and whose call it is.
        now: the moment it is judged at.
        vault: pseudonyms given to the model, where the policy redacts with pseudonyms.
        streams: streamed choices that are released piece by piece.
        asked_logprobs: the model was asked for log-probabilities.
    """

    pipeline: Pipeline
    evidence: Evidence
    now: datetime
    vault: Vault | None = None
    streams: list[StreamRelease] = field(default_factory=list)
    asked_logprobs: bool = False
