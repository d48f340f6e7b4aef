"""The desk runs beside the app: timers, delivery, escalation, draining the spool."""

from handrail.desk.desk import Desk, Step
from handrail.desk.settings import Settings, load_settings

__all__ = ["Desk", "Settings", "Step", "load_settings"]
