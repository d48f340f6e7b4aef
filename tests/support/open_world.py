"""What the tests of open values share: secrets, guards that withhold them, and an eye that sees every part.

The eye (`everything`) is the test's own and reads more than a careful caller would: slots, private fields,
what a generator returns, what a future holds, the arguments of a partial function. It knows nothing of the
library's reader, so a place that the reader forgets is seen here.
"""

import asyncio
import concurrent.futures
import functools
import json
import types
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from handrail import Guard
from support.shop_guard import PEOPLE

KINDS = ("email", "card", "us_ssn")


@dataclass(frozen=True)
class Secret:
    """One planted value: what must never be seen, and the words that give it away."""

    kind: str
    needle: str
    cue: str = ""

    def phrase(self) -> str:
        """The secret within a sentence, with the words that give it away."""
        return f"{self.cue or 'It is'} {self.needle} as said"

    def halves(self, at: int) -> tuple[str, str]:
        """The sentence cut inside the secret, so that neither part is one."""
        start = len(f"{self.cue or 'It is'} ") + 4 + at % (len(self.needle) - 7)
        return self.phrase()[:start], self.phrase()[start:]


MAIL = Secret("email", "nora.quill@example.org")
CARD = Secret("card", "4539148803436467")
SSN = Secret("us_ssn", "536904399", cue="Her SSN is")
SECRETS = (MAIL, CARD, SSN)

POLICY = """\
policy: open-world
version: "1"
owner: process_owner
if_unsure: queue_manager
{more}
roles:
  finance_lead:   {{answer_within: 30 minutes, backup: process_owner}}
  queue_manager:  {{answer_within: 30 minutes, backup: process_owner}}
  privacy_lead:   {{answer_within: 30 minutes, backup: process_owner}}
  process_owner:  {{answer_within: 1 days}}
facts:
  input.findings:  {{type: set, values: [{kinds}]}}
  output.findings: {{type: set, values: [{kinds}]}}
  tool.findings:   {{type: set, values: [{kinds}]}}
{facts}
hand_offs:
  - {{id: private, when: {condition}, {effect}, because: Private data stays where it is.}}
{called}
{rules}
on_conflict: {{to: process_owner}}
tests: []
"""


def guard_of(
    folder: Path,
    effect: str,
    *,
    judges_results: bool = False,
    judges_calls: bool = True,
    more: str = "stream: hold",
) -> Guard:
    """A guard that hands off or redacts every planted kind, at each stage."""

    def has(*facts: str) -> str:
        return " or ".join(f"{fact} has {kind}" for fact in facts for kind in KINDS)

    kinds = ", ".join(KINDS)
    text = POLICY.format(
        kinds=kinds,
        more=more,
        condition=has("input.findings", "output.findings"),
        effect="to: privacy_lead" if effect == "hand_off" else "effect: redact",
        called=f"  - {{id: called, when: {has('tool.findings')}, to: privacy_lead, because: So it is.}}"
        if judges_calls
        else "",
        facts=f"  result.findings: {{type: set, values: [{kinds}]}}" if judges_results else "",
        rules=f"  - {{id: returned, when: {has('result.findings')}, to: privacy_lead, because: So it is.}}"
        if judges_results
        else "",
    )
    folder.mkdir(exist_ok=True)
    (folder / "policy.yaml").write_text(text)
    (folder / "people.yaml").write_text(PEOPLE)
    return Guard.from_policy(
        folder / "policy.yaml", people=folder / "people.yaml", store=f"sqlite:///{folder}/handrail.db"
    )


def leaks(needles: Iterable[str], *shown: object) -> bool:
    """True if every piece of a secret can be seen in what was shown, whole or put together from a stream."""
    text = everything(*shown)
    return all(needle in text for needle in needles)


def everything(*shown: object) -> str:
    """All that can be seen in some values: each text, and the texts at one place of many joined."""
    joined: dict[str, list[str]] = {}
    for value in shown:
        for path, text in _texts(value, "", set()):
            joined.setdefault(path, []).append(text)
    return "\n".join(text for texts in joined.values() for text in ("".join(texts), *texts))


def _texts(value: object, path: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    if value is None or isinstance(value, (bool, type, types.ModuleType)) or id(value) in seen:
        return
    if isinstance(value, str) and not isinstance(value, Enum):
        yield path, str.__str__(value)
        yield from _decoded(value, path, seen)
        return
    if isinstance(value, (bytes, bytearray, memoryview)):
        raw = bytes(value)
        for codec in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1"):
            yield f"{path}:{codec}", raw.decode(codec, "ignore")
        return
    seen = seen | {id(value)}
    yield f"{path}:shown", str(value)
    for step, part in _parts(value):
        # Items of a list lie at one place, so a text that is cut over them is seen whole.
        yield from _texts(part, f"{path}/{step}", seen)


def _decoded(value: str, path: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    text = value.strip()
    if text[:1] not in ("{", "[", '"'):
        return
    try:
        inner = json.loads(text, parse_int=str, parse_float=str, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return
    yield from _texts(inner, f"{path}:json", seen)


class _Pairs(list[Any]):
    """The members of a JSON object in order, with those given twice."""


def _parts(value: Any) -> Iterator[tuple[str, object]]:
    match value:
        case _Pairs():
            for key, part in value:
                yield ":key", key
                yield key, part
        case Mapping():
            # What several speak at once is put together apart, as its reader does.
            at = value.get("index", value.get("output_index", ""))
            for key in value:
                yield ":key", key
                yield f"{at}{key}", value[key]
        case Enum():
            yield ":enum", value.value
        case asyncio.Future() | concurrent.futures.Future():
            if value.done() and not value.cancelled():
                yield ":future", value.exception() or value.result()
        case functools.partial():
            yield from ((":partial", part) for part in (value.args, value.keywords))
        case types.FunctionType():
            cells = value.__closure__ or ()
            yield from ((":cell", cell.cell_contents) for cell in cells)
        case types.GeneratorType():
            yield from _drained(value)
        case BaseException():
            yield from _of_error(value)
        case Iterable():
            yield from ((":item", part) for part in value)
    yield from _attributes(value)
    if hasattr(value, "get_secret_value"):
        yield ":secret", value.get_secret_value()


def _drained(generator: Generator[Any, Any, Any]) -> Iterator[tuple[str, object]]:
    result = None
    try:
        while True:
            yield ":item", next(generator)
    except StopIteration as stop:
        result = stop.value
    yield ":returned", result


def _of_error(error: BaseException) -> Iterator[tuple[str, object]]:
    yield ":args", error.args
    yield ":cause", error.__cause__
    # What the caller itself was doing when the error met it is nobody's leak.
    yield ":context", error.__context__
    yield ":notes", getattr(error, "__notes__", None)


def _attributes(value: Any) -> Iterator[tuple[str, object]]:
    if isinstance(
        value, (types.FunctionType, types.GeneratorType, types.BuiltinFunctionType, functools.partial)
    ):
        return
    if isinstance(value, (int, float, complex)) or type(value).__module__ in ("datetime", "decimal"):
        return
    own = getattr(value, "__dict__", None)
    yield from (own.items() if isinstance(own, dict) else ())
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__"):
                yield name, getattr(value, name, None)
