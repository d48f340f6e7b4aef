"""Runs exported cases against a model through the caller's own client: regression tests for prompts."""

import importlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from handrail.errors import ConfigError
from handrail.review.figures.measure import Share, share

Client: TypeAlias = Callable[[Sequence[Mapping[str, Any]]], str]
"""Takes the messages of a case and returns what the model answers: words, or JSON arguments of a tool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalResult:
    """How one case came out. `must_not`: what people rejected, so another answer is wanted."""

    id: str
    is_passed: bool
    must_not: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalRun:
    """All results."""

    results: tuple[EvalResult, ...]

    @property
    def passed(self) -> Share:
        """How many cases came out as they should."""
        return share(sum(one.is_passed for one in self.results), len(self.results))


def run_cases(cases: Iterable[Mapping[str, Any]], client: Client) -> EvalRun:
    """Ask a client for each case and compare; what the client raises is not caught.

    Words count as equal without regard to case and blanks, JSON by its values. A case of what people rejected
    is passed when the answer is another one.

    Raises:
        ConfigError: the client returned something else than a text.
    """
    return EvalRun(results=tuple(_one(case, client) for case in cases))


def _one(case: Mapping[str, Any], client: Client) -> EvalResult:
    must_not = bool(case["metadata"].get("must_not"))
    answer: object = client(case["input"])
    if not isinstance(answer, str):
        raise ConfigError(f"the client returned no text for case {case['id']}")
    is_same = _plain(answer) == _plain(str(case["target"]))
    return EvalResult(id=str(case["id"]), is_passed=is_same is not must_not, must_not=must_not)


def _plain(text: str) -> object:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return " ".join(text.casefold().split())
    return found


def read_cases(path: Path) -> tuple[Mapping[str, Any], ...]:
    """Read cases as `handrail export eval` writes them.

    Raises:
        ConfigError: the file cannot be read, holds no case, or a line is none; names the line, never its
            text.
    """
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read ({type(error).__name__})") from None
    for number, line in enumerate(lines, start=1):
        try:
            case = json.loads(line)
            is_case = (
                isinstance(case["input"], list) and isinstance(case["metadata"], dict) and "target" in case
            )
        except (ValueError, TypeError, KeyError, RecursionError):
            is_case = False
        if not is_case or "id" not in case:
            raise ConfigError(f"{path}:{number}: no case; handrail export eval writes them")
        found.append(case)
    if not found:
        raise ConfigError(f"{path} holds no cases; the other part of the split may hold some")
    return tuple(found)


def client_of(name: str) -> Client:
    """Return the function that a name such as `my_app.prompts:ask` stands for.

    Raises:
        ConfigError: there is none, or it cannot be called.
    """
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"no client {name!r} ({type(error).__name__}); write module:function") from None
    if not callable(found):
        raise ConfigError(f"{name!r} is no function")
    return cast("Client", found)
