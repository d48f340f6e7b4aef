"""Which packages' own tests are run, what stands in the way of their calls, and what may differ, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One package's tests.

    Args:
        package: whose source distribution ships them, in the version that is installed.
        paths: what is run of them, within the distribution.
        plugin: the module that puts the guard in.
        least: how many tests must pass plain, at least: an empty run is no proof.
        without: patterns of `-k` for tests that need what is not here.
        differ: tests (functions, whatever their parameters) that may come out otherwise with the guard,
            each with the reason; at most five.
        options: more of pytest's options.
    """

    package: str
    paths: tuple[str, ...]
    plugin: str
    least: int
    without: str = ""
    options: tuple[str, ...] = ()
    differ: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


SUITES = (
    Suite(
        package="openai",
        paths=("tests/lib/chat", "tests/lib/responses", "tests/test_streaming.py"),
        plugin="peers.openai_clients",
        least=400,
        differ=MappingProxyType(
            {
                "test_request_errors_are_wrapped": "an answer that breaks off is judged before any of it "
                "is shown, so its error is raised where the answer is asked for, not where it is read",
                "test_done_http11_connection_reuse": "a stream is read to its end by the guard, so a "
                "client that stops early does not keep the connection waiting",
                "test_responses_helpers_forward_background_options": "answers in the background are "
                "fetched past the guard and are refused",
            }
        ),
    ),
    Suite(
        package="langchain",
        paths=("tests/unit_tests/agents",),
        plugin="peers.langchain_agents",
        least=500,
        options=("-o", "asyncio_mode=auto"),
    ),
    Suite(
        package="openai-agents",
        paths=("tests",),
        plugin="peers.agents_tools",
        least=1000,
    ),
)
