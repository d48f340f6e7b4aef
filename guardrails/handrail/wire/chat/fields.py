"""Names of known fields. Any other field that holds text is read and scanned, so that nothing slips by."""

# Settings, and what the program itself says about its tools and its user: no words that must be judged.
SETTINGS = frozenset(
    {
        *("messages", "model", "modalities", "audio", "n", "seed", "stop", "store", "user", "metadata"),
        *("temperature", "top_p", "frequency_penalty", "presence_penalty", "logit_bias"),
        *("max_tokens", "max_completion_tokens", "reasoning_effort", "verbosity", "service_tier"),
        *("stream", "stream_options", "logprobs", "top_logprobs", "response_format"),
        *("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"),
        *("web_search_options", "moderation", "safety_identifier"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
    }
)
OF_REQUEST_MESSAGE = frozenset(
    {"role", "content", "refusal", "tool_calls", "function_call", "tool_call_id", "name", "audio"}
)

OF_BODY = frozenset(
    {
        *("id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier"),
        *("handoff", "prompt_filter_results", "moderation", "metadata", "request_id", "provider"),
        # Random padding that hides the length of a streamed token.
        "obfuscation",
    }
)
OF_CHOICE = frozenset(
    {
        *("index", "message", "finish_reason", "native_finish_reason", "logprobs"),
        *("content_filter_results", "stop_reason", "token_ids", "matched_stop"),
    }
)
OF_MESSAGE = frozenset({"role", "content", "refusal", "tool_calls", "function_call", "audio", "parsed"})
