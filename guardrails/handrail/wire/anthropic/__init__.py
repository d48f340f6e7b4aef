"""Anthropic's messages: requests, responses and streams as plain dicts."""

from handrail.wire.anthropic.request import read_request, write_request, write_sample
from handrail.wire.anthropic.response import read_response, write_drafts, write_handoff
from handrail.wire.anthropic.stream import MessageStream as Stream
from handrail.wire.anthropic.stream import stream_of
from handrail.wire.sse import write_named_events as write_events

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
