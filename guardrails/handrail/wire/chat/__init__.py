"""OpenAI chat completions: requests, responses and streams as plain dicts."""

from handrail.wire.chat.request import read_request, write_request, write_sample
from handrail.wire.chat.response import read_response, write_drafts, write_handoff
from handrail.wire.chat.stream import ChatStream as Stream
from handrail.wire.chat.stream import stream_of, write_events

__all__ = [
    "Stream",
    "read_request",
    "read_response",
    "stream_of",
    "write_drafts",
    "write_events",
    "write_handoff",
    "write_request",
    "write_sample",
]
