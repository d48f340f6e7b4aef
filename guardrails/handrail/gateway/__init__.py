"""An OpenAI-compatible proxy that guards every call, for programs in any language."""

from handrail.gateway.app import create_app
from handrail.gateway.settings import Settings, checked, read_settings

__all__ = ["Settings", "checked", "create_app", "read_settings"]
