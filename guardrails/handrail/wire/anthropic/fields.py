"""Names of known fields. Any other field that holds text is read and scanned, so that nothing slips by."""

# Settings, and what the program itself says about its tools and its user: no words that must be judged.
SETTINGS = frozenset(
    {
        *("messages", "system", "model", "max_tokens", "stop_sequences", "stream", "metadata"),
        *("temperature", "top_k", "top_p", "thinking", "output_config", "output_format", "service_tier"),
        *("tools", "tool_choice", "cache_control", "container", "context_management", "mcp_servers"),
        *("betas", "inference_geo", "speed", "user_profile_id", "workspace_id", "diagnostics"),
    }
)
OF_BODY = frozenset(
    {
        *("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage", "handoff"),
        *("container", "context_management", "diagnostics"),
    }
)
# Of a block: what names and places it, and what only the provider can read.
NAMING = frozenset(
    {
        *("type", "id", "name", "tool_use_id", "server_name", "cache_control", "caller", "toolset_name"),
        *("signature", "is_error", "encrypted_content", "encrypted_index", "index"),
    }
)
UNREADABLE = {"image": "image", "container_upload": "file", "audio": "audio", "video": "video"}
# Encrypted by the provider; there are no words to read.
SEALED = frozenset({"redacted_thinking"})
