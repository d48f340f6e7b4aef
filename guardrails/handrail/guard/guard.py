"""The guard: one policy, one store, every way in."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from handrail.errors import ConfigError
from handrail.guard import context as scopes
from handrail.guard.authorise import Action, authorise
from handrail.guard.call import Call, FactSource, Shell, Sources, abegin, begin
from handrail.guard.decorator import Decoration, Options, decoration_of, options_of
from handrail.guard.opening import engine_of, opened, policy_in_force
from handrail.guard.outcome import Concluder, Observer, Outcome, SpoolPort
from handrail.guard.resolve import decide, resolution, wait
from handrail.guard.samples import auditor_of
from handrail.guard.tool_gate import Pass, agate, gate, guarded_tool
from handrail.ids import new_id
from handrail.policy import People, Policy
from handrail.records import Context, Handoff, Message, ToolCall
from handrail.scan import Scanner
from handrail.tickets.ports import ResolutionView, TicketStore

if TYPE_CHECKING:
    from handrail.store import SqlStore
    from handrail.tickets.ticket import TicketView, Verdict

P = ParamSpec("P")
R = TypeVar("R")


class Guard:
    """Guards calls to a language model and functions that act.

    Build it with `Guard.from_policy`. One guard serves threads, tasks and tenants alike; it starts no thread
    and opens no connection before it is used.

    Args:
        policy: the rules.
        store: where tickets, decisions and the ledger live.
        spool: where tickets wait while the store is out of reach.
        people: who fills which role; only needed where this program also lets people decide.
        facts: the caller's own source of declared facts.
        scanner: what finds sensitive data; by default handrail's own with the policy's additions.
        clock: returns the present moment, with a time zone.
        observe: is told of every outcome, without content; telemetry hooks in here.
    """

    def __init__(  # noqa: PLR0913 - the parts that from_policy opens, for programs that bring their own
        self,
        policy: Policy,
        *,
        store: TicketStore,
        spool: SpoolPort,
        people: People | None = None,
        facts: FactSource | None = None,
        scanner: Scanner | None = None,
        clock: Callable[[], datetime] | None = None,
        observe: Observer | None = None,
    ) -> None:
        self.store, self.people = store, people
        self._clock = clock or partial(datetime.now, UTC)
        self._tools: dict[str, Callable[..., object]] = {}
        engine = engine_of(policy, scanner)
        sources = Sources(store=store, facts=facts, now=self._clock)
        concluder = Concluder(policy=policy, store=store, spool=spool, now=self._clock, observe=observe)
        self._shell = Shell(
            engine=engine,
            sources=sources,
            concluder=concluder,
            now=self._clock,
            auditor=auditor_of(policy, engine.certainty.calibration, store),
        )

    @classmethod
    def from_policy(
        cls,
        policy: str | Path,
        *,
        people: str | Path | None = None,
        store: "str | SqlStore" = "sqlite:///handrail.db",
        facts: FactSource | None = None,
        clock: Callable[[], datetime] | None = None,
        observe: Observer | None = None,
    ) -> "Guard":
        """Build a guard from a policy file and a store's URL.

        Args:
            policy: path of a policy file, or the name of a shipped one (`support`, `airline`, …).
            people: path of the file that maps people to roles. With it, a role without anybody fails here.
            store: a SQLite URL, or what `handrail.store.open_store` returned (PostgreSQL needs keys).
            facts: the caller's own source of declared facts.
            clock: returns the present moment, with a time zone.
            observe: is told of every outcome, without content.

        Raises:
            PolicyError: the policy cannot be used.
            RoleError: a role has nobody behind it.
            StoreUnavailable: the store exists but is of a later version.
        """
        now = clock or partial(datetime.now, UTC)
        parts = opened(policy, people, store, now)
        store, spool, roles = parts.store, parts.spool, parts.people
        return cls(
            parts.policy, store=store, spool=spool, people=roles, facts=facts, clock=now, observe=observe
        )

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._shell.engine.policy

    def reload(self, policy: Policy) -> None:
        """Put another policy in force at once; calls that have begun end under the old one.

        With `handrail.policy.tools.watch.PolicyFile` a file that cannot be used changes nothing. The change
        is on record before it holds.

        Raises:
            StoreUnavailable: it could not be recorded; the old policy stays in force.
        """
        engine = engine_of(policy)
        auditor = auditor_of(policy, engine.certainty.calibration, self.store)
        from handrail.store import SqlStore

        if isinstance(self.store, SqlStore):
            self.store.note(policy_in_force(policy, self._clock()))
        concluder = replace(self._shell.concluder, policy=policy)
        self._shell = replace(self._shell, engine=engine, auditor=auditor, concluder=concluder)

    @staticmethod
    def context(
        *,
        tenant: str | None = None,
        customer: str | None = None,
        conversation: str | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> AbstractContextManager[Context]:
        """Say whose calls these are, for everything inside the `with` block.

        Args:
            tenant: whose data; kept apart everywhere.
            customer: sums and counts over time go by customer.
            conversation: one conversation has at most one open ticket, and a person or the assistant speaks.
            facts: values for facts that are declared `from: context.<name>`.
        """
        return scopes.entered(tenant=tenant, customer=customer, conversation=conversation, facts=facts)

    def begin(self, messages: Sequence[Message], *, exchange: str | None = None) -> Call:
        """Screen what would go to a model; see `Call`. The same `exchange` never opens two tickets."""
        return begin(self._shell, scopes.current(), messages, exchange or new_id())

    async def abegin(self, messages: Sequence[Message], *, exchange: str | None = None) -> Call:
        """Screen what would go to a model, as `begin` does."""
        return await abegin(self._shell, scopes.current(), messages, exchange or new_id())

    def gate(self, call: ToolCall, *, exchange: str | None = None) -> Pass | Outcome:
        """Decide whether an action may run now. A `Pass` must be settled, an `Outcome` says why not."""
        return gate(self._shell, scopes.current(), call, exchange or new_id())

    async def agate(self, call: ToolCall, *, exchange: str | None = None) -> Pass | Outcome:
        """Decide whether an action may run now, as `gate` does."""
        return await agate(self._shell, scopes.current(), call, exchange or new_id())

    @overload
    def __call__(self, fn: Callable[P, R], /) -> Callable[P, R]: ...

    @overload
    def __call__(
        self,
        /,
        *,
        input: str | Sequence[str] = (),
        on_handoff: Callable[[Handoff], object] | None = None,
        resample: bool = False,
        asks_itself: bool = False,
        faults: tuple[type[Exception], ...] = (OSError,),
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

    def __call__(self, fn: Any = None, /, **options: Any) -> Any:
        """Guard a function that asks a model: sync, async, generator or async generator.

        Args:
            fn: the function.
            **options: `input` names the arguments that hold the person's words (default: all text);
                `on_handoff` maps a `Handoff` to a return value in place of raising `HandoffRequired`;
                `resample` allows calling the function again where the policy checks confidence with samples;
                `asks_itself` appends the policy's self-check to the last text and strips its number;
                `faults` are the exceptions that mean "the model could not be asked".
        """
        chosen = options_of(**options)
        if fn is None:
            return lambda inner: Decoration(guard=self, fn=inner, options=chosen).wrapper()
        return Decoration(guard=self, fn=fn, options=chosen).wrapper()

    def result(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R | Handoff:
        """Call a function, guarded or not, and return its answer or the `Handoff`."""
        decoration = decoration_of(fn) or Decoration(guard=self, fn=fn, options=Options())
        answer: R | Handoff = decoration.returning(lambda handoff: handoff)(*args, **kwargs)
        return answer

    @overload
    def tool(self, fn: Callable[P, R], /) -> Callable[P, R]: ...

    @overload
    def tool(
        self, /, *, name: str | None = None, on_handoff: Callable[[Handoff], object] | None = None
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

    def tool(
        self,
        fn: Any = None,
        /,
        *,
        name: str | None = None,
        on_handoff: Callable[[Handoff], object] | None = None,
    ) -> Any:
        """Guard a function that acts: it runs only if the policy lets it or a person authorised exactly it.

        Args:
            fn: the function, sync or async.
            name: the tool's name in the policy; by default the function's own.
            on_handoff: maps a `Handoff` to a return value in place of raising `HandoffRequired`.
        """

        def guarded(inner: Callable[..., Any]) -> Callable[..., Any]:
            known = name or str(getattr(inner, "__name__", type(inner).__name__))
            self._tools[known] = guarded_tool(self, inner, name=known, on_handoff=on_handoff)
            return self._tools[known]

        return guarded if fn is None else guarded(fn)

    def authorised(self, ticket: str) -> AbstractContextManager[Action]:
        """Carry out, once, what a person approved.

        Inside the block the approved action passes the gate one time; leaving it says that it was done,
        `ActionFailed` that it certainly was not, any other exception that nobody knows.

        Raises:
            NotDecided, AlreadyUsed, DecisionExpired, DigestMismatch, PolicyChanged, TicketNotFound: why it
                cannot be carried out.
        """
        return authorise(self._shell, scopes.current(), ticket, self._tools)

    def decide(self, ticket: str, person: str, verdict: "Verdict | str", **resolution: Any) -> "TicketView":
        """Record what a person decided about a ticket, claiming it first if it is free.

        For inboxes and tests that share a process with the guard. `person` must come from your own log-in.

        Args:
            ticket: its id.
            person: who decides; a member of the ticket's role.
            verdict: approve, edit, reject or answer.
            **resolution: further fields of `handrail.tickets.resolution.Resolution`: `changes`, `arguments`,
                `answer`, `reason_code`, `note`, `message_to_user`, `message_to_agent` …

        Raises:
            ConfigError: this guard knows no people, or its store takes no decisions.
            NotAllowed, AlreadyDecided, DecisionExpired, DigestMismatch: why it was not recorded.
        """
        from handrail.store import Actor, SqlStore
        from handrail.tickets.resolution import Resolution
        from handrail.tickets.ticket import Verdict

        if self.people is None:
            raise ConfigError("this guard knows no people: Guard.from_policy(..., people='people.yaml')")
        if not isinstance(self.store, SqlStore):
            raise ConfigError("this guard's store takes no decisions")
        return decide(
            self.store,
            self.policy,
            scopes.current().context.tenant,
            ticket,
            resolution=Resolution(verdict=Verdict(verdict), **resolution),
            actor=Actor(person=person, people=self.people, now=self._clock()),
        )

    def resolution(self, ticket: str) -> ResolutionView | None:
        """What a person decided about a ticket, None while nobody has.

        Their words for the customer pass the scanner as an answer does.
        """
        return resolution(self._shell.engine, self.store, scopes.current().context.tenant, ticket)

    async def wait(self, ticket: str, *, timeout_s: float, every_s: float = 0.25) -> ResolutionView | None:
        """Wait for a person's decision; None when the time is up."""
        tenant = scopes.current().context.tenant
        return await wait(
            self._shell.engine, self.store, tenant, ticket, timeout_s=timeout_s, every_s=every_s
        )

    def close(self) -> None:
        """Flush the log and let go of the store."""
        self.store.close()
