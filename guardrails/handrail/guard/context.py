"""Whose call it is, carried through the program by a context variable."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field

from handrail.errors import CheckFailed, ConfigError
from handrail.records import Context, Evidence, Handoff, ToolCall
from handrail.text.normalise import writable
from handrail.tickets.action import FrozenAction
from handrail.tickets.ports import Approval

REMEMBERED_CALLS = 256


@dataclass(slots=True)
class Authorisation:
    """An approval inside `with guard.authorised(...)`.

    `used` turns True when its action starts; `refused` is what was raised before it could, so that nothing
    was done.
    """

    approval: Approval
    used: bool = False
    refused: BaseException | None = None

    def refuse(self, error: BaseException) -> None:
        """Say that this error kept the action from starting."""
        if not self.used:
            self.refused = error


@dataclass(slots=True)
class Scope:
    """What is known of the present caller: the context and the evidence behind each proposed call."""

    context: Context
    proposed: dict[tuple[str, str], Evidence] = field(default_factory=dict)
    authorisation: Authorisation | None = None

    def remember(self, calls: tuple[ToolCall, ...], evidence: Evidence) -> None:
        """Keep the evidence with which these calls were judged, for the gate where they run."""
        for call in calls:
            self.proposed[_key(call)] = evidence
        while len(self.proposed) > REMEMBERED_CALLS:
            del self.proposed[next(iter(self.proposed))]

    def recall(self, call: ToolCall) -> Evidence | None:
        """Return the evidence of exactly this call, None if no model proposed it here."""
        return self.proposed.get(_key(call))


def _key(call: ToolCall) -> tuple[str, str]:
    try:
        return call.name, FrozenAction.of(call).arguments
    except CheckFailed:
        return call.name, call.arguments


NOBODY = Context()
"""The context of calls outside every `guard.context`."""

_scope: ContextVar[Scope | None] = ContextVar("handrail_scope", default=None)


def current() -> Scope:
    """Return the present scope; outside every `guard.context` an empty one that is used once."""
    return _scope.get() or Scope(context=NOBODY)


@contextmanager
def entered(
    *,
    tenant: str | None = None,
    customer: str | None = None,
    conversation: str | None = None,
    facts: Mapping[str, object] | None = None,
    aliases: Iterable[str] | None = None,
) -> Iterator[Context]:
    """Enter a context; what is not given is inherited from the one around it.

    Aliases belong to their customer: another customer does not inherit them.

    Raises:
        ConfigError: an id is no text, or holds half a character, which no store can keep.
    """
    outer = current()
    is_same = customer is None or customer == outer.context.customer
    inherited = outer.context.aliases if is_same else ()
    context = Context(
        tenant=tenant if tenant is not None else outer.context.tenant,
        customer=customer if customer is not None else outer.context.customer,
        conversation=conversation if conversation is not None else outer.context.conversation,
        facts={**outer.context.facts, **(facts or {})},
        aliases=tuple(aliases) if aliases is not None else inherited,
    )
    _check(context)
    proposed = outer.proposed if context.conversation == outer.context.conversation else {}
    token = _scope.set(Scope(context=context, proposed=proposed, authorisation=outer.authorisation))
    try:
        yield context
    finally:
        _scope.reset(token)


def _check(context: Context) -> None:
    named = {"tenant": context.tenant, "customer": context.customer, "conversation": context.conversation}
    given: list[tuple[str, object]] = [*named.items(), *(("aliases", alias) for alias in context.aliases)]
    for name, value in given:
        if value is not None and not (isinstance(value, str) and writable(value) == value):
            raise ConfigError(f"{name}: an id is text, of whole characters")


@contextmanager
def authorised(authorisation: Authorisation) -> Iterator[None]:
    """Let the approved action through the gate once, while this block runs."""
    approval = authorisation.approval
    outer = current()
    context = Context(
        tenant=approval.tenant,
        customer=approval.customer,
        conversation=approval.conversation,
        facts=outer.context.facts,
        aliases=outer.context.aliases,
    )
    token = _scope.set(Scope(context=context, proposed=outer.proposed, authorisation=authorisation))
    try:
        yield
    finally:
        _scope.reset(token)


_hearing: ContextVar[tuple[list[Handoff], ...]] = ContextVar("handrail_hearing", default=())


@contextmanager
def hearing() -> Iterator[list[Handoff]]:
    """Collect the hand-offs of all that runs in this block, whatever becomes of them there."""
    found: list[Handoff] = []
    token = _hearing.set((*_hearing.get(), found))
    try:
        yield found
    finally:
        _hearing.reset(token)


def handed_off(handoff: Handoff) -> None:
    """Tell whoever listens that something was handed off."""
    for found in _hearing.get():
        found.append(handoff)


_adapter: ContextVar[str] = ContextVar("handrail_adapter", default="")


class _Through:
    """What `through` gives; a class of its own, because it is entered at every call."""

    __slots__ = ("_name", "_token")

    _token: Token[str]

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._token = _adapter.set(self._name)

    def __exit__(self, *error: object) -> None:
        _adapter.reset(self._token)


def through(adapter: str) -> AbstractContextManager[None]:
    """Say for the log what the calls that begin in this block come through."""
    return _Through(adapter)


def came_through() -> str:
    """Return what a call that begins now comes through, nothing for the guard itself."""
    return _adapter.get()
