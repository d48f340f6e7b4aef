"""Which packages' own tests are run, what stands in the way of their calls, and what may differ, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One package's tests.

    Args:
        package: whose source distribution ships them, in the version that is installed.
        paths: what is run of them, within the distribution; patterns of files and folders.
        holding: of these only the files in which one of these words stands; none for all.
        plugin: the module that puts the guard in.
        least: how many tests must pass plain, at least: an empty run is no proof.
        differ: tests (functions, whatever their parameters) that may come out otherwise with the guard,
            each with the reason.
        most: how many these may be.
        options: more of pytest's options.
    """

    package: str
    paths: tuple[str, ...]
    plugin: str
    least: int
    holding: tuple[str, ...] = ()
    most: int = 5
    options: tuple[str, ...] = ()
    differ: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


_BROKEN_OFF = (
    "a call whose arguments break off cannot be read, and what cannot be read is put to a person, whether or "
    "not it would run"
)
_TOOL_STEP = (
    "a middleware that gates tools gives every agent a step for tools, also one that has none yet, and "
    "LangChain then takes tools that it does not know for the middleware's own"
)
_NO_OBJECT = (
    "the SDK itself asks for approval of arguments that are no JSON object (the test's are empty) wherever a "
    "tool's approval is a function, before it asks the function; `decided` lets such a call go on"
)
_UNREADABLE = (
    "arguments that are no JSON object cannot be read, and what cannot be read is put to a person before the "
    "tool can refuse it"
)
_WRAPPED = (
    "`__wrapped__` would call the function past the gate; the SDK has none where a tool's invoker was set"
)
_THREADS = (
    "the gate asks the store in a thread, which the test counts, or whose turn changes the order of calls"
)

_AGENTS = {
    _NO_OBJECT: (
        "test_tool_use_behavior_first_output",
        "test_tool_use_behavior_custom_function",
        "test_stop_on_first_tool_final_persists_committed_tool_items_on_tripwire",
        "test_structured_output_non_streamed_max_turns",
        "test_structured_output_streamed_max_turns",
        "test_max_turns_exceeded",
        "test_plaintext_agent_with_tool_call_is_run_again",
        "test_multiple_tool_calls",
        "test_final_output_without_tool_runs_again",
        "test_surviving_run_can_update_tools_after_harmless_overlap",
        "test_model_wait_does_not_release_agent_configuration_ownership",
        "test_start_hooks_update_model_tools_and_dispatch",
        "test_stream_events_main",
        "test_streamed_runner_backfills_multiple_tool_calls_in_order",
    ),
    _UNREADABLE: (
        "test_function_tool_rejects_non_object_json_input",
        "test_function_tool_bad_json_redacts_payload_when_dont_log_tool_data",
        "test_function_tool_bad_json_includes_payload_when_tool_logging_enabled",
        "test_error_on_invalid_json",
        "test_no_error_on_invalid_json",
        "test_no_error_on_invalid_json_async",
        "test_multiple_tool_calls_still_raise_model_behavior_error_when_failure_error_none",
        "test_input_guardrail_runs_on_invalid_json",
        "test_invalid_json_raises_with_failure_error_function_none",
        "test_tool_call_error",
    ),
    _WRAPPED: (
        "test_tool_exposes_original_callable_without_mutating_it",
        "test_configured_tool_exposes_original_callable",
        "test_wrapped_callable_identity_for_supported_function_shapes",
        "test_callable_instance_identity_survives_tool_clone_paths",
        "test_wrapped_callable_follows_standard_unwrap_chain",
        "test_replacing_invoker_removes_wrapped_callable",
    ),
    _THREADS: (
        "test_sync_function_runs_via_to_thread",
        "test_parallel_calls_keep_distinct_prepared_values",
    ),
}

SUITES = (
    Suite(
        package="openai",
        paths=("tests/lib/chat", "tests/lib/responses", "tests/test_streaming.py"),
        plugin="peers.openai_clients",
        least=1200,
        differ=MappingProxyType(
            {
                "test_request_errors_are_wrapped": "an answer that breaks off is judged before any of it "
                "is shown, so its error is raised where the answer is asked for, not where it is read",
                "test_done_http11_connection_reuse": "a stream is read to its end by the guard, so a "
                "client that stops early does not keep the connection waiting",
                "test_async_stream_aclosing": "the words of so short an answer are shown once its end is "
                "known; by then the provider's stream is read and closed",
                "test_responses_helpers_forward_background_options": "answers in the background are "
                "fetched past the guard and are refused",
                "test_partial_terminal_uses_wire_order": _BROKEN_OFF,
            }
        ),
    ),
    Suite(
        package="langchain",
        paths=("tests/unit_tests/agents",),
        plugin="peers.langchain_agents",
        least=1000,
        options=("-o", "asyncio_mode=auto"),
        differ=MappingProxyType(
            {
                "test_async_middleware_with_can_jump_to_graph_snapshot": _TOOL_STEP,
                "test_create_agent_diagram": _TOOL_STEP,
                "test_dynamic_tool_without_handler_raises_error": _TOOL_STEP,
                "test_jump_to_is_ephemeral": _TOOL_STEP,
                "test_unknown_tool_raises_error": _TOOL_STEP,
                "test_create_agent_answers_invalid_tool_calls_async": _BROKEN_OFF,
                "test_create_agent_answers_invalid_tool_calls_on_next_turn": _BROKEN_OFF,
                "test_invalid_structured_tool_call_does_not_end_agent": _BROKEN_OFF,
            }
        ),
    ),
    Suite(
        package="openai-agents",
        paths=("tests/test_*.py",),
        holding=("function_tool", "FunctionTool", "import tool", "needs_approval"),
        plugin="peers.agents_tools",
        least=3000,
        most=10,
        options=("--continue-on-collection-errors",),
        differ=MappingProxyType({name: why for why, names in _AGENTS.items() for name in names}),
    ),
)
