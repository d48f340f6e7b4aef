"""Hides the present run from what is called inside it."""

from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core.runnables.config import var_child_runnable_config


@contextmanager
def unseen() -> Iterator[None]:
    """Hide the present run, so that nothing inside the block inherits its callbacks and streams."""
    token = var_child_runnable_config.set(None)
    try:
        yield
    finally:
        var_child_runnable_config.reset(token)
