"""The guard: one policy, one store, every way in."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack, cast, overload

from handrail.clock import Clock, now_utc
from handrail.errors import ConfigError, PolicyNotInForce, StoreUnavailable
from handrail.guard import context as scopes
from handrail.guard.authorise import Action, Authorised
from handrail.guard.call import Call, abegin, begin
from handrail.guard.call_runner import CallRunner, FactSource
from handrail.guard.decorator import Decoration, Options, decoration_of
from handrail.guard.enforcement import enforced
from handrail.guard.opening import open_parts, pipeline_of, prepare, record_policy
from handrail.guard.outcome import Observer, Outcome, OutcomeRecorder, SpoolPort
from handrail.guard.resolve import DecidedBy, ResolutionFields, read_resolution, resolve, wait, withdraw
from handrail.guard.returned import areturned, returned
from handrail.guard.samples import sampler_of
from handrail.guard.supplied import check_supplied
from handrail.guard.threads import in_thread
from handrail.guard.tool import ToolOptions, decorated, tool_of
from handrail.guard.tool_gate import Permit, agate, gate, name_of
from handrail.guard.tool_kinds import kind_declared
from handrail.guard.tool_results import JudgedResult, ajudge_result, judge_result, tool_result
from handrail.ids import new_id
from handrail.pipeline.together import Joint
from handrail.policy import People, Policy
from handrail.policy.file.people_file import PeopleFile
from handrail.records import Context, Handoff, Message, ToolCall
from handrail.scan import Scanner
from handrail.tickets.ports import ResolutionView, TicketStore

if TYPE_CHECKING:
    from handrail.store import SqlStore
    from handrail.tickets.ticket import TicketView, Verdict

P = ParamSpec("P")
R = TypeVar("R")
FunctionT = TypeVar("FunctionT", bound=Callable[..., object])

FIRST_USE = datetime.min.replace(tzinfo=UTC)


class Guard:
    """Guards calls to a language model and functions that act.

    Build it with `Guard.from_policy`. One guard serves threads, tasks and tenants alike; it starts no thread
    and opens no connection before it is used.

    Every method that may wait for the store has a twin for coroutines, whose name begins with `a`.

    Args:
        policy: the rules. Where people put policies in force in this store, what they put there holds.
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
        people: People | PeopleFile | None = None,
        facts: FactSource | None = None,
        scanner: Scanner | None = None,
        clock: Clock | None = None,
        observe: Observer | None = None,
    ) -> None:
        self.store, self._people = store, people
        self._clock, self._scanner = clock or now_utc, scanner
        self._tools: dict[str, Callable[..., object]] = {}
        if facts is None:
            check_supplied(policy)
        self._tool_kinds: dict[str, str] = {}
        pipeline = pipeline_of(policy, scanner, self._tool_kinds)
        prepare(pipeline)
        self._folder: Path | None = None
        # Whatever was given, what people put in force holds; the first call looks.
        self._due: datetime | None = FIRST_USE
        self._running = CallRunner(
            pipeline=pipeline,
            store=store,
            facts=facts,
            recorder=OutcomeRecorder(
                policy=policy, store=store, spool=spool, now=self._clock, observe=observe
            ),
            now=self._clock,
            sampler=sampler_of(policy, pipeline.cascade.calibration, store),
        )

    @classmethod
    def from_policy(
        cls,
        policy: str | Path,
        *,
        people: str | Path | None = None,
        store: "str | SqlStore" = "sqlite:///handrail.db",
        facts: FactSource | None = None,
        clock: Clock | None = None,
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
        now = clock or now_utc
        parts = open_parts(policy, people, store, now)
        guard = cls(
            parts.policy,
            store=parts.store,
            spool=parts.spool,
            people=parts.people,
            facts=facts,
            clock=now,
            observe=observe,
        )
        guard._folder, guard._due = parts.folder, parts.due
        return guard

    @classmethod
    async def afrom_policy(
        cls,
        policy: str | Path,
        *,
        people: str | Path | None = None,
        store: "str | SqlStore" = "sqlite:///handrail.db",
        facts: FactSource | None = None,
        clock: Clock | None = None,
        observe: Observer | None = None,
    ) -> "Guard":
        """Build a guard from a policy file and a store's URL, as `from_policy` does."""
        return await in_thread(
            cls.from_policy, policy, people=people, store=store, facts=facts, clock=clock, observe=observe
        )

    @property
    def _runner(self) -> CallRunner:
        """What runs calls: under the version of the policy that is due, once it is.

        Raises:
            PolicyNotInForce: versions of it are put in force by people, and this one was not.
        """
        if self._due is not None and self._clock() >= self._due:
            from handrail.store import SqlStore

            # Out of reach, the store is asked again by the next call; what it cannot record is not released.
            with suppress(StoreUnavailable):
                if isinstance(self.store, SqlStore):
                    now = self._clock()
                    held, due = enforced(self.store, self._running.pipeline.policy, self._folder, now)
                    if held is not self._running.pipeline.policy:
                        self._put(held)
                    self._due = due
        return self._running

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._runner.pipeline.policy

    @property
    def people(self) -> People | None:
        """Who fills which role, None where this guard knows no people; a people file is read again for it.

        Raises:
            RoleError, PolicyError: the file cannot be used now.
        """
        return self._people.current if isinstance(self._people, PeopleFile) else self._people

    @property
    def tools(self) -> Mapping[str, Callable[..., object]]:
        """The functions that act which this guard guards, by name."""
        return self._tools

    def reload(self, policy: Policy) -> None:
        """Put another policy in force at once; calls that have begun end under the old one.

        With `handrail.policy.tools.watch.PolicyFile` a file that cannot be used changes nothing. The change
        is on record before it holds.

        Raises:
            StoreUnavailable: it could not be recorded; the old policy stays in force.
            RoleError: the people file does not fill its roles; the old policy stays in force.
            PolicyNotInForce: versions of it are put in force by people, and this one was not.
        """
        from handrail.store import SqlStore

        if isinstance(self.store, SqlStore):
            held, self._due = enforced(self.store, policy, self._folder, self._clock())
            if held is not policy:
                raise PolicyNotInForce(policy.ref.name, "this version was not put in force")
        self._put(policy)

    def _put(self, policy: Policy) -> None:
        if self._running.facts is None:
            check_supplied(policy)
        people = self._people.under(policy) if isinstance(self._people, PeopleFile) else self._people
        pipeline = pipeline_of(policy, self._scanner, self._tool_kinds)
        prepare(pipeline)
        sampler = sampler_of(policy, pipeline.cascade.calibration, self.store)
        from handrail.store import SqlStore

        if isinstance(self.store, SqlStore):
            record_policy(self.store, policy, self._clock())
        recorder, self._people = replace(self._running.recorder, policy=policy), people
        self._running = replace(self._running, pipeline=pipeline, sampler=sampler, recorder=recorder)

    async def areload(self, policy: Policy) -> None:
        """Put another policy in force at once, as `reload` does."""
        await in_thread(self.reload, policy)

    @staticmethod
    def context(
        *,
        tenant: str | None = None,
        customer: str | None = None,
        conversation: str | None = None,
        facts: Mapping[str, object] | None = None,
        aliases: Iterable[str] | None = None,
    ) -> AbstractContextManager[Context]:
        """Say whose calls these are, for everything inside the `with` block.

        Args:
            tenant: whose data; kept apart everywhere.
            customer: sums and counts over time go by customer.
            conversation: one conversation has at most one open ticket, and a person or the assistant speaks.
            facts: values for facts that are declared `from: context.<name>`.
            aliases: other names of the customer, such as an e-mail address or the id in another system. Who
                goes by one of them does not decide the case, and sums and counts go by all of them.
        """
        return scopes.entered(
            tenant=tenant, customer=customer, conversation=conversation, facts=facts, aliases=aliases
        )

    def begin(
        self, messages: Sequence[Message], *, exchange: str | None = None, joint: Joint | None = None
    ) -> Call:
        """Screen what would go to a model; see `Call`. The same `exchange` never opens two tickets."""
        return begin(self._runner, scopes.current(), messages, exchange or new_id(), joint)

    async def abegin(
        self, messages: Sequence[Message], *, exchange: str | None = None, joint: Joint | None = None
    ) -> Call:
        """Screen what would go to a model, as `begin` does."""
        return await abegin(self._runner, scopes.current(), messages, exchange or new_id(), joint)

    def gate(self, call: ToolCall, *, exchange: str | None = None) -> Permit | Outcome:
        """Decide whether an action may run now; an `Outcome` says why it may not."""
        return gate(self._runner, scopes.current(), call, exchange or new_id())

    async def agate(self, call: ToolCall, *, exchange: str | None = None) -> Permit | Outcome:
        """Decide whether an action may run now, as `gate` does."""
        return await agate(self._runner, scopes.current(), call, exchange or new_id())

    def told(self, error: BaseException) -> BaseException:
        """Return an error of a guarded function as its caller may have it."""
        return self._runner.told(error)

    def judge_result(
        self, call: ToolCall, result: object, *, chunks: Sequence[object] = ()
    ) -> JudgedResult | Outcome:
        """Judge what an undecorated action returned; an `Outcome` says why nobody may see it. It is done."""
        return judge_result(self._runner, scopes.current(), tool_result(call, result, chunks), new_id())

    async def ajudge_result(
        self, call: ToolCall, result: object, *, chunks: Sequence[object] = ()
    ) -> JudgedResult | Outcome:
        """Judge what an action returned, as `judge_result` does."""
        return await ajudge_result(
            self._runner, scopes.current(), tool_result(call, result, chunks), new_id()
        )

    @overload
    def __call__(self, fn: FunctionT, /) -> FunctionT: ...

    @overload
    def __call__(
        self,
        /,
        *,
        input: str | Sequence[str] = (),
        opaque: str | Sequence[str] = (),
        on_handoff: Callable[[Handoff], object] | None = None,
        resample: bool = False,
        asks_itself: bool = False,
        faults: tuple[type[Exception], ...] = (OSError,),
    ) -> Callable[[FunctionT], FunctionT]: ...

    def __call__(  # noqa: PLR0913 - the options of a decorator, each by its name
        self,
        fn: FunctionT | None = None,
        /,
        *,
        input: str | Sequence[str] = (),  # noqa: A002 - the public word
        opaque: str | Sequence[str] = (),
        on_handoff: Callable[[Handoff], object] | None = None,
        resample: bool = False,
        asks_itself: bool = False,
        faults: tuple[type[Exception], ...] = (OSError,),
    ) -> FunctionT | Callable[[FunctionT], FunctionT]:
        """Guard a function that asks a model: sync, async, generator or async generator.

        Args:
            fn: the function.
            input: names of the arguments that hold the person's words; by default everything is read.
            opaque: names of arguments that are never read, because nothing of them reaches the model.
            on_handoff: maps a `Handoff` to a return value in place of raising `HandoffRequired`.
            resample: allows calling the function again where the policy checks confidence with samples.
            asks_itself: appends the policy's self-check to the last text and strips its number again.
            faults: the exceptions that mean "the model could not be asked".

        Raises:
            ConfigError: `input` or `opaque` names no parameter of the function.
        """
        options = Options(
            input=(input,) if isinstance(input, str) else tuple(input),
            opaque=(opaque,) if isinstance(opaque, str) else tuple(opaque),
            on_handoff=on_handoff,
            resample=resample,
            asks_itself=asks_itself,
            faults=faults,
        )

        def guarded(inner: FunctionT) -> FunctionT:
            return cast("FunctionT", Decoration(guard=self, fn=inner, options=options).wrapper())

        return guarded if fn is None else guarded(fn)

    def result(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R | Handoff:
        """Call a function, guarded or not, and return its answer or the `Handoff`; `aresult` if it is async.

        It is the `Handoff` whatever handed off: the function's own answer, a tool or a model that it calls,
        or an agent's run inside it, also where a framework made another error of it. Of several it is the
        first.

        Raises:
            ConfigError: it is an async function.
        """
        if inspect.iscoroutinefunction(fn):
            raise ConfigError(f"{name_of(fn)} is async: write await guard.aresult({name_of(fn)}, …)")
        answer: R | Handoff = returned(self._returning(fn), args, kwargs)
        return answer

    async def aresult(
        self, fn: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> R | Handoff:
        """Await a function, guarded or not, and return its answer or the `Handoff`, as `result` does."""
        answer: R | Handoff = await areturned(self._returning(fn)(*args, **kwargs))
        return answer

    @overload
    def tool(self, fn: FunctionT, /) -> FunctionT: ...

    @overload
    def tool(self, /, **options: Unpack[ToolOptions]) -> Callable[[FunctionT], FunctionT]: ...

    def tool(
        self, fn: FunctionT | None = None, /, **options: Unpack[ToolOptions]
    ) -> FunctionT | Callable[[FunctionT], FunctionT]:
        """Guard a function that acts: it runs only if the policy lets it or a person authorised exactly it.

        It runs on copies of the arguments that were judged. What it returns is judged where a rule reads
        `result.findings` or `result.amounts`; the action is done by then.

        Args:
            fn: the function, sync or async, a generator or an async generator.
            **options: `name`, `reads`, `receiver` and `on_handoff`; see `ToolOptions`.

        """

        def guarded(inner: FunctionT) -> FunctionT:
            name = options.get("name") or name_of(inner)
            self._tools[name] = decorated(self, inner, name, options)
            if options.get("reads") is not None:
                self.declare_tool(name, {"read_only": options["reads"]})
            return cast("FunctionT", self._tools[name])

        return guarded if fn is None else guarded(fn)

    def declare_tool(self, name: str, annotations: object) -> None:
        """Note what a framework declares of a tool: whether it only reads.

        It counts where the policy says `unlisted: pass_reads` and does not list the tool, and in `tool.kind`.
        Frameworks' hints are as trustworthy as the server they come from.

        Args:
            name: the tool.
            annotations: an object or mapping such as MCP's, with `readOnlyHint` and `destructiveHint`.
        """
        kind = kind_declared(annotations)
        if kind is not None:
            self._tool_kinds[name] = kind

    def authorised(self, ticket: str) -> AbstractContextManager[Action]:
        """Carry out, once, what a person approved.

        Inside the block the approved action passes the gate one time; leaving it says that it was done,
        `ActionFailed` that it certainly was not, any other exception that nobody knows.

        Raises:
            NotDecided, AlreadyUsed, DecisionExpired, DigestMismatch, PolicyChanged, TicketNotFound: why it
                cannot be carried out.
        """
        return Authorised(runner=self._runner, scope=scopes.current(), ticket=ticket, tools=self._tools)

    def aauthorised(self, ticket: str) -> AbstractAsyncContextManager[Action]:
        """Carry out, once, what a person approved, in an `async with` block; see `authorised`."""
        return Authorised(runner=self._runner, scope=scopes.current(), ticket=ticket, tools=self._tools)

    def resolve(
        self, ticket: str, person: str, verdict: "Verdict | str", **fields: Unpack[ResolutionFields]
    ) -> "TicketView":
        """Record what a person decided about a ticket, claiming it first if it is free.

        For inboxes and tests that share a process with the guard. `person` must come from your own log-in.

        Args:
            ticket: its id.
            person: who decides; a member of the ticket's role.
            verdict: approve, edit, reject or answer.
            **fields: what else they said; see `ResolutionFields`.

        Raises:
            ConfigError: this guard knows no people, or its store takes no decisions.
            NotAllowed, AlreadyDecided, DecisionExpired, DigestMismatch: why it was not recorded.
        """
        from handrail.store import Actor
        from handrail.tickets.resolution import Resolution
        from handrail.tickets.ticket import Verdict

        people = self.people
        if people is None:
            raise ConfigError("this guard knows no people: Guard.from_policy(..., people='people.yaml')")
        actor = Actor(person=person, people=people, now=self._clock())
        resolution, tenant = Resolution(verdict=Verdict(verdict), **fields), scopes.current().context.tenant
        by = DecidedBy(actor=actor, policy=self.policy, tools=self._tools)
        return resolve(self.store, tenant, ticket, resolution, by)

    async def aresolve(
        self, ticket: str, person: str, verdict: "Verdict | str", **fields: Unpack[ResolutionFields]
    ) -> "TicketView":
        """Record what a person decided about a ticket, as `resolve` does."""
        return await in_thread(self.resolve, ticket, person, verdict, **fields)

    def withdraw(self, ticket: str, *, words: str = "") -> ResolutionView | None:
        """End a ticket because the customer of the present context withdraws what they asked for.

        An approval that has not begun is taken back. Whoever waits for the ticket is told.

        Args:
            ticket: its id.
            words: what the customer said, for the people of its roles; it is kept sealed.

        Raises:
            NotAllowed: it is another customer's.
            AlreadyUsed: its action has begun; the wish is on record for the people of its roles.
            AlreadyDecided: it was rejected, answered or ended otherwise.
        """
        withdraw(self.store, scopes.current().context, ticket, words)
        return self.resolution(ticket)

    async def awithdraw(self, ticket: str, *, words: str = "") -> ResolutionView | None:
        """End a ticket because the customer withdraws, as `withdraw` does."""
        return await in_thread(self.withdraw, ticket, words=words)

    def resolution(self, ticket: str) -> ResolutionView | None:
        """What a person decided about a ticket, None while nobody has.

        Their words for the customer pass the scanner as an answer does.
        """
        return read_resolution(self._runner.pipeline, self.store, scopes.current().context.tenant, ticket)

    async def aresolution(self, ticket: str) -> ResolutionView | None:
        """What a person decided about a ticket, as `resolution` says."""
        return await in_thread(self.resolution, ticket)

    async def wait(self, ticket: str, *, timeout_s: float, every_s: float = 0.25) -> ResolutionView | None:
        """Wait for a person's decision; None when the time is up."""
        return await wait(lambda: self.aresolution(ticket), timeout_s=timeout_s, every_s=every_s)

    def close(self) -> None:
        """Flush the log and let go of the store."""
        self.store.close()

    async def aclose(self) -> None:
        """Flush the log and let go of the store, as `close` does."""
        await in_thread(self.close)

    def _returning(self, fn: Callable[..., object]) -> Callable[..., Any]:
        decoration = tool_of(fn) or decoration_of(fn) or Decoration(guard=self, fn=fn, options=Options())
        return decoration.returning(lambda handoff: handoff)
