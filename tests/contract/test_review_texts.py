"""What people hear and take out by hand becomes a word and an entity of the policy; both stores."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from handrail import Guard, Handoff
from handrail.cli import build
from handrail.errors import HandoffRequired
from handrail.guard.opening import scanner_of
from handrail.policy import load
from handrail.review.changes.accept import accept
from handrail.review.changes.proposal import Proposal
from handrail.review.log.cases import ReviewPeriod
from handrail.review.store_review import review_of_store
from handrail.store import Actor, open_store
from handrail.testing import FrozenClock
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.stores import Sides, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
WEEKS = 6
POLICY = """\
policy: shop
version: "1"
if_unsure: queue_manager
roles:
  queue_manager: {}
  supervisor: {}
facts:
  signal.complaint: {type: yes/no}
  answer.kind: {type: one of}
  output.findings: {type: set, values: [personnel]}
signals:
  # The shop's customers are blunt.
  complaint: {level: 0.99}
hand_offs:
  - id: complaint
    when: signal.complaint
    to: supervisor
    trigger: complaint
    because: A supervisor answers complaints.
  - id: staff
    when: output.findings has "personnel"
    effect: redact
    trigger: sensitive_data
    because: Nothing about staff leaves.
  - id: every-answer
    when: answer.kind == "text"
    to: queue_manager
    trigger: high_stakes
    because: Every answer is read.
"""
PEOPLE = "roles:\n  queue_manager: [quinn]\n  supervisor: [sue]\n"
TEXT = "the order came today and we would like to know when another one is sent to our new house"
NEUTRAL = TEXT.split()
CHANCE = random.Random(20261129)


class Staff:
    """Who fills which role."""

    def members(self, role: str) -> frozenset[str]:
        return frozenset({"sue"}) if role == "supervisor" else frozenset({"quinn"})


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    made = postgres_sides() if request.param == "postgresql" else sqlite_sides(tmp_path / "store.db")
    yield made
    made.close()


class Shop:
    """A shop whose answers hold a number of somebody on its staff, and people who decide."""

    def __init__(self, sides: Any, folder: Path) -> None:
        self.sides, self.clock = sides, FrozenClock(START)
        self.policy, self.people = folder / "shop.yaml", folder / "people.yaml"
        self.policy.write_text(POLICY)
        self.people.write_text(PEOPLE)
        for side in (sides.app, sides.inbox):
            side._clock = self.clock
        self.count = 0

    def guard(self) -> Guard:
        return Guard.from_policy(self.policy, people=self.people, store=self.sides.app, clock=self.clock)

    def asked(self, guard: Guard, question: str, answer: str) -> Handoff:
        @guard
        def reply(question: str) -> str:
            return answer

        self.count += 1
        with (
            guard.context(customer=f"c{self.count}", conversation=f"v{self.count}", tenant="shop"),
            pytest.raises(HandoffRequired) as caught,
        ):
            reply(question)
        return caught.value.handoff

    def decide(self, ticket: str, person: str, answer: str) -> None:
        store, hand = self.sides.inbox, self.by(person)
        store.claim("shop", ticket, hand)
        store.resolve("shop", ticket, Resolution(verdict=Verdict.ANSWER, answer=answer), self.by(person))

    def by(self, person: str) -> Actor:
        self.clock.advance(seconds=20)
        return Actor(person=person, people=Staff(), now=self.clock())

    def weeks(self, word: str, number: str) -> None:
        """Play some weeks: a quarter of the customers write the word, half of the answers hold the number."""
        guard = self.guard()
        for week in range(WEEKS):
            self.clock.advance(seconds=(START + timedelta(weeks=week) - self.clock()).total_seconds())
            for place in range(8):
                has_word, has_number = place % 4 == 0, place % 4 < 2
                words = [*CHANCE.choices(NEUTRAL, k=8), *([word] if has_word else [])]
                value = f"{number}{CHANCE.randrange(10**4, 10**5)}" if has_number else "a colleague"
                answer = "We have looked into it, {} will write to you within the next few days."
                handed = self.asked(guard, " ".join(words), answer.format(value))
                role = handed.role
                if has_word and role != "supervisor":
                    by, role = self.by("quinn"), "supervisor"
                    self.sides.inbox.reassign("shop", handed.ticket, role, why="theirs", actor=by)
                self.decide(
                    handed.ticket, "sue" if role == "supervisor" else "quinn", answer.format("somebody")
                )
        guard.close()

    def proposed(self) -> dict[str, Proposal]:
        until = self.clock() + timedelta(days=1)
        period = ReviewPeriod(since=until - timedelta(weeks=1), until=until)
        scanner, file = scanner_of(load(self.policy)), str(self.policy)
        found = review_of_store(self.sides.inbox, "shop", period, scanner=scanner, policy=file, now=until)
        return {one.kind: one for one in found.patches if one.kind in ("word", "entity")}

    def accept(self, proposal: Proposal) -> None:
        today = self.clock().date()
        assert accept(proposal, self.policy, "quinn", people=None, today=today, effective=today).is_written


def test_what_people_hear_and_take_out_is_heard_and_found_once_it_is_accepted(
    sides: Sides, tmp_path: Path
) -> None:
    shop = Shop(sides, tmp_path)
    shop.weeks("schlamperei", "EMP-")
    found = shop.proposed()
    assert "schlamperei" in found["word"].title
    assert "EMP-99999" in found["entity"].title
    assert found["word"].is_ready, found["word"].problems
    assert found["entity"].is_ready, found["entity"].problems
    assert shop.proposed()["word"].id == found["word"].id
    shop.accept(found["word"])
    shop.accept(shop.proposed()["entity"])
    assert shop.proposed() == {}
    guard = shop.guard()
    handed = shop.asked(guard, "so eine schlamperei", "EMP-48213 writes to you.")
    assert handed.role == "supervisor"
    guard.close()
    view = sides.inbox.get("shop", handed.ticket)
    assert view.ticket is not None
    assert "EMP-48213" not in view.ticket.model_dump_json()


def test_the_command_proposes_the_word_and_accepts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/store.db"
    store = open_store(url)
    shop = Shop(SimpleNamespace(app=store, inbox=store), tmp_path)
    shop.weeks("schlamperei", "EMP-")
    store.close()
    week = f"{shop.clock():%G-W%V}"
    given = ["--store", url, "--policy", "shop.yaml", "--tenant", "shop", "--week", week, "--out", "out"]
    ran = CliRunner().invoke(build(), ["review", *given])
    assert ran.exit_code == 0, ran.output
    found = json.loads((tmp_path / "out" / "proposals.json").read_text())
    name = next(one["id"] for one in found if one["kind"] == "word")
    assert "schlamperei" in (tmp_path / "out" / "review.html").read_text()
    ran = CliRunner().invoke(
        build(), ["review", "accept", name, "--policy", "shop.yaml", "--as", "quinn", "--out", "out"]
    )
    assert ran.exit_code == 0, ran.output
    assert "words: [schlamperei]" in shop.policy.read_text()


def test_a_week_in_which_nothing_is_so_leads_to_no_word_and_no_entity(sides: Sides, tmp_path: Path) -> None:
    shop = Shop(sides, tmp_path)
    shop.weeks("today", "")
    assert shop.proposed() == {}
