"""The inbox: where people see why a ticket was opened, and decide it in a browser or through the API."""

from handrail.inbox.app import make_app
from handrail.inbox.settings import Settings, checked, read_settings

__all__ = ["Settings", "checked", "make_app", "read_settings"]
