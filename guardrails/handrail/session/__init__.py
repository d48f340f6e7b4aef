"""One guarded call without input or output: events in, needs and decisions out."""

from handrail.session.needs import Need, NeedConversation, NeedFacts, NeedHistory, NeedSamples, Steps
from handrail.session.session import NOTE_NAME, Engine, Gated, Judged, Screened, Session
from handrail.session.withhold import mask

__all__ = [
    "NOTE_NAME",
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
