"""One guarded call without input or output: events in, needs and decisions out."""

from handrail.pipeline.certainty import NOTE_NAME
from handrail.pipeline.cutter import Cutter
from handrail.pipeline.needs import Need, NeedConversation, NeedFacts, NeedHistory, NeedSamples, Steps
from handrail.pipeline.pipeline import Engine
from handrail.pipeline.results import Gated, Judged, Screened
from handrail.pipeline.session import Session
from handrail.pipeline.withhold import mask

__all__ = [
    "NOTE_NAME",
    "Cutter",
    "Engine",
    "Gated",
    "Judged",
    "Need",
    "NeedConversation",
    "NeedFacts",
    "NeedHistory",
    "NeedSamples",
    "Screened",
    "Session",
    "Steps",
    "mask",
]
