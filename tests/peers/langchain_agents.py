"""A pytest plugin: every agent that is made has the middleware, innermost."""

import functools
from collections.abc import Sequence
from typing import Any

import langchain.agents
import langchain.agents.factory

from handrail_adapters.langchain_agents import HandoffMiddleware
from peers.pass_all import guard


def pytest_configure() -> None:
    """Put the middleware into every agent that is made from now on."""
    guard()
    original = langchain.agents.factory.create_agent

    @functools.wraps(original)
    def create_agent(*args: Any, middleware: Sequence[Any] = (), **options: Any) -> Any:
        return original(*args, middleware=[*middleware, HandoffMiddleware(guard())], **options)

    langchain.agents.factory.create_agent = create_agent
    langchain.agents.create_agent = create_agent
