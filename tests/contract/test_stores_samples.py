"""Passed answers that people check, in every store: who may do what, and what calibration reads of it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from handrail.errors import AlreadyDecided, HandrailError, NotAllowed, TicketNotFound
from handrail.records import Decision, Effect, PolicyRef, Stage
from handrail.review.calibration.decision_log import log_lines
from handrail.store import samples as audits
from handrail.tickets.ports import DecisionEntry
from handrail.tickets.resolution import Resolution
from handrail.tickets.samples import SampledAnswer, SampleText, SampleVerdict
from handrail.tickets.ticket import Verdict
from support.stores import NOW, SECRET, Sides, actor, new_ticket, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    made = postgres_sides() if request.param == "postgresql" else sqlite_sides(tmp_path / "store.db")
    yield made
    made.close()


def answer(exchange: str = "x1", *, tenant: str = "default", customer: str | None = "erika") -> SampledAnswer:
    return SampledAnswer(
        exchange=exchange,
        tenant=tenant,
        roles=("finance_lead", "queue_manager"),
        customer=customer,
        masked=SampleText(answer="Card [credit_card]."),
        plain=SampleText(answer=f"Card {SECRET}."),
    )


def test_the_application_keeps_and_a_member_of_the_roles_reads_and_judges(sides: Sides) -> None:
    audits.keep(sides.app, answer(), at=NOW)
    audits.keep(sides.app, answer("x2", customer=None), at=NOW + timedelta(minutes=1))
    assert [row.exchange for row in audits.waiting(sides.inbox, "default")] == ["x1", "x2"]
    with pytest.raises(NotAllowed):
        audits.show(sides.inbox, "default", "x1", actor("pat"))
    row, words = audits.show(sides.inbox, "default", "x1", actor("quin"))
    assert words == SampleText(answer="Card [credit_card].")
    assert row.verdict is None
    _, plain = audits.show(sides.inbox, "default", "x1", actor("fay"), unmask=True)
    assert plain == SampleText(answer=f"Card {SECRET}.")
    with pytest.raises(NotAllowed):
        audits.judge(sides.inbox, "default", "x1", SampleVerdict.RIGHT, actor("pat"))
    audits.judge(sides.inbox, "default", "x1", SampleVerdict.WRONG, actor("fay"))
    with pytest.raises(AlreadyDecided):
        audits.judge(sides.inbox, "default", "x1", SampleVerdict.RIGHT, actor("quin"))
    with pytest.raises(TicketNotFound):
        audits.judge(sides.inbox, "default", "x3", SampleVerdict.RIGHT, actor("quin"))
    assert [row.exchange for row in audits.waiting(sides.inbox, "default")] == ["x2"]
    done = audits.waiting(sides.inbox, "default", judged=True)
    assert [(row.exchange, row.verdict, row.judged_by) for row in done] == [("x1", "wrong", "fay")]
    looks = [(e["kind"], e["actor"], e["role"]) for e in sides.admin.export() if e["actor"]]
    assert looks == [
        ("answer.view", "quin", "queue_manager"),
        ("answer.unmask", "fay", "finance_lead"),
        ("answer.judge", "fay", "finance_lead"),
    ]
    assert sides.admin.verify().is_intact


def test_no_tenant_sees_anothers_answers(sides: Sides) -> None:
    audits.keep(sides.app, answer(tenant="acme"), at=NOW)
    assert audits.waiting(sides.inbox, "default") == []
    with pytest.raises(TicketNotFound):
        audits.show(sides.inbox, "default", "x1", actor("quin"))


def test_an_erased_customer_leaves_the_verdict_and_no_words(sides: Sides) -> None:
    audits.keep(sides.app, answer(), at=NOW)
    audits.judge(sides.inbox, "default", "x1", SampleVerdict.RIGHT, actor("fay"))
    sides.admin.erase("default", "erika", by="admin", now=NOW)
    row, words = audits.show(sides.inbox, "default", "x1", actor("fay"))
    assert (row.verdict, words) == (SampleVerdict.RIGHT, None)


def test_an_administrator_removes_old_words_and_verdicts_stay(sides: Sides) -> None:
    audits.keep(sides.app, answer(), at=NOW)
    audits.keep(sides.app, answer("x2"), at=NOW + timedelta(days=2))
    audits.judge(sides.inbox, "default", "x1", SampleVerdict.RIGHT, actor())
    for count in (1, 0):
        before = NOW + timedelta(days=1)
        assert audits.prune(sides.admin, "default", before=before, by="admin", now=NOW) == count
    row, words = audits.show(sides.inbox, "default", "x1", actor())
    assert (row.verdict, words) == (SampleVerdict.RIGHT, None)
    assert audits.show(sides.inbox, "default", "x2", actor())[1] is not None
    assert sides.admin.verify().is_intact


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audits SET verdict = 'right'",
        "INSERT INTO audits (tenant, exchange, roles, model, at, verdict) "
        "VALUES ('default', 'x9', '[]', 'm', 0, 'right')",
        "DELETE FROM audits",
    ],
)
def test_the_application_cannot_say_that_an_answer_was_right(statement: str) -> None:
    sides = postgres_sides()
    audits.keep(sides.app, answer(), at=NOW)
    assert sides.logins is not None
    engine = create_engine(sides.logins.app)
    with engine.connect() as conn, pytest.raises(DBAPIError, match="permission denied"):
        conn.execute(text("SELECT set_config('handrail.tenant', 'default', false)"))
        conn.execute(text(statement))
    engine.dispose()
    with pytest.raises(HandrailError):
        audits.judge(sides.app, "default", "x1", SampleVerdict.RIGHT, actor("fay"))
    sides.close()


def scored(sides: Sides, exchange: str, *, escalated: bool, audited: bool = True) -> None:
    effect = Effect.HAND_OFF if escalated else Effect.PASS
    policy = PolicyRef(name="shop", version="1", sha256="ab" * 32)
    row = {
        "score": 0.1 + 0.2,
        "method": "sequence",
        "model": "m",
        "prompt_sha256": "0" * 64,
        "audit_probability": 1.0 if escalated or audited else 0.25,
        "audit_floor": 0.25,
        "audit_lowest": None,
        "audited": audited,
        "escalated": escalated,
    }
    decision = Decision(stage=Stage.ANSWER, effect=effect, policy=policy)
    entry = DecisionEntry(decision=decision, exchange=exchange, tenant="default", at=NOW, scored=row)
    sides.app.log(entry)


def test_the_log_holds_scores_unrounded_with_verdicts_from_checks_and_from_tickets(sides: Sides) -> None:
    for name, verdict in {"t1": Verdict.APPROVE, "t2": Verdict.REJECT, "t3": None}.items():
        scored(sides, name, escalated=True)
        sides.app.open(new_ticket(name))
        sides.inbox.claim("default", name, actor())
        if verdict is not None:
            sides.inbox.resolve("default", name, Resolution(verdict=verdict), actor())
    scored(sides, "x1", escalated=False)
    scored(sides, "x1", escalated=False)
    scored(sides, "x2", escalated=False, audited=False)
    audits.keep(sides.app, answer(), at=NOW)
    audits.judge(sides.inbox, "default", "x1", SampleVerdict.WRONG, actor())
    sides.app.flush()
    unscored = Decision(
        stage=Stage.ANSWER, effect=Effect.PASS, policy=PolicyRef(name="s", version="1", sha256="")
    )
    sides.app.log(DecisionEntry(decision=unscored, exchange="unscored", tenant="default", at=NOW))
    sides.app.flush()
    rows = [json.loads(line) for line in log_lines(sides.admin, "default")]
    assert {row["exchange"]: row.get("verdict") for row in rows} == {
        "t1": "right",
        "t2": "wrong",
        "t3": None,
        "x1": "wrong",
        "x2": None,
    }
    assert len(rows) == 5
    assert {row["score"] for row in rows} == {0.1 + 0.2}
    assert not list(log_lines(sides.admin, "default", NOW + timedelta(seconds=1)))
    assert sides.admin.verify().is_intact
