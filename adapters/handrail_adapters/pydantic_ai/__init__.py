"""Pydantic AI behind the guard: the model, the tools, and approvals as tickets."""

from handrail.errors import MissingExtra

try:
    import pydantic_ai  # noqa: F401 - only to name the install that is missing
except ImportError as error:
    raise MissingExtra("pydantic-ai", "pydantic-ai-slim") from error

from handrail_adapters.pydantic_ai.model import GuardedModel, get_handoff
from handrail_adapters.pydantic_ai.tools import GuardedToolset, decided

__all__ = ["GuardedModel", "GuardedToolset", "decided", "get_handoff"]
