"""What of a chat completion is structure, and why; everything else is judged."""

from handrail.wire.structure import Structure, Table

NAME, END, ID, NUMBER = Structure.NAME, Structure.END, Structure.ID, Structure.NUMBER
FLAG, COUNTS, SEALED, SETTING = Structure.FLAG, Structure.COUNTS, Structure.SEALED, Structure.SETTING

_OF_TOKEN = {".logprob": NUMBER, ".top_logprobs[].logprob": NUMBER}

ANSWER = Table(
    {
        "id": ID,
        "object": NAME,
        "created": NUMBER,
        "model": ID,
        "system_fingerprint": ID,
        "service_tier": NAME,
        "usage": COUNTS,
        "obfuscation": SEALED,
        "choices[].index": NUMBER,
        "choices[].finish_reason": END,
        "choices[].message.role": NAME,
        "choices[].message.tool_calls[].id": ID,
        "choices[].message.tool_calls[].index": NUMBER,
        "choices[].message.tool_calls[].type": NAME,
        "choices[].message.tool_calls[].function.name": NAME,
        "choices[].message.tool_calls[].custom.name": NAME,
        "choices[].message.function_call.name": NAME,
        "choices[].message.content[].type": NAME,
        "choices[].message.annotations[].type": NAME,
        "choices[].message.annotations[].url_citation.start_index": NUMBER,
        "choices[].message.annotations[].url_citation.end_index": NUMBER,
        "choices[].message.audio.id": ID,
        "choices[].message.audio.expires_at": NUMBER,
        **{
            f"choices[].logprobs.{of}[]{field}": reason
            for of in ("content", "refusal")
            for field, reason in _OF_TOKEN.items()
        },
    },
    said=(
        "choices[].message.reasoning_content",
        "choices[].message.reasoning",
        "choices[].message.refusal",
        "choices[].message.annotations[].url_citation.title",
        "choices[].message.annotations[].url_citation.url",
        "choices[].message.audio.transcript",
        "choices[].message.parsed",
        "metadata",
    ),
)
"""Fields of an answer; a stream is judged as the answer that its chunks add up to."""

REQUEST = Table(
    {
        "model": ID,
        "modalities[]": NAME,
        "audio.format": NAME,
        "audio.voice": NAME,
        "audio.voice.id": ID,
        "n": NUMBER,
        "seed": SETTING,
        "stop": SETTING,
        "store": FLAG,
        "user": ID,
        "metadata": SETTING,
        "temperature": NUMBER,
        "top_p": NUMBER,
        "frequency_penalty": NUMBER,
        "presence_penalty": NUMBER,
        "logit_bias": SETTING,
        "max_tokens": NUMBER,
        "max_completion_tokens": NUMBER,
        "reasoning_effort": NAME,
        "verbosity": NAME,
        "service_tier": NAME,
        "stream": FLAG,
        "stream_options.include_usage": FLAG,
        "stream_options.include_obfuscation": FLAG,
        "logprobs": FLAG,
        "top_logprobs": NUMBER,
        "response_format.type": NAME,
        "response_format.json_schema.name": NAME,
        "response_format.json_schema.strict": FLAG,
        "tools[].type": NAME,
        "tools[].function.name": NAME,
        "tools[].function.strict": FLAG,
        "tools[].custom.name": NAME,
        "tools[].custom.format.type": NAME,
        "tools[].custom.format.grammar.syntax": NAME,
        "tool_choice": NAME,
        "tool_choice.type": NAME,
        "tool_choice.function.name": NAME,
        "tool_choice.custom.name": NAME,
        "tool_choice.allowed_tools.mode": NAME,
        "parallel_tool_calls": FLAG,
        "functions[].name": NAME,
        "function_call": NAME,
        "function_call.name": NAME,
        "web_search_options.search_context_size": NAME,
        "web_search_options.user_location.type": NAME,
        "safety_identifier": ID,
        "prompt_cache_key": ID,
        "prompt_cache_options.mode": NAME,
        "prompt_cache_retention": SETTING,
        "messages[].role": NAME,
        "messages[].name": NAME,
        "messages[].tool_call_id": ID,
        "messages[].tool_calls[].id": ID,
        "messages[].tool_calls[].index": NUMBER,
        "messages[].tool_calls[].type": NAME,
        "messages[].tool_calls[].function.name": NAME,
        "messages[].tool_calls[].custom.name": NAME,
        "messages[].function_call.name": NAME,
        "messages[].content[].type": NAME,
    },
    said=(
        "messages[].reasoning_content",
        "tools[].function.description",
        "tools[].function.parameters",
        "tools[].custom.description",
        "tools[].custom.format.grammar.definition",
        "functions[].description",
        "functions[].parameters",
        "response_format.json_schema.description",
        "response_format.json_schema.schema",
        "web_search_options.user_location.approximate",
    ),
)
"""Fields of a request."""

BY_PROGRAM = frozenset(
    {
        *("model", "modalities", "audio", "n", "seed", "stop", "store", "user", "metadata", "temperature"),
        *("top_p", "frequency_penalty", "presence_penalty", "logit_bias", "max_tokens", "verbosity"),
        *("max_completion_tokens", "reasoning_effort", "service_tier", "stream", "stream_options"),
        *("logprobs", "top_logprobs", "response_format", "tools", "tool_choice", "parallel_tool_calls"),
        *("functions", "function_call", "web_search_options", "moderation", "safety_identifier"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
    }
)
"""Fields of a request that the program itself fills, as it writes the system's text."""

SETTINGS = BY_PROGRAM | {"messages"}
"""All fields of a request but documents."""
