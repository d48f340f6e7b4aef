"""What a guarded function raised, as its caller may have it: the same error, or one without what is withheld.

An error tells as much as an answer: its text, its arguments and attributes (the body that a provider sent,
the input that a model refused), its notes, and all of that again for what caused it and for the members of a
group. So all of it is judged by the rules on answers:

    all of it is clean           the very same object is raised
    something cannot be read     an error of the same class and text, without the parts that cannot be read
    something is withheld        an error of the same class that says so, without the parts that held it
    no such error can be made    `ErrorWithheld`, which names the class

An error of the same class is made without running code of that class. Where text was withheld, the traceback
begins at the guard, because frames hold what the function worked on and error reporters send it; a note says
where it was raised. Else the traceback stays as it is: its frames are the caller's own process, as what any
function leaves in memory is. What the library itself raises is never changed.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType

from handrail.errors import ErrorWithheld, HandrailError
from handrail.pipeline.decoded import Scans
from handrail.pipeline.needs import Steps
from handrail.pipeline.withhold import is_of
from handrail.records import Draft
from handrail.text.composites import error_parts
from handrail.text.documents import document_of
from handrail.text.values import read
from handrail.text.views import shown

WITHHELD = "text withheld by handrail"
LONGEST_CHAIN = 32
"""Most errors that are followed from one to what caused it; what lies behind is left out."""

log = logging.getLogger("handrail")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorJudge:
    """Judges errors by what a policy keeps out of answers.

    Args:
        scanner: finds sensitive data.
        types: finding types and categories that some rule on answers names.
    """

    scanner: Scans
    types: frozenset[str]

    def told(self, error: BaseException) -> BaseException:
        """Return the error as the caller may have it."""
        return self._told(error, LONGEST_CHAIN)

    def steps(self, error: BaseException) -> Steps[BaseException]:
        """Judge an error as `told` does, as steps of a call: what fails on the way is its runner's."""
        yield from ()
        return self.told(error)

    def _told(self, error: BaseException, left: int) -> BaseException:
        if isinstance(error, HandrailError):
            return error
        chain = {name: self._linked(getattr(error, name), left) for name in ("__cause__", "__context__")}
        members = getattr(error, "exceptions", ()) if isinstance(error, BaseExceptionGroup) else ()
        told = tuple(self._told(one, left - 1) for one in members) if left else ()
        parts = {name: part for name, part in error_parts(error).items() if part is not members}
        kept = {name: part for name, part in parts.items() if not read(part).unreadable}
        said = [*kept.values(), str(error), *_written(error)]
        is_clean = not self._withheld(said)
        if is_clean and len(kept) == len(parts) and _is_same(error, chain, members, told):
            return error
        if not is_clean:
            kept = {name: part for name, part in kept.items() if not self._withheld([name, part])}
        twin = _twin(error, kept, told)
        if twin is None or self._withheld([str(twin), repr(twin), *error_parts(twin).values()]):
            twin = ErrorWithheld(class_name(type(error)))
            is_clean = False
        for name, linked in chain.items():
            setattr(twin, name, linked)
        twin.__suppress_context__ = error.__suppress_context__
        if is_clean and not _is_cut(error, (*chain.values(), *told)):
            return twin.with_traceback(error.__traceback__)
        log.warning("text of an error withheld: %s", class_name(type(error)))
        twin.add_note(f"raised in {_place(error.__traceback__)}")
        return twin

    def _linked(self, error: BaseException | None, left: int) -> BaseException | None:
        return self._told(error, left - 1) if error is not None and left else None

    def _withheld(self, values: Iterable[object]) -> bool:
        document = document_of(list(values))
        words = Draft(text=document.text, runs=document.runs).words
        return any(is_of(one, self.types) for one in self.scanner.scan(words))


def _written(error: BaseException) -> list[object]:
    """Return what the class of an error makes of it beside its text."""
    try:
        return [part for _, part in shown(error)]
    except Exception:  # noqa: BLE001 - a class may fail in any way when it is written out
        return []


def _is_same(
    error: BaseException,
    chain: Mapping[str, BaseException | None],
    members: Iterable[BaseException],
    told: Iterable[BaseException],
) -> bool:
    linked = all(getattr(error, name) is one for name, one in chain.items())
    return linked and [*map(id, members)] == [*map(id, told)]


def _is_cut(error: BaseException, others: Iterable[BaseException | None]) -> bool:
    """True if an error that belongs to this one lost its traceback: frames of this one may hold its text."""
    known = {id(error.__cause__), id(error.__context__), *map(id, getattr(error, "exceptions", ()))}
    return any(one.__traceback__ is None for one in others if one is not None and id(one) not in known)


def _twin(
    error: BaseException, kept: Mapping[str, object], members: tuple[BaseException, ...]
) -> BaseException | None:
    """Return an error of the same class with some parts only, None where none can be made."""
    kind = type(error)
    native: type[BaseException] = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    given = kept.get("args", (WITHHELD,))
    args = given if isinstance(given, tuple) else (WITHHELD,)
    if isinstance(error, BaseExceptionGroup):
        args = (args[0] if args and isinstance(args[0], str) and args is given else WITHHELD, list(members))
    try:
        twin = native.__new__(kind, *args)
        twin.args = args
    except Exception:  # noqa: BLE001 - a class may forbid this in any way
        return None
    if isinstance(error, SystemExit) and "code" not in kept:
        # A program that fails must not seem to have done well.
        kept = {**kept, "code": 1}
    for name, part in kept.items():
        if name not in ("args", "errors"):
            try:
                object.__setattr__(twin, name, list(part) if isinstance(part, list) else part)
            except (AttributeError, TypeError):
                continue
    return twin


def class_name(kind: type) -> str:
    """Name a class with its module."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _place(trace: TracebackType | None) -> str:
    """Name the place in the code where an error was raised; holds no text of anybody's."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_qualname}, line {trace.tb_lineno}" if trace is not None else "?"
