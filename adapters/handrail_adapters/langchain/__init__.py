"""LangChain, guarded: chat models, runnables and tools (langchain-core only)."""

from handrail.errors import MissingExtra

try:
    import langchain_core  # noqa: F401 - only to say which extra is missing
except ImportError as error:
    raise MissingExtra("langchain", "langchain-core") from error

from handrail_adapters.langchain.messages import get_handoff
from handrail_adapters.langchain.model import GuardedChatModel
from handrail_adapters.langchain.runnable import GuardedRunnable
from handrail_adapters.langchain.tools import guard_tool

__all__ = ["GuardedChatModel", "GuardedRunnable", "get_handoff", "guard_tool"]
