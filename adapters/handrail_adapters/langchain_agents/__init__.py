"""LangChain agents and LangGraph, guarded: a middleware, a node, and a person's answer on resume."""

from handrail.errors import MissingExtra

try:
    import langchain.agents  # noqa: F401 - only to say which extra is missing
    import langgraph  # noqa: F401 - the same
except ImportError as error:
    raise MissingExtra("langchain-agents", "langchain") from error

from handrail_adapters.langchain_agents.middleware import HandoffMiddleware
from handrail_adapters.langchain_agents.node import HandoffNode

__all__ = ["HandoffMiddleware", "HandoffNode"]
