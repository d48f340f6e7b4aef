"""What of a LangChain message is structure: the one table. Every other field is judged."""

from handrail.text.structure import ITEM, REST, Form, Place, Row, Structure

KINDS_THAT_ARE_TEXT = frozenset({"text", "input_text", "output_text", "text-plain"})
"""Kinds of block whose field `text` is the text of the message."""

UNREADABLE = {
    **dict.fromkeys(("image", "image_url", "input_image", "image_generation_call"), "image"),
    **dict.fromkeys(("audio", "input_audio"), "audio"),
    **dict.fromkeys(("file", "input_file", "document", "media", "container_upload", "computer_call"), "file"),
    "video": "video",
}
"""Kinds of block that no scanner here can read, and what to call them."""

READABLE = KINDS_THAT_ARE_TEXT | frozenset(
    {
        *("refusal", "reasoning", "thinking", "redacted_thinking", "reasoning_content", "citation"),
        *("tool_call", "tool_call_chunk", "invalid_tool_call", "tool_use", "tool_result", "input_json_delta"),
        *("server_tool_call", "server_tool_call_chunk", "server_tool_result", "server_tool_use"),
        *("function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"),
        *("web_search_call", "file_search_call", "code_interpreter_call", "mcp_call", "mcp_list_tools"),
        *("mcp_approval_request", "mcp_approval_response", "mcp_tool_use", "mcp_tool_result"),
        *("web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result"),
        *("bash_code_execution_tool_result", "text_editor_code_execution_tool_result"),
        *("tool_search_tool_result", "tool_reference", "search_result", "compaction"),
        *("executable_code", "code_execution_result", "function_call_signature", "cachePoint"),
        *("local_shell_call", "shell_call", "apply_patch_call", "item_reference"),
    }
)
"""Kinds of block that are data with texts in it. Any other kind is unreadable."""


def _in(parent: Place, *names: str) -> tuple[Place, ...]:
    return tuple((*parent, name) for name in names)


_BLOCK = ("content", ITEM)
_PARTS_OF_BLOCKS = (_BLOCK, *((*_BLOCK, name, ITEM) for name in ("summary", "content", "annotations")))
_RAW_CALL = ("additional_kwargs", "tool_calls", ITEM)
_CALLS = (("tool_calls", ITEM), ("invalid_tool_calls", ITEM), ("tool_call_chunks", ITEM))
_TOKEN = ("logprobs", "content", ITEM)


def _of_response(parent: Place) -> tuple[Row, ...]:
    """Rows of what a provider says of a response, wherever that stands."""
    token = (*parent, *_TOKEN)
    names = ("model_name", "model", "model_provider", "model_version", "ls_provider", "service_tier")
    states = ("finish_reason", "stop_reason", "native_finish_reason", "status", "object", "output_version")
    durations = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
    return (
        Row(_in(parent, *names), Form.ID, "which model and service answered"),
        Row(_in(parent, *states), Form.NAME, "how the answer ended, in the provider's own few words"),
        Row(_in(parent, "id", "request_id", "system_fingerprint"), Form.ID, "made by the provider"),
        Row(_in(parent, "created", "created_at", "completed_at", *durations), Form.TIME, "when, how long"),
        Row(
            tuple((*parent, name, REST) for name in ("token_usage", "usage", "usage_metadata")),
            Form.COUNT,
            "counts of tokens",
        ),
        Row(_in(parent, "eval_count", "prompt_eval_count"), Form.COUNT, "counts of tokens"),
        Row(((*parent, "headers", REST),), Form.ANY, "the server's words about the connection"),
        Row((*_in(token, "logprob"), (*token, "top_logprobs", ITEM, "logprob")), Form.COUNT, "a weight"),
    )


MESSAGE = Structure(
    (
        Row((("type",), ("status",), ("chunk_position",), ("role",)), Form.NAME, "the class of a message"),
        Row((("name",),), Form.NAME, "who speaks, where it is a plain word"),
        Row((("id",), ("tool_call_id",)), Form.ID, "names the message"),
        Row((("usage_metadata", REST),), Form.COUNT, "counts of tokens"),
        Row((("artifact", REST),), Form.ANY, "stays with the program: no model is given it"),
        *_of_response(("response_metadata",)),
        Row(
            tuple(place for part in _PARTS_OF_BLOCKS for place in _in(part, "type", "status", "phase")),
            Form.NAME,
            "the kind and state of a block",
        ),
        Row(
            tuple(
                place
                for part in _PARTS_OF_BLOCKS
                for place in _in(part, "id", "call_id", "tool_call_id", "tool_use_id", "item_id", "file_id")
            ),
            Form.ID,
            "names a block",
        ),
        Row(
            tuple(
                place
                for part in _PARTS_OF_BLOCKS
                for place in _in(part, "index", "start_index", "end_index", "sequence_number")
            ),
            Form.INDEX,
            "places a block",
        ),
        Row(
            tuple(place for part in _PARTS_OF_BLOCKS for place in _in(part, "name", "server_label")),
            Form.NAME,
            "the name of a tool, where it is a plain word",
        ),
        Row(
            tuple(
                place
                for part in _PARTS_OF_BLOCKS
                for place in _in(part, "signature", "encrypted_content", "encrypted_index", "data")
            ),
            Form.SEALED,
            "only the provider can read it",
        ),
        Row(((*_BLOCK, "extras", "signature"),), Form.SEALED, "only the provider can read it"),
        Row(((*_BLOCK, "cache_control", REST),), Form.NAME, "how long the provider may keep a prompt"),
        Row(
            tuple(place for call in _CALLS for place in _in(call, "name", "type")),
            Form.NAME,
            "the name of a tool, where it is a plain word",
        ),
        Row((*(place for call in _CALLS for place in _in(call, "id")),), Form.ID, "names a call"),
        Row(_in(("tool_call_chunks", ITEM), "index"), Form.INDEX, "places a call"),
        Row(
            (("tool_calls", ITEM, "args", REST), ("invalid_tool_calls", ITEM, "args", REST)),
            Form.ANY,
            "read as the arguments of a call",
        ),
        Row(_in(_RAW_CALL, "id"), Form.ID, "names a call"),
        Row(_in(_RAW_CALL, "index"), Form.INDEX, "places a call"),
        Row(_in(_RAW_CALL, "type"), Form.NAME, "the kind of a call"),
        Row(
            (
                (*_RAW_CALL, "function", "name"),
                (*_RAW_CALL, "custom", "name"),
                ("additional_kwargs", "function_call", "name"),
            ),
            Form.NAME,
            "the name of a tool, where it is a plain word",
        ),
    ),
    fields=(
        *("text", "reasoning", "thinking", "summary", "input", "args", "arguments", "annotations", "refusal"),
        *("error", "extras", "value", "output", "partial_json", "token", "top_logprobs", "bytes"),
    ),
)

BESIDE = Structure(
    (*_of_response(("info",)), *_of_response(("output",))),
    fields=("info", "output", "text", "token", "top_logprobs", "bytes"),
)
"""What stands beside a message: `info` in its generation, `output` in the result of the whole call."""
