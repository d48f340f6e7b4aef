"""What of a response and its request is structure, and why; everything else is judged."""

from collections.abc import Mapping

from handrail.wire.structure import Structure, Table

NAME, END, ID, NUMBER = Structure.NAME, Structure.END, Structure.ID, Structure.NUMBER
FLAG, COUNTS, SEALED, SETTING = Structure.FLAG, Structure.COUNTS, Structure.SEALED, Structure.SETTING

ANNOTATION = {
    "type": NAME,
    "file_id": ID,
    "container_id": ID,
    "index": NUMBER,
    "start_index": NUMBER,
    "end_index": NUMBER,
}
TOKEN = {"logprob": NUMBER, "top_logprobs[].logprob": NUMBER}


def _at(place: str, fields: Mapping[str, Structure]) -> dict[str, Structure]:
    return {f"{place}.{name}": reason for name, reason in fields.items()}


PART = {"type": NAME, **_at("annotations[]", ANNOTATION), **_at("logprobs[]", TOKEN)}
ITEM = {
    "type": NAME,
    "id": ID,
    "status": NAME,
    "role": NAME,
    "call_id": ID,
    "name": NAME,
    "namespace": NAME,
    "server_label": NAME,
    "phase": NAME,
    "execution": NAME,
    "fingerprint": ID,
    "approval_request_id": ID,
    "created_by": ID,
    "container_id": ID,
    "encrypted_content": SEALED,
    "async": FLAG,
    "caller.type": NAME,
    "caller.caller_id": ID,
    "max_output_length": NUMBER,
    "results[].file_id": ID,
    "results[].score": NUMBER,
    **_at("content[]", PART),
    "output[].type": NAME,
    "summary[].type": NAME,
}
OF_ITEM = ("content[].text", "content[].refusal", "summary[].text", "output[].text")

SET = {
    "model": ID,
    "user": ID,
    "background": FLAG,
    "store": FLAG,
    "previous_response_id": ID,
    "conversation": ID,
    "conversation.id": ID,
    "temperature": NUMBER,
    "top_p": NUMBER,
    "top_logprobs": NUMBER,
    "max_output_tokens": NUMBER,
    "max_tool_calls": NUMBER,
    "truncation": NAME,
    "service_tier": NAME,
    "parallel_tool_calls": FLAG,
    "tool_choice": NAME,
    "tool_choice.type": NAME,
    "tool_choice.name": NAME,
    "tool_choice.mode": NAME,
    "tool_choice.server_label": NAME,
    "text.verbosity": NAME,
    "text.format.type": NAME,
    "text.format.name": NAME,
    "text.format.strict": FLAG,
    "reasoning.effort": NAME,
    "reasoning.summary": NAME,
    "reasoning.generate_summary": NAME,
    "reasoning.context": NAME,
    "reasoning.mode": NAME,
    "prompt.id": ID,
    "prompt.version": ID,
    "safety_identifier": ID,
    "prompt_cache_key": ID,
    "prompt_cache_options.mode": NAME,
    "prompt_cache_retention": ID,
    "tools[].type": NAME,
    "tools[].name": NAME,
    "tools[].strict": FLAG,
    "tools[].server_label": NAME,
}
"""What a program sets, and a response says again."""

OF_SET = (
    *("instructions", "metadata", "text.format.schema", "text.format.description"),
    *("tools[].description", "tools[].parameters"),
)
_WHOLE = {
    **SET,
    "id": ID,
    "object": NAME,
    "created_at": NUMBER,
    "completed_at": NUMBER,
    "status": NAME,
    "error.code": NAME,
    "incomplete_details.reason": END,
    "usage": COUNTS,
    "tool_usage": COUNTS,
    **_at("output[]", ITEM),
}
_OF_WHOLE = (*OF_SET, "output_text", "error.message", *(f"output[].{name}" for name in OF_ITEM))

ANSWER = Table(_WHOLE, _OF_WHOLE)
"""Fields of an answer."""

EVENT = Table(
    {
        "type": NAME,
        "sequence_number": NUMBER,
        "item_id": ID,
        "output_index": NUMBER,
        "content_index": NUMBER,
        "summary_index": NUMBER,
        "annotation_index": NUMBER,
        "command_index": NUMBER,
        "partial_image_index": NUMBER,
        "obfuscation": SEALED,
        "status": NAME,
        "name": NAME,
        **_at("response", _WHOLE),
        **_at("item", ITEM),
        **_at("part", PART),
        **_at("annotation", ANNOTATION),
        **_at("logprobs[]", TOKEN),
    },
    (
        *("delta", "text", "refusal", "arguments", "input", "code", "message", "part.text", "part.refusal"),
        *(f"response.{name}" for name in _OF_WHOLE),
        *(f"item.{name}" for name in OF_ITEM),
    ),
)
"""Fields of the events of a stream."""

REQUEST = Table(
    {
        **SET,
        "metadata": SETTING,
        "include[]": NAME,
        "stream": FLAG,
        "stream_options.include_obfuscation": FLAG,
        # Keys that a program gives the provider, for the servers it is to ask.
        "tools[].authorization": SETTING,
        "tools[].headers": SETTING,
        **_at("input[]", ITEM),
    },
    (*OF_SET, *(f"input[].{name}" for name in OF_ITEM)),
)
"""Fields of a request."""

BY_PROGRAM = frozenset(
    {
        *("model", "store", "user", "metadata", "include", "background", "conversation", "text", "image"),
        *("previous_response_id", "context_management", "background_options", "temperature", "top_p"),
        *("top_logprobs", "max_output_tokens", "max_tool_calls", "truncation", "stream", "stream_options"),
        *("reasoning", "service_tier", "access_programs", "tools", "tool_choice", "parallel_tool_calls"),
        *("moderation", "safety_identifier", "prompt_cache_key", "prompt_cache_options"),
        "prompt_cache_retention",
    }
)
"""Fields of a request that the program itself fills, as it writes the instructions."""
