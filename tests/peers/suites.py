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
    "the SDK itself asks for approval of arguments that are no JSON object wherever a tool's approval is a "
    "function, before it asks the function"
)
_UNREADABLE = (
    "arguments that are no JSON object cannot be read, and what cannot be read is put to a person before the "
    "tool can refuse it"
)

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
    ),
)
