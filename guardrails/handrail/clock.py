"""The wall clock. Everything below the guard is told the time, so that a test or a replay can set it."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Returns the present moment, with a time zone."""

now_utc: Clock = partial(datetime.now, UTC)
"""The present moment."""
