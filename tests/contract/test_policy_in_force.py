"""Two people put a version of a policy in force, from a day on; what it does to open tickets; both stores."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from handrail import Guard, HandoffRequired
from handrail.errors import PolicyNotInForce, StoreUnavailable
from handrail.guard.enforcement import PolicyInForce, enforced
from handrail.ids import new_id
from handrail.policy import Policy, loads
from handrail.records import ToolCall
from handrail.service import KeptPolicies
from handrail.store import Actor
from handrail.store.policies import Enforcement, PolicyChange
from handrail.testing import FrozenClock
from handrail.tickets.action import action_digest
from handrail.tickets.fact_record import FactRecord
from handrail.tickets.lifecycle import State
from handrail.tickets.policy_change import on_change
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Ticket, Verdict
from support.stores import NOW, Sides, actor, new_ticket, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
DAY = timedelta(days=1)
POLICY = """\
policy: {name}
version: "{version}"
if_unsure: queue_manager
enforced_by: process_owner
{more}
roles:
  finance_lead: {{answer_within: 30 minutes, backup: process_owner}}
  legal_lead: {{answer_within: 30 minutes}}
  queue_manager: {{}}
  process_owner: {{}}
facts:
  tool.name: {{type: text, from: tool.name}}
  refund.amount: {{type: money, currencies: [USD], from: tool.args.amount, optional: true}}
hand_offs:
  - id: big-refund
    when: tool.name == "issue_refund" and refund.amount > {limit} USD
    {then}
    because: Signed.
"""


class NoSpool:
    """A spool for a store that is always there."""

    def put(self, ticket: Ticket) -> None:
        raise AssertionError("the store was there")


class Owners:
    """Two people who may put a policy in force, and one who may not."""

    def members(self, role: str) -> frozenset[str]:
        return frozenset({"pat", "pam"}) if role == "process_owner" else frozenset({"fay"})


@pytest.fixture(scope="module")
def postgres() -> Iterator[Sides]:
    sides = postgres_sides()
    yield sides
    sides.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres")
        return
    made = sqlite_sides(tmp_path / "store.db")
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def alone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    """A store in which nothing was ever put in force."""
    made = postgres_sides() if request.param == "postgresql" else sqlite_sides(tmp_path / "alone.db")
    yield made
    made.close()


@pytest.fixture
def name() -> str:
    return f"shop-{new_id()[-12:]}"


def text(name: str, version: int = 1, **more: object) -> str:
    values = {"limit": 500, "then": "to: finance_lead", "more": "", **more}
    return POLICY.format(name=name, version=version, **values)


def said(sides: Sides, source: str, person: str, **more: object) -> PolicyChange:
    wanted = Enforcement(ref=loads(source).ref, source=source, role="process_owner", **more)  # type: ignore[arg-type]
    return sides.inbox.enforce_policy(wanted, Actor(person=person, people=Owners(), now=NOW))


def test_a_version_is_in_force_once_two_people_agreed_and_its_day_has_come(alone: Sides, name: str) -> None:
    old, new = text(name), text(name, 2, limit=100)
    assert said(alone, old, "pat").since is None
    assert said(alone, old, "pat").since is None
    held, due = enforced(alone.app, loads(new), None, NOW)
    assert (held.ref, due) == (loads(new).ref, None)
    assert said(alone, old, "pam").since == NOW
    assert said(alone, old, "pat", effective_from=NOW).since == NOW
    held, due = enforced(alone.app, loads(new), None, NOW)
    assert (held.ref, due) == (loads(old).ref, None)
    said(alone, new, "pam", effective_from=NOW + DAY)
    assert enforced(alone.app, loads(new), None, NOW + 2 * DAY)[0].ref == loads(old).ref
    assert said(alone, new, "pat", effective_from=NOW + DAY).since == NOW + DAY
    held, due = enforced(alone.app, loads(new), None, NOW)
    assert (held.ref, due) == (loads(old).ref, NOW + DAY)
    held, due = enforced(alone.app, loads(old), None, NOW + DAY)
    assert (held.ref, due) == (loads(new).ref, None)
    kinds = [one["kind"] for one in alone.admin.export() if name in str(one["data"])]
    assert sorted(kinds) == ["policy.agree", "policy.agree", "policy.propose", "policy.propose"]
    assert alone.admin.verify().problems == ()


def test_a_program_that_asks_again_and_again_is_told_once_of_a_change(
    alone: Sides, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    old, new = loads(text(name)), text(name, 2, limit=100)
    clock = FrozenClock(NOW)
    desk = PolicyInForce(store=alone.app, held=old, folder=None, clock=clock)
    inbox = KeptPolicies(store=alone.app, given=old, clock=clock)
    assert desk() is inbox.current() is old
    for person in ("pat", "pam"):
        said(alone, new, person)
    assert {desk().ref for _ in range(5)} == {inbox.current().ref for _ in range(5)} == {loads(new).ref}
    assert desk() is desk()
    told = [one.getMessage() for one in caplog.records if "not the one held here" in one.getMessage()]
    assert len(told) == 2
    assert loads(new).ref.sha256[:8] in told[0]
    assert old.ref.sha256[:8] in told[0]


def test_one_person_or_one_of_another_role_puts_nothing_in_force(sides: Sides, name: str) -> None:
    source = text(name)
    with pytest.raises(PolicyNotInForce, match="only a member of process_owner"):
        said(sides, source, "fay")
    for _ in range(3):
        assert said(sides, source, "pat").by == ("pat",)
    assert len(sides.app.policy_changes(name)) == 1


def test_a_version_that_is_not_in_force_yet_is_refused_where_none_was_before(alone: Sides, name: str) -> None:
    source = text(name)
    for person in ("pat", "pam"):
        said(alone, source, person, effective_from=NOW + DAY)
    with pytest.raises(PolicyNotInForce, match="in force from 2026-01-06"):
        enforced(alone.app, loads(source), None, NOW)
    assert enforced(alone.app, loads(source), None, NOW + DAY)[0].ref == loads(source).ref


def test_renaming_a_policy_opens_no_way_around_what_is_in_force(alone: Sides, name: str) -> None:
    other = loads(text("renamed"))
    assert enforced(alone.app, other, None, NOW)[0] is other
    for person in ("pat", "pam"):
        said(alone, text(name), person)
    with pytest.raises(PolicyNotInForce, match="no version of it was put in force"):
        enforced(alone.app, other, None, NOW)
    for person in ("pat", "pam"):
        said(alone, text("renamed"), person)
    assert enforced(alone.app, other, None, NOW)[0] is other


def test_the_application_cannot_put_a_policy_in_force(postgres: Sides, name: str) -> None:
    source = text(name)
    wanted = Enforcement(ref=loads(source).ref, source=source, role="process_owner")
    with pytest.raises(Exception, match="sign"):
        postgres.app.enforce_policy(wanted, Actor(person="pat", people=Owners(), now=NOW))


ALTERATIONS = (
    "UPDATE policy_changes SET person = 'pam' WHERE kind = 'propose'",
    "UPDATE policy_changes SET effective_from = 0",
    "UPDATE policy_changes SET source = 'x' WHERE kind = 'propose'",
    "UPDATE policy_changes SET sha256 = 'x'",
    "UPDATE policy_changes SET kind = 'agree', change = id",
    "UPDATE policy_changes SET mac = NULL",
    "INSERT INTO policy_changes SELECT 'forged', change, 'agree', name, sha256, 'pam', role, at, "
    "effective_from, '', key_id, signature, mac FROM policy_changes WHERE kind = 'propose'",
)


@pytest.mark.parametrize("statement", ALTERATIONS)
def test_a_forged_record_of_who_agreed_is_found_and_puts_nothing_in_force(
    tmp_path: Path, name: str, statement: str
) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    said(sides, text(name), "pat")
    assert sides.admin.verify().problems == ()
    conn = sqlite3.connect(tmp_path / "store.db")
    conn.execute(statement)
    conn.commit()
    conn.close()
    with pytest.raises(StoreUnavailable):
        enforced(sides.app, loads(text(name, 2)), None, NOW)
    assert sides.admin.verify().problems != ()
    sides.close()


def test_a_record_that_was_deleted_is_found(tmp_path: Path, name: str) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    for person in ("pat", "pam"):
        said(sides, text(name), person)
    conn = sqlite3.connect(tmp_path / "store.db")
    conn.execute("DELETE FROM policy_changes")
    conn.commit()
    conn.close()
    assert "gone from the store" in str(sides.admin.verify().problems)
    sides.close()


PEOPLE = "roles: {finance_lead: [fay], legal_lead: [lea], queue_manager: [quin], process_owner: [pat, pam]}\n"


def guard_of(folder: Path, source: str, clock: FrozenClock) -> Guard:
    (folder / "policy.yaml").write_text(source)
    (folder / "people.yaml").write_text(PEOPLE)
    store = f"sqlite:///{folder}/handrail.db"
    return Guard.from_policy(folder / "policy.yaml", people=folder / "people.yaml", store=store, clock=clock)


def enforce(guard: Guard, source: str, *people: str, **more: object) -> None:
    wanted = Enforcement(ref=loads(source).ref, source=source, role="process_owner", **more)  # type: ignore[arg-type]
    for person in people:
        assert guard.people is not None
        guard.store.enforce_policy(  # type: ignore[attr-defined]
            wanted, Actor(person=person, people=guard.people, now=guard._clock())
        )


def test_a_running_guard_keeps_the_old_version_until_the_new_one_is_due(tmp_path: Path) -> None:
    clock = FrozenClock()
    old, new = text("shop"), text("shop", 2, limit=100)
    first = guard_of(tmp_path, old, clock)
    enforce(first, old, "pat", "pam")
    with pytest.raises(PolicyNotInForce, match="was not put in force"):
        first.reload(loads(new))
    enforce(first, new, "pam", "pat", effective_from=clock() + DAY)
    first.close()
    guard = guard_of(tmp_path, new, clock)
    refund = guard.tool(name="issue_refund")(lambda amount: "done")
    assert guard.policy.ref == loads(old).ref
    with guard.context(customer="c1"):
        assert refund(amount=200) == "done"
        clock.advance(days=1)
        with pytest.raises(HandoffRequired):
            refund(amount=200)
    assert guard.policy.ref == loads(new).ref
    guard.close()


def opened(sides: Sides, policy: Policy, **more: object) -> str:
    held = new_ticket(new_id(), **more)  # type: ignore[arg-type]
    record = held.policy.model_copy(update={"name": policy.ref.name, "sha256": policy.ref.sha256})
    return sides.app.open(held.model_copy(update={"policy": record})).ticket


def follow(sides: Sides, policy: Policy) -> dict[str, int]:
    judge = partial(on_change, policy)
    return sides.desk.follow_policy(judge, name=policy.ref.name, sha256=policy.ref.sha256, now=NOW)


def test_a_guard_that_is_built_by_hand_keeps_to_what_is_in_force_too(alone: Sides, name: str) -> None:
    old, new = text(name, limit=500), text(name, 2, limit=100)
    clock = FrozenClock(NOW)

    def built(source: str) -> Guard:
        return Guard(loads(source), store=alone.app, spool=NoSpool(), clock=clock)

    assert built(new).policy.ref == loads(new).ref, "nothing is in force, so the given one holds"
    for person in ("pat", "pam"):
        said(alone, old, person)
    guard = built(new)

    @guard.tool
    def issue_refund(amount: str) -> str:
        return "paid"

    assert issue_refund("200 USD") == "paid"
    assert guard.policy.ref == loads(old).ref
    with pytest.raises(PolicyNotInForce, match="no version of it was put in force"):
        built(text("renamed")).gate(ToolCall(id="1", name="issue_refund", arguments="{}"))


def test_a_store_that_was_out_of_reach_at_first_is_asked_again_what_is_in_force(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = sqlite_sides(tmp_path / "store.db")
    for person in ("pat", "pam"):
        said(sides, text(name), person)
    (tmp_path / "policy.yaml").write_text(text(name, 2, limit=100))
    store = sides.app

    def gone(*_: object) -> None:
        raise StoreUnavailable("policy changes")

    monkeypatch.setattr(store, "policy_changes", gone)
    guard = Guard.from_policy(tmp_path / "policy.yaml", store=store, clock=FrozenClock(NOW))
    monkeypatch.undo()
    assert guard.policy.ref == loads(text(name)).ref
    sides.close()


def test_open_tickets_are_kept_where_the_policy_says_nothing_else(sides: Sides, name: str) -> None:
    ticket = opened(sides, loads(text(name)))
    assert follow(sides, loads(text(name, 2))) == {"kept": 1}
    view = sides.inbox.get("default", ticket)
    assert (view.state, view.role, view.waiting_for) == (State.READY, "finance_lead", ("finance_lead",))


@pytest.mark.parametrize("more", ["", "on_change: rejudge"])
def test_a_ticket_whose_role_is_gone_goes_to_who_gets_what_is_unknown(
    sides: Sides, name: str, more: str
) -> None:
    ticket = sides.app.open(_judged(loads(text(name)))).ticket
    without = text(name, 2, more=more, then="to: legal_lead", limit=5000).replace(
        "  finance_lead: {answer_within: 30 minutes, backup: process_owner}\n", ""
    )
    assert "finance_lead" in sides.desk.open_roles()
    assert follow(sides, loads(without)) == {"moved": 1}
    assert sides.inbox.get("default", ticket).role == "queue_manager"


def test_open_tickets_move_from_an_old_role_to_the_one_that_the_policy_names(sides: Sides, name: str) -> None:
    new = loads(text(name, 2, more="on_change: {move: {finance_lead: process_owner}}"))
    ticket = opened(sides, loads(text(name)), co_approvers=("legal_lead",))
    other = opened(sides, loads(text(f"{name}x")))
    sides.inbox.claim("default", ticket, Actor(person="fay", people=Owners(), now=NOW))
    assert follow(sides, new) == {"moved": 1}
    assert follow(sides, new) == {}
    view = sides.inbox.get("default", ticket)
    assert (view.state, view.role, view.claimed_by) == (State.READY, "process_owner", None)
    assert view.waiting_for == ("process_owner", "legal_lead")
    assert sides.inbox.get("default", other).role == "finance_lead"
    assert sides.admin.verify().problems == ()


@pytest.mark.parametrize(
    ("more", "what", "state", "role"),
    [
        ({"then": "to: legal_lead"}, "moved", State.READY, "legal_lead"),
        ({"limit": 100}, "kept", State.READY, "finance_lead"),
        ({"limit": 5000}, "kept", State.READY, "finance_lead"),
        ({"then": "effect: block"}, "blocked", State.CANCELLED, "finance_lead"),
    ],
)
def test_open_tickets_are_judged_again_and_never_pass_by_themselves(
    sides: Sides, name: str, more: dict[str, object], what: str, state: State, role: str
) -> None:
    ticket = sides.app.open(_judged(loads(text(name)))).ticket
    new = loads(text(name, 2, more="on_change: rejudge", **more))
    assert follow(sides, new) == {what: 1}
    view = sides.inbox.get("default", ticket)
    assert (view.state, view.role) == (state, role)
    assert sides.admin.verify().problems == ()


def _judged(policy: Policy) -> Ticket:
    held = new_ticket(new_id())
    record = held.policy.model_copy(update={"name": policy.ref.name, "sha256": policy.ref.sha256})
    facts = {**held.facts, "tool.name": FactRecord.of("issue_refund")}
    assert held.action is not None
    assert held.sealed is not None
    digest = action_digest(
        held.action.tool, held.sealed.arguments, policy_sha256=record.sha256, tenant=held.tenant
    )
    action = held.action.model_copy(update={"digest": digest})
    return held.model_copy(update={"policy": record, "facts": facts, "action": action})


def test_who_agreed_under_the_old_version_must_agree_again_where_others_decide_now(
    sides: Sides, name: str
) -> None:
    held = _judged(loads(text(name))).model_copy(update={"co_approvers": ("legal_lead",)})
    ticket = sides.app.open(held).ticket
    approve = Resolution(verdict=Verdict.APPROVE)
    sides.inbox.claim("default", ticket, actor())
    sides.inbox.resolve("default", ticket, approve, actor())
    new = loads(text(name, 2, more="on_change: rejudge", then="to: legal_lead\n    also_to: [process_owner]"))
    assert follow(sides, new) == {"moved": 1}
    assert sides.inbox.get("default", ticket).agreed == ()
    for person in ("lea", "pat"):
        sides.inbox.claim("default", ticket, actor(person))
        sides.inbox.resolve("default", ticket, approve, actor(person))
    assert sides.inbox.get("default", ticket).state is State.DECIDED
    assert sides.app.begin("default", ticket, now=NOW + timedelta(minutes=3)).ticket == ticket
    assert sides.admin.verify().problems == ()
