"""One guarded call without input or output: events in, needs and decisions out."""

from handrail.session.certainty import NOTE_NAME
from handrail.session.cutter import Cutter
from handrail.session.engine import Engine
from handrail.session.needs import Need, NeedConversation, NeedFacts, NeedHistory, NeedSamples, Steps
from handrail.session.results import Gated, Judged, Screened
from handrail.session.session import Session
from handrail.session.withhold import mask

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
