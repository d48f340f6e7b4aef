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


Compare: TypeAlias = Callable[[str, str], bool]
"""Takes an answer and the text of a case, and says whether they come to the same."""

_CLOSING = " .!?\u2026\u3002\uff01\uff1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalResult:
    """How one case came out.

    Args:
        id: the case.
        is_passed: whether the answer was as it should be.
        must_not: the text of the case is what people rejected, so another answer is wanted.
        error: the kind of error with which the client or the comparison ended, empty without one.
    """

    id: str
    is_passed: bool
    must_not: bool
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalRun:
    """All results."""

    results: tuple[EvalResult, ...]

    @property
    def passed(self) -> Share:
        """How many cases came out as they should."""
        return share(sum(one.is_passed for one in self.results), len(self.results))


def is_same(answer: str, target: str) -> bool:
    """Tell whether two texts say the same word for word; pure.

    Case, blanks and the marks that close the text (`.`, `!`, `?`, `…`) do not count, JSON is compared by its
    values. Another wording of the same is another text: for that a comparison of your own is needed.
    """
    return _plain(answer) == _plain(target)


def run_cases(cases: Iterable[Mapping[str, Any]], client: Client, *, compare: Compare = is_same) -> EvalRun:
    """Ask a client for each case and compare.

    A case of what people rejected is passed when the answer is another one. Where the client or the
    comparison raises, or returns something else than a text, the case is not passed and its result names the
    kind of error; the others are asked all the same.

    Args:
        cases: the cases.
        client: from messages to an answer.
        compare: whether an answer is as good as the text of the case; by default word for word.
    """
    return EvalRun(results=tuple(_one(case, client, compare) for case in cases))


def _one(case: Mapping[str, Any], client: Client, compare: Compare) -> EvalResult:
    name, must_not = str(case["id"]), bool(case["metadata"].get("must_not"))
    try:
        answer: object = client(case["input"])
        if not isinstance(answer, str):
            return EvalResult(id=name, is_passed=False, must_not=must_not, error="no text")
        same = bool(compare(answer, str(case["target"])))
    except Exception as error:  # noqa: BLE001 - the caller's own code; one case must not end the others
        return EvalResult(id=name, is_passed=False, must_not=must_not, error=type(error).__name__)
    return EvalResult(id=name, is_passed=same is not must_not, must_not=must_not)


def _plain(text: str) -> object:
    stripped = text.strip().rstrip(_CLOSING)
    try:
        found: object = json.loads(stripped)
    except (ValueError, RecursionError):
        return " ".join(stripped.casefold().split())
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
    """Return the client that a name such as `my_app.prompts:ask` stands for.

    Raises:
        ConfigError: there is none, or it cannot be called.
    """
    return cast("Client", _function(name, "client"))


def compare_of(name: str) -> Compare:
    """Return the comparison that a name such as `my_app.prompts:alike` stands for.

    Raises:
        ConfigError: there is none, or it cannot be called.
    """
    return cast("Compare", _function(name, "comparison"))


def _function(name: str, what: str) -> object:
    module, _, attribute = name.partition(":")
    try:
        found: object = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"no {what} {name!r} ({type(error).__name__}); write module:function") from None
    if not callable(found):
        raise ConfigError(f"{name!r} is no function")
    return found
