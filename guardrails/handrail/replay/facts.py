"""Fact sources of recorded conversations: one for each record, told what the recorded tools answered."""

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from handrail.errors import CheckFailed, ConfigError
from handrail.guard import FactSource
from handrail.records import Evidence, ToolCall


class RecordedFacts(FactSource, Protocol):
    """A fact source that follows a conversation. All its methods are optional."""

    def observe(self, call: ToolCall, result: str) -> None:
        """Take note of what a recorded call answered."""

    def suppose_said(self) -> None:
        """Suppose from now on that the customer said what calls need: a gold list has no words."""

    def assume(self, call: ToolCall) -> None:
        """Take a call of the gold list as done, for the calls after it."""


FactSourceFactory: TypeAlias = Callable[[Mapping[str, Any]], FactSource]


def fact_source_factory(name: str) -> FactSourceFactory:
    """Import `module:function`, which makes a fact source for a record; the working folder is looked in too.

    Raises:
        ConfigError: there is no such function.
    """
    module, _, function = name.partition(":")
    if not module or not function:
        raise ConfigError(f"'{name}' is not of the form module:function")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        maker: FactSourceFactory | None = getattr(importlib.import_module(module), function, None)
    except ModuleNotFoundError as error:
        raise ConfigError(f"no module '{error.name}' for --facts {name}") from None
    if not callable(maker):
        raise ConfigError(f"module '{module}' has no function '{function}'")
    return maker


class CurrentFacts:
    """The fact source of a guard that replays one record after another: asks the present record's own."""

    def __init__(self) -> None:
        self._inner: FactSource | None = None

    def __call__(self, names: Sequence[str], evidence: Evidence, now: datetime) -> Mapping[str, object]:
        """Return raw values for some of the declared facts."""
        return self._inner(names, evidence, now) if self._inner is not None else {}

    def follow(self, maker: FactSourceFactory | None, raw: Mapping[str, Any]) -> None:
        """Ask a record's own source from now on.

        Raises:
            CheckFailed: the maker cannot make one of this record.
        """
        self._inner = None
        if maker is not None:
            with _as_check("make"):
                self._inner = maker(raw)

    def observe(self, call: ToolCall, result: str) -> None:
        """Tell the present source what a recorded call answered, if it wants to know."""
        self._tell("observe", call, result)

    def suppose_said(self) -> None:
        """Tell the present source that a gold list follows, if it wants to know."""
        self._tell("suppose_said")

    def assume(self, call: ToolCall) -> None:
        """Tell the present source to take a call as done, if it can."""
        self._tell("assume", call)

    def _tell(self, method: str, *what: object) -> None:
        told = getattr(self._inner, method, None)
        if told is not None:
            with _as_check(method):
                told(*what)


@contextmanager
def _as_check(step: str) -> Iterator[None]:
    """Turn what code makes of a record it did not expect into a failed check, without the record's text."""
    try:
        yield
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise CheckFailed(f"facts.{step}", why=type(error).__name__) from error
