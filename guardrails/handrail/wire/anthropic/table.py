"""What of a message and its request is structure, and why; everything else is judged."""

from collections.abc import Mapping

from handrail.wire.structure import Structure, Table

NAME, END, ID, NUMBER = Structure.NAME, Structure.END, Structure.ID, Structure.NUMBER
FLAG, COUNTS, SEALED, SETTING = Structure.FLAG, Structure.COUNTS, Structure.SEALED, Structure.SETTING


def _at(place: str, fields: Mapping[str, Structure]) -> dict[str, Structure]:
    return {f"{place}.{name}": reason for name, reason in fields.items()}


_NAMING = {
    "type": NAME,
    "id": ID,
    "name": NAME,
    "tool_use_id": ID,
    "file_id": ID,
    "server_name": NAME,
    "toolset_name": NAME,
    "is_error": FLAG,
    "error_code": NAME,
    "return_code": NUMBER,
    "cache_control.type": NAME,
    "cache_control.ttl": ID,
    "caller.type": NAME,
    "caller.tool_id": ID,
    # Written by the provider, for itself.
    "signature": SEALED,
    "data": SEALED,
    "encrypted_content": SEALED,
    "encrypted_index": SEALED,
    "encrypted_stdout": SEALED,
}
_CITATION = {
    "type": NAME,
    "file_id": ID,
    "encrypted_index": SEALED,
    "document_index": NUMBER,
    "search_result_index": NUMBER,
    "start_char_index": NUMBER,
    "end_char_index": NUMBER,
    "start_page_number": NUMBER,
    "end_page_number": NUMBER,
    "start_block_index": NUMBER,
    "end_block_index": NUMBER,
}
BLOCK = {
    **_NAMING,
    **_at("citations[]", _CITATION),
    **_at("content[]", _NAMING),
    **_at("content", _NAMING),
    "source.type": NAME,
    "source.media_type": NAME,
}
OF_BLOCK = ("text", "thinking", "content", "content[].text", "source.data", "title", "citations[].cited_text")
_WHOLE = {
    "id": ID,
    "type": NAME,
    "role": NAME,
    "model": ID,
    "stop_reason": END,
    "stop_details.type": NAME,
    "stop_details.category": NAME,
    "usage": COUNTS,
    "container.id": ID,
    "container.expires_at": ID,
    "container.skills[].skill_id": ID,
    "container.skills[].type": NAME,
    "container.skills[].version": ID,
    **_at("content[]", BLOCK),
}
_OF_WHOLE = ("stop_sequence", *(f"content[].{name}" for name in OF_BLOCK))

ANSWER = Table(_WHOLE, _OF_WHOLE)
"""Fields of an answer."""

EVENT = Table(
    {
        "type": NAME,
        "index": NUMBER,
        "usage": COUNTS,
        "delta.type": NAME,
        "delta.stop_reason": END,
        "delta.signature": SEALED,
        **_at("message", _WHOLE),
        **_at("content_block", BLOCK),
    },
    (
        *("delta.stop_sequence", "delta.text", "delta.thinking", "delta.partial_json", "error.message"),
        *(f"message.{name}" for name in _OF_WHOLE),
        *(f"content_block.{name}" for name in OF_BLOCK),
    ),
)
"""Fields of the events of a stream."""

REQUEST = Table(
    {
        "model": ID,
        "max_tokens": NUMBER,
        "stop_sequences": SETTING,
        "stream": FLAG,
        "metadata": SETTING,
        "temperature": NUMBER,
        "top_k": NUMBER,
        "top_p": NUMBER,
        "thinking.type": NAME,
        "thinking.budget_tokens": NUMBER,
        "thinking.display": NAME,
        "service_tier": NAME,
        "output_config.effort": NAME,
        "output_config.format.type": NAME,
        "output_format.type": NAME,
        "tool_choice.type": NAME,
        "tool_choice.name": NAME,
        "tool_choice.disable_parallel_tool_use": FLAG,
        "tools[].name": NAME,
        "tools[].type": NAME,
        "tools[].strict": FLAG,
        "tools[].defer_loading": FLAG,
        "tools[].max_uses": NUMBER,
        "tools[].cache_control.type": NAME,
        "tools[].cache_control.ttl": ID,
        "cache_control.type": NAME,
        "cache_control.ttl": ID,
        "container": ID,
        "container.id": ID,
        "mcp_servers[].name": NAME,
        "mcp_servers[].type": NAME,
        # A key that the program gives the provider, for the server it is to ask.
        "mcp_servers[].authorization_token": SETTING,
        "betas[]": NAME,
        "inference_geo": NAME,
        "speed": NAME,
        "user_profile_id": ID,
        "workspace_id": ID,
        "messages[].role": NAME,
        **_at("messages[].content[]", BLOCK),
    },
    (
        *("tools[].description", "tools[].input_schema"),
        *(f"messages[].content[].{name}" for name in OF_BLOCK),
    ),
)
"""Fields of a request."""

BY_PROGRAM = frozenset(
    {
        *("model", "max_tokens", "stop_sequences", "stream", "metadata", "temperature", "top_k", "top_p"),
        *("thinking", "output_config", "output_format", "service_tier", "tools", "tool_choice"),
        *("cache_control", "container", "context_management", "mcp_servers", "betas", "inference_geo"),
        *("speed", "user_profile_id", "workspace_id", "diagnostics"),
    }
)
"""Fields of a request that the program itself fills, as it writes the system's text."""
