"""What of Pydantic AI's messages and requests is structure: the one table. Every other field is judged."""

from handrail.text.structure import ITEM, REST, Form, Place, Row, Structure

UNREADABLE = {
    **{"image-url": "image", "audio-url": "audio", "video-url": "video", "document-url": "file"},
    **{"binary": "file", "uploaded-file": "file"},
}
"""Kinds of content that no scanner here can read, and what to call them."""

READABLE = frozenset(
    {
        *("system-prompt", "user-prompt", "tool-return", "builtin-tool-return", "retry-prompt"),
        *("retry-feedback", "instruction", "instruction-delta", "instruction-baseline", "instruction-digest"),
        *("tool-availability-delta", "capability-load-delta", "model-settings-delta"),
        *("text", "thinking", "compaction", "speech", "tool-call", "builtin-tool-call"),
    }
)
"""Kinds of part that are data with texts in it. Any other kind is unreadable."""


def _in(parent: Place, *names: str) -> tuple[Place, ...]:
    return tuple((*parent, name) for name in names)


_PART = (ITEM,)
_CONTENT = (ITEM, "content", ITEM)
_CITED = (ITEM, "citations", ITEM)
PARTS = Structure(
    (
        Row(
            (*_in(_PART, "part_kind", "tool_kind", "provider_name", "outcome", "scope", "speaker"),),
            Form.NAME,
            "the kind and state of a part",
        ),
        Row(_in(_PART, "tool_name"), Form.NAME, "the name of a tool, where it is a plain word"),
        Row(
            _in(_PART, "id", "tool_call_id", "dynamic_ref", "context_id", "base_hash"),
            Form.ID,
            "names a part",
        ),
        Row(_in(_PART, "timestamp"), Form.TIME, "when it was said"),
        Row(_in(_PART, "signature"), Form.SEALED, "only the provider can read it"),
        Row(_in(_CONTENT, "kind", "tag"), Form.NAME, "the kind of a piece of content"),
        Row((*_in((*_CITED, "anchor"), "kind", "start", "end"),), Form.INDEX, "places a citation"),
        Row(((*_CITED, "sources", ITEM, "kind"),), Form.NAME, "the kind of a source"),
    ),
    fields=("logprob", "token", "top_logprobs", "bytes", "logprobs"),
)
"""Of a list of parts."""

MESSAGE = Structure(
    (
        Row(_in((), "kind", "state", "finish_reason", "canonical_system"), Form.NAME, "how it ended"),
        Row(_in((), "model_name", "model_id", "provider_name"), Form.ID, "which model answered"),
        Row((("provider_url",),), Form.ANY, "where the program asks its model"),
        Row(
            _in((), "run_id", "conversation_id", "provider_response_id", "history_digest"),
            Form.ID,
            "names the message, its run and its conversation",
        ),
        Row(_in((), "timestamp"), Form.TIME, "when it was said"),
        Row((("usage", REST),), Form.COUNT, "counts of tokens, and their price"),
        Row((("provider_details", "timestamp"),), Form.TIME, "when it was said"),
        Row(
            (*_in(("provider_details",), "finish_reason", "service_tier"),),
            Form.NAME,
            "how the answer ended, in the provider's own few words",
        ),
        Row(
            (
                ("provider_details", "logprobs", ITEM, "logprob"),
                ("provider_details", "logprobs", ITEM, "top_logprobs", ITEM, "logprob"),
            ),
            Form.COUNT,
            "a weight",
        ),
    ),
    fields=("finish_reason", "timestamp", "logprobs", "token", "top_logprobs", "bytes"),
)
"""Of a message, less its parts."""

_TOOL = tuple((kind, ITEM) for kind in ("function_tools", "output_tools", "native_tools"))
OPTIONS = Structure(
    (
        Row(
            tuple(place for tool in _TOOL for place in _in(tool, "name", "kind", "tool_kind", "toolset_id")),
            Form.NAME,
            "the name of a tool, or its kind",
        ),
        Row(
            (("parameters", "output_mode"), ("parameters", "tool_visibility"), ("parameters", "thinking")),
            Form.NAME,
            "a setting of one word",
        ),
        Row(
            tuple(
                ("settings", name)
                for name in (
                    *("temperature", "top_p", "top_k", "max_tokens", "seed", "timeout"),
                    *("presence_penalty", "frequency_penalty"),
                )
            ),
            Form.COUNT,
            "a setting that is a number",
        ),
        Row((("settings", "logit_bias", REST),), Form.COUNT, "weights of tokens, by number"),
        Row((("settings", "extra_headers", REST),), Form.ANY, "the program's own words to the server"),
    ),
    fields=("settings", "parameters", "properties", "required", "items", "enum", "description", "type"),
)
"""Of what a model is asked with beside its messages: `settings` and `parameters`."""
