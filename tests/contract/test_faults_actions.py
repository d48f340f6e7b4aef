"""Actions that were not the one a person saw, each by its smallest input.

Those of the frameworks stand in `test_permits` and `test_going_on`, those of altered files in
`test_altered_file`, and who may decide whose case in `tests/unit/guard/test_covers.py`.
"""

import asyncio
import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from openai import BadRequestError, OpenAI
from typer.testing import CliRunner

import handrail.errors as errors
from handrail import Guard, HandoffRequired
from handrail.cli import tickets
from handrail.errors import DigestMismatch, HandrailError, NotAllowed, PolicyChanged, RequestRefused
from handrail.guard.outcome import Outcome
from handrail.records import Decision, Effect, Handoff, Money, PolicyRef, Stage, ToolCall
from handrail.store import SqlStore
from handrail.text.values import register
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import LedgerQuery
from handrail.tickets.ticket import TicketView, Verdict
from handrail_adapters.openai import guard_openai
from support.model_server import Say, model_server
from support.shop_guard import KEY, PEOPLE, POLICY, shop_guard

MONEY = "{type: money, currencies: [USD], from: tool.args.amount, optional: true}"
WITH_CURRENCY = POLICY.replace(
    MONEY, "{type: money, currencies: [USD], currency: tool.args.currency, from: tool.args.amount}"
)


@pytest.fixture
def guard(tmp_path: Path) -> Any:
    with shop_guard(tmp_path) as found:
        yield found


def store_of(guard: Guard) -> SqlStore:
    assert isinstance(guard.store, SqlStore)
    return guard.store


def asked(guard: Guard, arguments: str, *, tool: str = "issue_refund", **more: str) -> str:
    """Propose a call, and return the ticket that it opens."""
    with guard.context(customer="c1"):
        passed = guard.gate(ToolCall(id="k1", name=tool, arguments=arguments, **more))
    assert isinstance(passed, Outcome)
    assert passed.handoff is not None
    return passed.handoff.ticket


def counted(guard: Guard) -> object:
    """What the ledger holds of the customer's refunds."""
    query = LedgerQuery(
        fact="sum",
        kind="sum",
        tenant="default",
        tool="issue_refund",
        amount="refund.amount",
        per="customer",
        key="c1",
        since=datetime(2020, 1, 1, tzinfo=UTC),
    )
    return guard.store.totals([query])["sum"]


def usd(amount: object) -> Money:
    return Money(amount=Decimal(str(amount)), currency="USD")


class Refunds:
    """A guarded refund, and what was paid."""

    def __init__(self, guard: Guard) -> None:
        self.guard, self.paid = guard, list[tuple[str, float, str]]()

        @guard.tool(name="issue_refund")
        def refund(order: str, amount: float, currency: Literal["USD", "EUR"] = "USD") -> str:
            self.paid.append((order, amount, currency))
            return "paid"

        self.refund = refund

    def ticket(self, amount: float = 640) -> str:
        with self.guard.context(customer="c1"), pytest.raises(HandoffRequired) as raised:
            self.refund("o1", amount)
        return raised.value.handoff.ticket

    def edit(self, ticket: str, **changes: object) -> TicketView:
        return self.guard.resolve(ticket, "fay", "edit", changes=changes)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"amout": 90}, "the action has no argument 'amout'; did you mean 'amount'"),
        ({"colour": 90}, "the action has no argument 'colour'"),
        ({"items[0].amount": 90}, "has no argument"),
        ({"amount": "a lot"}, "amount is not of the type number"),
        ({"amount": True}, "amount is not of the type number"),
        ({"amount": None}, "amount is not of the type number"),
        ({"order": 7}, "order is not of the type string"),
        ({"currency": "UDS"}, "currency is none of the values to choose from; did you mean 'USD'"),
    ],
)
def test_an_edit_that_the_function_cannot_take_is_refused_when_it_is_decided(
    guard: Guard, changes: dict[str, object], why: str
) -> None:
    refunds = Refunds(guard)
    ticket = refunds.ticket()
    with pytest.raises(NotAllowed) as raised:
        refunds.edit(ticket, **changes)
    assert why in raised.value.problem
    assert store_of(guard).get("default", ticket).state is State.CLAIMED
    refunds.edit(ticket, amount=590)
    with guard.authorised(ticket) as action:
        action.run()
    assert refunds.paid == [("o1", 590, "USD")]


def test_an_edit_that_leaves_out_what_the_function_needs_is_refused(guard: Guard) -> None:
    refunds = Refunds(guard)
    with pytest.raises(NotAllowed, match="order is missing"):
        guard.resolve(refunds.ticket(), "fay", "edit", arguments='{"amount": 90}')


def test_an_edit_is_checked_from_another_process_too(tmp_path: Path) -> None:
    with shop_guard(tmp_path) as guard:
        ticket = Refunds(guard).ticket()
    with shop_guard(tmp_path) as inbox, pytest.raises(NotAllowed, match="did you mean 'amount'"):
        inbox.resolve(ticket, "fay", "edit", changes={"amout": 90})


SCHEMA = '{"properties": {"amount": {"type": "string", "pattern": "^[0-9]+ USD$"}}, "required": ["amount"]}'


@pytest.mark.parametrize(
    ("parameters", "changes", "why"),
    [
        (SCHEMA, {"amount": "90 EUR"}, "amount is not of the form"),
        (SCHEMA, {"amuont": "90 USD"}, "did you mean 'amount'"),
        ('{"properties": {"amount": {"contains": 5}}}', {"amount": "90 USD"}, "contains in the schema"),
        ('{"unheardOf": true}', {"amount": "90 USD"}, "unheardOf in the schema"),
        ("not JSON", {"amount": "90 USD"}, "is no JSON"),
    ],
)
def test_an_edit_is_held_against_the_schema_that_came_with_the_call(
    guard: Guard, parameters: str, changes: dict[str, object], why: str
) -> None:
    ticket = asked(guard, '{"amount": "640 USD"}', parameters=parameters)
    with pytest.raises(NotAllowed) as raised:
        guard.resolve(ticket, "fay", "edit", changes=changes)
    assert why in raised.value.problem


def test_what_the_model_wrote_and_a_person_left_as_it_was_does_not_stop_their_edit(guard: Guard) -> None:
    ticket = asked(guard, '{"amount": "640 USD", "note": 5}', parameters=SCHEMA)
    assert guard.resolve(ticket, "fay", "edit", changes={"amount": "90 USD"}).state is State.DECIDED


def test_what_an_edit_changes_is_told(guard: Guard) -> None:
    refunds = Refunds(guard)
    decided = refunds.edit(refunds.ticket(), amount=590, currency="EUR")
    assert decided.resolution is not None
    assert decided.resolution.changes == ("amount 640 → 590", "currency USD → EUR")
    assert (decided.resolution.verdict, decided.resolution.person) == (Verdict.EDIT, "fay")


def test_what_was_masked_stays_masked_where_a_difference_is_told(guard: Guard) -> None:
    ticket = asked(guard, f'{{"amount": "640 USD", "key": "{KEY}", "to": {{"a": [1, 2]}}}}')
    changes = {"key": KEY[:-1] + "X", "to": {"a": [1, 3]}}
    assert guard.people is not None
    person = "priya" if store_of(guard).get("default", ticket).role == "privacy_lead" else "fay"
    told = guard.resolve(ticket, person, "edit", changes=changes).resolution
    assert told is not None
    assert "to.a[1] 2 → 3" in told.changes
    assert "masked" in str(told.changes)
    assert KEY[:12] not in str(told.changes)


@pytest.mark.parametrize("changes", [{}, {"amount": 640.0}, {"order": "o1", "amount": 640}])
def test_an_edit_that_changes_nothing_is_refused(guard: Guard, changes: dict[str, object]) -> None:
    refunds = Refunds(guard)
    with pytest.raises(NotAllowed, match="changes nothing"):
        refunds.edit(refunds.ticket(), **changes)


@pytest.mark.parametrize(
    "changes", [{"currency": "KWD"}, {"amount": None}, {"currency": "BTC"}, {"amount": []}]
)
def test_what_an_edit_makes_unreadable_is_not_taken_to_be_what_it_was(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    with shop_guard(tmp_path, WITH_CURRENCY) as guard:
        ticket = asked(guard, '{"amount": 640, "currency": "USD"}')
        with pytest.raises(NotAllowed, match=r"refund\.amount of the edited action cannot be read"):
            guard.resolve(ticket, "fay", "edit", changes=changes)
        assert counted(guard) == 0
        guard.resolve(ticket, "fay", "edit", changes=changes, amounts={"refund.amount": usd(640)})
        with pytest.raises(PolicyChanged), guard.authorised(ticket):
            pytest.fail("must not begin")


@pytest.mark.parametrize("place", ["tool.args.items.0.amount", '"tool.args.items[0].amount"'])
def test_the_ledger_books_what_is_paid_wherever_in_the_arguments_it_stands(
    tmp_path: Path, place: str
) -> None:
    with shop_guard(tmp_path, POLICY.replace("tool.args.amount", place)) as guard:
        ticket = asked(guard, '{"items": [{"amount": "640 USD"}, {"amount": "1 USD"}]}')
        edited = {"items": [{"amount": "9000 USD"}, {"amount": "1 USD"}]}
        told = guard.resolve(ticket, "fay", "edit", changes=edited).resolution
        assert told is not None
        assert told.changes == ("items[0].amount 640 USD → 9000 USD",)
        assert counted(guard) == usd(9000)


def test_a_key_that_an_edit_puts_into_an_argument_is_found_before_it_runs(guard: Guard) -> None:
    ticket = asked(guard, '{"amount": "640 USD", "note": "thanks"}')
    guard.resolve(ticket, "fay", "edit", changes={"note": KEY})
    with pytest.raises(PolicyChanged, match="privacy_lead"), guard.authorised(ticket):
        pytest.fail("must not begin")


def handed_off(guard: Guard, question: str, answer: str) -> str:
    @guard
    def bot(asked: str) -> str:
        return answer

    with guard.context(customer="c1"):
        found = guard.result(bot, question)
    assert isinstance(found, Handoff)
    return found.ticket


def test_what_is_approved_or_edited_of_a_held_answer_is_its_draft(guard: Guard) -> None:
    ticket = handed_off(guard, "What is the key?", f"It is {KEY}.")
    with pytest.raises(NotAllowed, match="changes nothing"):
        guard.resolve(ticket, "priya", "edit", answer=f"It is {KEY}.")
    guard.resolve(ticket, "priya", "edit", answer="I cannot tell.")
    found = guard.resolution(ticket)
    assert found is not None
    assert found.answer == "I cannot tell."


@pytest.mark.parametrize("verdict", ["approve", "edit"])
def test_where_nothing_is_proposed_nothing_can_be_approved(guard: Guard, verdict: str) -> None:
    ticket = handed_off(guard, "I want to talk to a human agent", "unused")
    with pytest.raises(NotAllowed, match="write the customer an answer, reject or reassign it"):
        guard.resolve(ticket, "quinn", verdict, answer="Hello" if verdict == "edit" else "")
    held = store_of(guard).get("default", ticket).ticket
    assert held is not None
    assert held.allowed == (Verdict.REJECT, Verdict.ANSWER)
    with pytest.raises(HandrailError, match="an answer needs its text"):
        guard.resolve(ticket, "quinn", "answer", answer="  ")
    assert guard.resolve(ticket, "quinn", "answer", answer="Hello!").state is not State.CLAIMED


def test_a_ticket_shows_what_was_decided_and_what_came_in_later(tmp_path: Path) -> None:
    with shop_guard(tmp_path) as guard:
        ticket = Refunds(guard).ticket()
        common = ["--store", f"sqlite:///{tmp_path}/handrail.db"]
        people = ["--policy", f"{tmp_path}/shop.yaml", "--people", f"{tmp_path}/people.yaml"]
        decide = ["decide", ticket, "edit", "--set", "amount=590", "--message", "On its way", "--as", "fay"]
        previewed = CliRunner().invoke(tickets.commands, [*decide, "--preview", *common, *people])
        assert "amount 640 → 590" in previewed.output
        assert "decided" not in previewed.output
        done = CliRunner().invoke(tickets.commands, [*decide, *common, *people])
        assert "amount 640 → 590" in done.output
        assert f"{ticket} is decided" in done.output
        shown = CliRunner().invoke(tickets.commands, ["show", ticket, *common]).output
        for words in ("edited by fay (finance_lead)", "amount 640 → 590", "To the customer: On its way"):
            assert words in shown


def every_error() -> list[HandrailError]:
    handoff = Handoff(ticket="t1", role="lead", triggers=(), notice="", due=None)
    decision = Decision(
        stage=Stage.ANSWER, effect=Effect.BLOCK, policy=PolicyRef(name="p", version="1", sha256="00")
    )
    own: dict[type[Any], tuple[tuple[Any, ...], dict[str, Any]]] = {
        errors.PolicyNotInForce: (("refunds", "nobody agreed to it"), {}),
        errors.PolicyError: (("wrong",), {"file": "p.yaml", "line": 3, "column": 7}),
        errors.MissingExtra: (("otel", "opentelemetry"), {"setting": "tracing"}),
        errors.CheckFailed: (("gate",), {"exchange": "x", "why": "late"}),
        errors.RequestRefused: (("too large",), {"code": "size", "status": 413, "param": "messages"}),
        errors.HandoffRequired: ((handoff,), {}),
        errors.AnswerBlocked: ((decision,), {}),
        errors.TicketError: (("t1", "not now"), {}),
        errors.NotPermitted: (("claim", "role"), {}),
        errors.NotInEffect: (("t1", 1.5), {}),
    }
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, HandrailError)]
    made = []
    for kind in kinds:
        args, given = next((own[base] for base in kind.__mro__ if base in own), (("said",), {}))
        made.append(kind(*args, **given))
    return made


def same(error: BaseException) -> BaseException:
    return error


def raised(error: BaseException) -> None:
    raise error


def alike(one: BaseException, other: BaseException) -> bool:
    return (type(one), str(one), one.args, vars(one)) == (type(other), str(other), other.args, vars(other))


def test_every_error_survives_pickle_copy_and_a_pool_of_processes() -> None:
    made = every_error()
    assert len(made) > 20
    with ProcessPoolExecutor(1) as pool:
        for error, back in zip(made, pool.map(same, made), strict=True):
            assert alike(error, back)
            assert alike(error, pickle.loads(pickle.dumps(error)))
            assert alike(error, copy.copy(error))
            assert alike(error, copy.deepcopy(error))
            with pytest.raises(type(error)) as caught:
                pool.submit(raised, error).result()
            assert alike(error, caught.value)


class Ends(BaseException):
    """An error that is no `Exception`."""


RAISED = [
    StopIteration,
    StopAsyncIteration,
    GeneratorExit,
    asyncio.CancelledError,
    Ends,
    KeyError,
    RecursionError,
]
BOTH = pytest.mark.parametrize("is_async", [False, True])


def gated(guard: Guard, is_async: bool, arguments: str = '{"amount": "40 USD"}') -> Any:
    call = ToolCall(id="k1", name="issue_refund", arguments=arguments)
    return asyncio.run(asyncio.wait_for(guard.agate(call), 20)) if is_async else guard.gate(call)


def throwing(kind: type[BaseException]) -> Any:
    def thrown(*_: object) -> Any:
        raise kind("said")

    return thrown


@BOTH
@pytest.mark.parametrize("kind", RAISED)
def test_whatever_a_fact_source_raises_its_facts_are_unknown(
    tmp_path: Path, kind: type[BaseException], is_async: bool
) -> None:
    rule = '{id: halted, when: tool.name == "issue_refund" and halted, to: privacy_lead, because: Halted.}'
    policy = POLICY.replace("  input.findings:", "  halted: {type: yes/no}\n  input.findings:").replace(
        "\nhand_offs:\n", f"\nhand_offs:\n  - {rule}\n"
    )
    (tmp_path / "shop.yaml").write_text(policy)
    guard = Guard.from_policy(
        tmp_path / "shop.yaml", store=f"sqlite:///{tmp_path}/handrail.db", facts=throwing(kind)
    )
    passed = gated(guard, is_async)
    assert isinstance(passed, Outcome)
    assert passed.handoff is not None
    assert passed.handoff.role == "queue_manager"
    guard.close()


@BOTH
@pytest.mark.parametrize("kind", RAISED)
def test_whatever_an_observer_raises_the_decision_stands(
    tmp_path: Path, kind: type[BaseException], is_async: bool
) -> None:
    (tmp_path / "shop.yaml").write_text(POLICY)
    guard = Guard.from_policy(
        tmp_path / "shop.yaml", store=f"sqlite:///{tmp_path}/handrail.db", observe=throwing(kind)
    )
    assert not isinstance(gated(guard, is_async), Outcome)
    handed_off = gated(guard, is_async, '{"amount": "640 USD"}')
    assert handed_off.handoff.role == "finance_lead"
    guard.close()


class Opaque:
    """A value that its reader cannot read."""


@pytest.mark.parametrize("kind", RAISED)
def test_whatever_a_registered_reader_raises_the_value_is_unreadable(
    guard: Guard, kind: type[BaseException]
) -> None:
    register(Opaque, throwing(kind))
    ran: list[object] = []

    @guard.tool
    def act(value: object) -> None:
        ran.append(value)

    with pytest.raises(HandoffRequired) as raised:
        act(Opaque())
    assert raised.value.handoff.role == "queue_manager"
    assert ran == []


def test_an_observer_hears_of_counted_passes_and_of_authorised_runs(tmp_path: Path) -> None:
    heard: list[str] = []
    counting = POLICY.replace(
        "  input.findings:",
        "  refunds: {type: money, currencies: [USD], from: ledger, sum: refund.amount, where: issue_refund,\n"
        "    per: customer, within: 30 days}\n  input.findings:",
    ).replace("refund.amount > 500 USD", "refund.amount + refunds > 500 USD")
    (tmp_path / "shop.yaml").write_text(counting)
    (tmp_path / "people.yaml").write_text(PEOPLE)
    guard = Guard.from_policy(
        tmp_path / "shop.yaml",
        people=tmp_path / "people.yaml",
        store=f"sqlite:///{tmp_path}/handrail.db",
        observe=lambda seen: heard.append(str(seen.decision.effect)),
    )
    refunds = Refunds(guard)
    with guard.context(customer="c1"):
        refunds.refund("o1", 40)
    assert heard == ["pass"]
    ticket = refunds.ticket()
    assert heard == ["pass", "hand_off"]
    guard.resolve(ticket, "fay", "approve")
    with guard.authorised(ticket) as action:
        action.run()
    assert len(heard) == 3
    guard.close()


@pytest.mark.parametrize("is_async", [False, True])
def test_arguments_that_change_while_the_gate_waits_are_not_what_runs(guard: Guard, is_async: bool) -> None:
    ran: list[object] = []
    given = {"amount": 39, "to": ["ann"]}

    async def act(order: dict[str, Any]) -> None:
        ran.append(copy.deepcopy(order))

    tool: Any = guard.tool(name="act")(act if is_async else lambda order: ran.append(copy.deepcopy(order)))

    async def changed() -> None:
        running = asyncio.ensure_future(tool(given))
        await asyncio.sleep(0)
        given["amount"] = 64000
        await running

    if is_async:
        asyncio.run(changed())
    else:
        tool(given)
    assert ran == [{"amount": 39, "to": ["ann"]}]


def test_what_is_approved_for_one_object_runs_on_no_other(guard: Guard) -> None:
    class Account:
        def __init__(self, name: str) -> None:
            self.name, self.paid = name, list[str]()

        @guard.tool(name="issue_refund", receiver="name")
        def issue_refund(self, amount: str) -> None:
            self.paid.append(amount)

    ann, ben = Account("ann"), Account("ben")
    with pytest.raises(HandoffRequired) as raised:
        ann.issue_refund("640 USD")
    ticket = raised.value.handoff.ticket
    guard.resolve(ticket, "fay", "approve")
    with pytest.raises(DigestMismatch), guard.authorised(ticket) as action:
        action.run(receiver=ben)
    assert (ann.paid, ben.paid) == ([], [])


def test_a_request_for_millions_of_answers_is_refused_before_anything_is_made_of_it(guard: Guard) -> None:
    with model_server(Say("unused")) as server, OpenAI(base_url=server.url, api_key="k") as plain:
        client = guard_openai(plain, guard)
        with pytest.raises((BadRequestError, RequestRefused)):
            client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "A human, please"}], n=3_000_000
            )
        assert server.seen == []
