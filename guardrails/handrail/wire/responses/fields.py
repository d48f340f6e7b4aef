"""Names of known fields. Any other field that holds text is read and scanned, so that nothing slips by."""

# Settings, and what the program itself says about its tools and its user: no words that must be judged.
SETTINGS = frozenset(
    {
        *("model", "input", "instructions", "store", "user", "metadata", "include", "background"),
        *("conversation", "previous_response_id", "context_management", "background_options"),
        *("temperature", "top_p", "top_logprobs", "max_output_tokens", "max_tool_calls", "truncation"),
        *("stream", "stream_options", "text", "reasoning", "service_tier", "access_programs", "image"),
        *("tools", "tool_choice", "parallel_tool_calls", "moderation", "safety_identifier"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
    }
)

OF_BODY = SETTINGS | {
    *("id", "object", "created_at", "completed_at", "status", "error", "incomplete_details", "output"),
    *("usage", "tool_usage", "handoff", "prompt", "input_transformations", "prompt_cache_diagnostics"),
    # An SDK's own reading of `output`, in dumps of its objects.
    "output_text",
}

# Of an item: what names and places it. Reasoning may come encrypted; only the provider can read that.
OF_ITEM = frozenset(
    {
        *("id", "type", "status", "role", "call_id", "name", "server_label", "namespace", "caller"),
        *("execution", "phase", "fingerprint", "approval_request_id", "created_by", "encrypted_content"),
    }
)

# Items that ask the program to act, with the field that says what to do.
ACTIONS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "mcp_call": "arguments",
    "mcp_approval_request": "arguments",
    "tool_search_call": "arguments",
    "shell_call": "action",
    "local_shell_call": "action",
    "computer_call": "action",
    "apply_patch_call": "operation",
}
