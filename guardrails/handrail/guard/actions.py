"""A tool's function and its actions: a call read into one frozen action, and an action made a call again.

    call, however it is written ──read──► arguments as JSON data, by name   ──given_back──► the same call
                                          a copy of every argument, to run

`*args` are a list under their name, `**kwargs` stand among the other arguments, and a default that is not
given is there as if it were. The object whose method acts, its receiver, stands under `self`. What tells it
apart is the attribute that `@guard.tool(receiver=…)` names, else what a reader registered for its class
gives (`handrail.text.values.register`), else, for a dataclass or a pydantic model, all of it. A class is told
by its qualified name. A receiver without any of these cannot be read, unless it was bound to its method
before the method was guarded: then it belongs to the tool as a closure does, and an approval that its call
was given runs on no other object of this process.
"""

import functools
import inspect
import json
import sys
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from handrail.errors import ActionFailed, CheckFailed, ConfigError, DigestMismatch
from handrail.guard.parameters import schema_of
from handrail.records import ToolCall
from handrail.text.composites import is_record, is_registered
from handrail.text.foreign import is_theirs
from handrail.text.frozen import SCALARS, Frozen, Json, freeze
from handrail.text.thawed import CannotThaw, hints_of, thaw
from handrail.text.values import shown_in
from handrail.tickets.action import RECEIVER, canonical_arguments

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NO_RECEIVER = object()
_proposers: "weakref.WeakValueDictionary[str, Any]" = weakref.WeakValueDictionary()


def arguments_json(arguments: Mapping[str, Any]) -> str:
    """Write a call's arguments as JSON, each in the form that rules read; see `handrail.text.frozen`.

    Raises:
        CheckFailed: an argument cannot be read, so no rule could be asked about it.
    """
    call, _ = read_call("", "", arguments)
    if call.unreadable:
        raise CheckFailed("reading arguments", why=f"{len(call.unreadable)} cannot be read")
    return call.arguments


def read_call(
    id: str,  # noqa: A002 - the word for it everywhere else
    name: str,
    arguments: Mapping[str, Any],
    *,
    parameters: str = "",
) -> tuple[ToolCall, dict[str, Any]]:
    """Read a call that a framework makes: what is to be gated, and copies of its arguments, to run.

    An argument that cannot be read is named in the call, which then goes to a person.

    Args:
        id: the call's id.
        name: the tool's name.
        arguments: its arguments by name.
        parameters: the JSON Schema of the tool's arguments, as text, where the framework knows it.
    """
    frozen = {key: freeze(value) for key, value in arguments.items()}
    call = ToolCall(
        id=id,
        name=name,
        arguments=json.dumps({key: one.data for key, one in frozen.items()}),
        unreadable=tuple(dict.fromkeys(why for one in frozen.values() for why in one.unreadable)),
        parameters=parameters,
        shown=shown_in(arguments),
    )
    return call, {key: one.copy for key, one in frozen.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCall:
    """One call as it was read: what is judged, and what runs.

    Args:
        arguments: the action's arguments, as JSON.
        unreadable: which arguments could not be read, and why.
        args: positional arguments for the function: copies, but for the receiver.
        kwargs: keyword arguments for the function: copies.
        again: reads what would run once more, None if nothing of it can change.
    """

    arguments: str
    unreadable: tuple[str, ...]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    again: Callable[[], Json] | None = None

    @property
    def is_unchanged(self) -> bool:
        """True if what would run now is what was read."""
        return self.again is None or json.dumps(self.again()) == self.arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFunction:
    """A function that acts, with what its calls are read by.

    Args:
        fn: the function, a bound method, a partial function or an object that can be called.
        receiver: name of the attribute that tells receivers apart, None for the whole receiver.

    Raises:
        ConfigError: `receiver` is named, and the function has none.
    """

    fn: Callable[..., Any]
    receiver: str | None = None
    inner: Callable[..., Any] = field(init=False)
    parameters: str = field(init=False, default="")
    _before: tuple[tuple[Any, ...], Mapping[str, Any]] = field(init=False)
    _parameters: tuple[inspect.Parameter, ...] = field(init=False)
    _signature: inspect.Signature = field(init=False)
    _hints: Mapping[str, Any] = field(init=False)
    _bound: object = field(init=False, default=_NO_RECEIVER)
    _first: str = field(init=False, default="")
    _seen: "weakref.WeakValueDictionary[str, Any]" = field(
        init=False, default_factory=weakref.WeakValueDictionary
    )

    def __post_init__(self) -> None:
        inner: Any = self.fn
        args: tuple[Any, ...] = ()
        kwargs: dict[str, Any] = {}
        while isinstance(inner, functools.partial):
            # What a partial function was given is part of the action like any argument.
            inner, args, kwargs = inner.func, (*inner.args, *args), {**inner.keywords, **kwargs}
        signature = inspect.signature(inner)
        parameters = tuple(signature.parameters.values())
        bound, first = _bound_to(inner), ""
        if bound is _NO_RECEIVER and parameters and parameters[0].kind in _BY_POSITION:
            is_named = parameters[0].name in ("self", "cls")
            first = parameters[0].name if is_named or self.receiver is not None else ""
        if self.receiver is not None and bound is _NO_RECEIVER and not first:
            raise ConfigError(f"receiver={self.receiver!r} is given, but this function is nobody's method")
        derived: dict[str, object] = {
            "inner": inner,
            "_before": (args, kwargs),
            "_signature": signature,
            "_parameters": parameters,
            "_hints": hints_of(_annotated(inner)),
            "_bound": bound,
            "_first": first,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        own = [one for one in parameters if one.name != first]
        also = (RECEIVER,) if self.has_receiver else ()
        object.__setattr__(self, "parameters", schema_of(own, self._hints, also=also))

    @property
    def has_receiver(self) -> bool:
        """True for a method whose actions name the object that acts."""
        return bool(self._first) or (self._bound is not _NO_RECEIVER and not self.is_closed_over)

    @property
    def is_closed_over(self) -> bool:
        """True for a method that was bound to an object which nothing tells apart."""
        return self._bound is not _NO_RECEIVER and bool(self._identity(self._bound).unreadable)

    def proposed(self, ticket: str) -> None:
        """Remember for which object a ticket was opened, where nothing else tells it apart."""
        if self._bound is not _NO_RECEIVER:
            with suppress(TypeError):
                _proposers[ticket] = self._bound

    def check_proposer(self, ticket: str) -> None:
        """Accept a run on the object for which the ticket was opened.

        Raises:
            DigestMismatch: another object's method.
        """
        proposer = _proposers.get(ticket, self._bound)
        if proposer is not self._bound and self.is_closed_over:
            raise DigestMismatch(ticket, "the object whose method acts is not the approved one")

    def read(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> ReadCall:
        """Read a call; never raises for what its arguments hold.

        Raises:
            TypeError: the function cannot be called with these arguments.
        """
        before, more = self._before
        bound = self._signature.bind(*before, *args, **{**more, **kwargs})
        bound.apply_defaults()
        reading = _Reading()
        receiver = bound.arguments[self._first] if self._first else self._bound
        if receiver is not _NO_RECEIVER and not self.is_closed_over:
            reading.receiver(self._identity(receiver), lambda: self._identity(receiver).data)
            self._remember(receiver, reading.data[RECEIVER])
        for parameter in self._parameters:
            if parameter.name != self._first:
                value = bound.arguments[parameter.name]
                bound.arguments[parameter.name] = reading.argument(parameter, value)
        return ReadCall(
            arguments=json.dumps(reading.data),
            unreadable=tuple(reading.unreadable),
            args=bound.args,
            kwargs=bound.kwargs,
            again=reading.again,
        )

    def given_back(
        self, arguments: Mapping[str, Json], receiver: object | None, ticket: str
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the call that an approved action is, each argument of the type that the function declares.

        Args:
            arguments: the action's arguments.
            receiver: the object whose method is to act, None for the one that the action names.
            ticket: for messages.

        Raises:
            ActionFailed: the function cannot be called so, or the receiver is not to be had.
            DigestMismatch: the receiver is another one than the approved.
        """
        left = dict(arguments)
        first: tuple[Any, ...] = ()
        if self.has_receiver:
            found = self._receiver(left.pop(RECEIVER, None), receiver, ticket)
            first = (found,) if self._first else ()
        args, kwargs = self._given(left)
        return (*first, *args), kwargs

    def _given(self, left: dict[str, Json]) -> tuple[list[Any], dict[str, Any]]:
        """Return the call that some arguments are, without the receiver."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        names = {one.name for one in self._parameters}
        for one in self._parameters:
            if one.name == self._first:
                continue
            if one.kind is one.VAR_POSITIONAL:
                rest = left.pop(one.name, [])
                args += [self._value(one, item) for item in (rest if isinstance(rest, list) else [rest])]
            elif one.kind is one.VAR_KEYWORD:
                kwargs |= {name: self._value(one, own) for name, own in left.items() if name not in names}
                left = {name: own for name, own in left.items() if name in names}
            elif one.name in left:
                value = self._value(one, left.pop(one.name))
                if one.kind in _BY_POSITION:
                    args.append(value)
                else:
                    kwargs[one.name] = value
            elif one.default is one.empty:
                raise ActionFailed(f"the approved action lacks the argument {one.name}")
            elif one.kind in _BY_POSITION:
                args.append(one.default)
        if left:
            raise ActionFailed(f"{len(left)} arguments of the approved action are none of the function's")
        return args, kwargs

    def check(self, arguments: Mapping[str, Json]) -> None:
        """Accept arguments that the function can be called with; whose method acts is not looked at.

        Raises:
            ActionFailed: it cannot be called so.
        """
        own = {name: value for name, value in arguments.items() if name != RECEIVER or not self.has_receiver}
        self._given(own)

    def _value(self, parameter: inspect.Parameter, data: Json) -> Any:
        try:
            return thaw(data, self._hints.get(parameter.name, object))
        except CannotThaw as error:
            raise ActionFailed(f"{parameter.name}: the approved action holds no {error}") from None

    def _identity(self, receiver: object) -> Frozen:
        if isinstance(receiver, type):
            name = f"{receiver.__module__}.{receiver.__qualname__}"
            return Frozen(name, receiver, ())
        if self.receiver is None:
            return freeze(receiver)
        try:
            return freeze(getattr(receiver, self.receiver))
        except BaseException as error:
            if not is_theirs(error):
                raise
            return Frozen({"unreadable": "failed"}, receiver, ("failed",))

    def _remember(self, receiver: object, data: Json) -> None:
        # An object without weak references has to be given by whoever goes on with the action.
        with suppress(TypeError):
            self._seen[json.dumps(data)] = receiver

    def _receiver(self, data: Json, given: object | None, ticket: str) -> object:
        if given is None and self._bound is not _NO_RECEIVER:
            given = self._bound
        found = given if given is not None else self._recalled(data)
        if found is None:
            raise ActionFailed("the object whose method acts is not known here: action.run(receiver=…)")
        own = self._identity(found)
        if own.unreadable or _canonical(own.data) != _canonical(data):
            raise DigestMismatch(ticket, "the object whose method acts is not the approved one")
        return found

    def _recalled(self, data: Json) -> object | None:
        found: object | None = self._seen.get(json.dumps(data))
        if found is not None:
            return found
        owner = _owner(self.inner)
        if owner is None:
            return None
        if isinstance(data, str) and self._identity(owner).data == data:
            return owner
        if self.receiver is None and is_record(owner):
            try:
                return thaw(data, owner) if isinstance(data, dict) else None
            except CannotThaw:
                return None
        return None


class _Reading:
    """The arguments of one call, read one after the other."""

    def __init__(self) -> None:
        self.data: dict[str, Json] = {}
        self.unreadable: dict[str, None] = {}
        self._changing: dict[str, Callable[[], Json]] = {}

    @property
    def again(self) -> Callable[[], Json] | None:
        """Reads once more what can change, None if nothing can."""
        if not self._changing:
            return None
        return lambda: {**self.data, **{name: read() for name, read in self._changing.items()}}

    def receiver(self, identity: Frozen, again: Callable[[], Json]) -> None:
        """Take in the object whose method acts."""
        self.data[RECEIVER] = identity.data
        self._changing[RECEIVER] = again
        for why in identity.unreadable:
            self.unreadable[f"receiver ({why}): name what tells it apart, @guard.tool(receiver='id')"] = None

    def argument(self, parameter: inspect.Parameter, value: Any) -> Any:
        """Take in the value of one parameter; returns what runs in its place."""
        if parameter.kind is not parameter.VAR_KEYWORD:
            return self._named(parameter.name, parameter, value)
        return {name: self._named(name, parameter, own) for name, own in value.items()}

    def _named(self, name: str, parameter: inspect.Parameter, value: Any) -> Any:
        # Only names that the function declares are words of the program's.
        told = parameter.name
        if name in self.data or (name == told and parameter.kind is parameter.VAR_KEYWORD):
            self.unreadable[f"{told} (a name that occurs twice)"] = None
            return value
        if type(value) in SCALARS and not (type(value) is int and abs(value) >= 10**18):
            self.data[name] = value
            return value
        found = freeze(value)
        if found.unreadable and value is parameter.default:
            # A default that says "not given" is the function's own and no part of the action.
            return value
        self.data[name] = found.data
        for why in found.unreadable:
            self.unreadable[f"{told} ({why})"] = None
        if not found.unreadable and (found.copy is not value or is_registered(type(value))):
            self._changing[name] = lambda: freeze(found.copy).data
        return found.copy


def _bound_to(fn: Any) -> object:
    """Return the object that a function is bound to, which acts when it is called."""
    if inspect.isroutine(fn):
        own = getattr(fn, "__self__", None)
        return _NO_RECEIVER if own is None or isinstance(own, ModuleType) else own
    # What wraps a function, such as a cache, is no more its receiver than a decorator is.
    return _NO_RECEIVER if isinstance(fn, type) or hasattr(fn, "__wrapped__") else fn


def _annotated(fn: Any) -> Any:
    """Return what carries the annotations of a function's parameters."""
    if isinstance(fn, type):
        return fn.__init__  # type: ignore[misc]
    return fn if inspect.isroutine(fn) or hasattr(fn, "__wrapped__") else type(fn).__call__


def _owner(fn: Any) -> type | None:
    """Return the class that a function is written in, None where it cannot be found by its name."""
    found: Any = sys.modules.get(getattr(fn, "__module__", "") or "")
    for name in getattr(fn, "__qualname__", "").split(".")[:-1]:
        found = getattr(found, name, None)
    return found if isinstance(found, type) else None


def _canonical(data: Json) -> str:
    return canonical_arguments(json.dumps({RECEIVER: data}))
