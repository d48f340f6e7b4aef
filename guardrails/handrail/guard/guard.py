"""The guard: one policy, one store, every way in."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack, cast, overload

from handrail.clock import Clock, now_utc
from handrail.errors import ConfigError
from handrail.guard import context as scopes
from handrail.guard.authorise import Action, Authorised
from handrail.guard.call import Call, abegin, begin
from handrail.guard.call_runner import CallRunner, FactSource
from handrail.guard.cases import Cases
from handrail.guard.decorator import Decoration, Options, decoration_of
from handrail.guard.in_force import PolicyInForce
from handrail.guard.opening import open_parts, pipeline_of, prepare
from handrail.guard.outcome import Observer, Outcome, OutcomeRecorder, SpoolPort
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
from handrail.tickets.ports import TicketStore

if TYPE_CHECKING:
    from handrail.store import SqlStore

P = ParamSpec("P")
R = TypeVar("R")
FunctionT = TypeVar("FunctionT", bound=Callable[..., object])


class Guard(Cases):
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
        self._clock = clock or now_utc
        self._tool_kinds: dict[str, str] = {}
        if facts is None:
            check_supplied(policy)
        pipeline = pipeline_of(policy, scanner, self._tool_kinds)
        prepare(pipeline)
        running = CallRunner(
            pipeline=pipeline,
            store=store,
            facts=facts,
            recorder=OutcomeRecorder(
                policy=policy,
                store=store,
                spool=spool,
                now=self._clock,
                scanner=pipeline.scanner,
                observe=observe,
            ),
            now=self._clock,
            sampler=sampler_of(pipeline, store),
        )
        in_force = PolicyInForce(running, people=people, scanner=scanner, tool_kinds=self._tool_kinds)
        super().__init__(store, in_force)

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
        guard._in_force.loaded_from(parts.folder, due=parts.due)
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

    def close(self) -> None:
        """Flush the log and let go of the store."""
        self.store.close()

    async def aclose(self) -> None:
        """Flush the log and let go of the store, as `close` does."""
        await in_thread(self.close)

    def _returning(self, fn: Callable[..., object]) -> Callable[..., Any]:
        decoration = tool_of(fn) or decoration_of(fn) or Decoration(guard=self, fn=fn, options=Options())
        return decoration.returning(lambda handoff: handoff)
