"""Hides the present run from what is called inside it."""

from langchain_core.runnables.config import var_child_runnable_config


class unseen:  # noqa: N801 - reads as the statement that it is
    """Hide the present run, so that nothing inside the block inherits its callbacks and streams."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = var_child_runnable_config.set(None)

    def __exit__(self, *_: object) -> None:
        var_child_runnable_config.reset(self._token)
