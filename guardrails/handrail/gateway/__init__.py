"""An OpenAI-compatible proxy that guards every call, for programs in any language."""

from handrail.gateway.app import create_app
from handrail.gateway.settings import Settings, read_settings

__all__ = ["Settings", "create_app", "read_settings"]
