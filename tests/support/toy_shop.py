"""A toy guard with what a server needs of one beside its judgement."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from support.toy_guard import ToyGuard


class ToyShop(ToyGuard):
    """A toy guard with what a gateway needs beside."""

    def __init__(self) -> None:
        super().__init__()
        self.store = self

    def context(self, **given: Any) -> AbstractContextManager[None]:
        self.given = given
        return nullcontext()

    def conversation(self, tenant: str, name: str) -> None:
        """Be there."""

    def close(self) -> None:
        """Hold nothing."""
