"""Two people put a change in force and take it back, at the command line and in the inbox; both stores."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from handrail.cli import build
from handrail.errors import HandrailError
from handrail.guard.enforcement import enforced
from handrail.inbox import Settings
from handrail.inbox.app import make_app
from handrail.policy import load, loads
from handrail.review.changes.proposal import Proposal, digest
from handrail.service.reviewing import ReviewedWeek, Reviewing
from handrail.store.crypto.keys import write_ring
from handrail.store.crypto.signing import write_signer
from support.inbox import HERE, TICKETS_PEOPLE, TICKETS_POLICY, Browser
from support.stores import KEYS, RING, SIGNER, Sides, new_ticket, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
WEEK = "2026-W10"
POLICY = (
    TICKETS_POLICY
    + """\
owner: process_owner
enforced_by: process_owner
facts:
  refund.amount: {type: money, currencies: [USD], from: tool.args.amount, optional: true}
hand_offs:
  - id: big-refund
    when: refund.amount is known and refund.amount > 100 USD
    to: finance_lead
    because: Signed.
"""
)
CHANGED = POLICY.replace("100 USD", "260 USD")
PROPOSAL = Proposal(
    id="1a2b3c4d",
    kind="needless",
    title="Let big-refund rest up to 260 USD",
    why="So.",
    diff="-100\n+260",
    base=digest(POLICY),
    result=digest(CHANGED),
    text=CHANGED,
)


class Office:
    """A folder with policy, people and a review, a store, an inbox over it, and its command line."""

    def __init__(self, folder: Path, sides: Sides) -> None:
        self.folder, self.sides = folder, sides
        self.policy, self.people = folder / "shop.yaml", folder / "people.yaml"
        self.policy.write_text(POLICY)
        self.people.write_text(TICKETS_PEOPLE.replace("[pat]", "[pat, pam]"))
        (folder / "review").mkdir()
        (folder / "review" / "proposals.json").write_text(json.dumps([asdict(PROPOSAL)]))
        self.url = sides.logins.inbox if sides.logins else sides.url
        given = {"policy": str(self.policy), "people": str(self.people), "store": self.url}
        settings = Settings.model_validate({**given, "development": True, "desk": False})
        self.app = make_app(settings, sides.inbox)

    def cli(self, step: str, person: str) -> str:
        """Run `handrail review STEP` as a person; returns what it says."""
        words = ["review", step, "1a2b", "--policy", str(self.policy), "--people", str(self.people)]
        words += ["--as", person, "--store", self.url]
        words += ["--out", str(self.folder / "review")] if step == "accept" else []
        done: Result = CliRunner().invoke(build(), words)
        if isinstance(done.exception, HandrailError):
            return str(done.exception)
        assert done.exit_code == 0, done.output
        return done.output

    def page(self, person: str) -> Any:
        """Accept in the inbox as a person; returns where it leads."""
        browser = Browser(self.app, HERE)
        browser.sign_in(person)
        page = browser.get(f"/review/{WEEK}/1a2b3c4d").text
        found = re.search(r'name="result" value="([0-9a-f]{64})"', page)
        assert found, page
        return browser.submit(f"/review/{WEEK}/1a2b3c4d/accept", {"result": found[1]})

    def running(self) -> str:
        """The version that programs of the application take."""
        return enforced(self.sides.app, load(str(self.policy)), None, datetime.now(UTC))[0].ref.sha256


@pytest.fixture(params=["sqlite", "postgresql"])
def office(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    is_postgres = request.param == "postgresql"
    if is_postgres:
        monkeypatch.setenv("HANDRAIL_KEYS", write_ring(RING))
        monkeypatch.setenv("HANDRAIL_SIGNING_KEY", write_signer(SIGNER))
    sides = postgres_sides() if is_postgres else sqlite_sides(tmp_path / "store.db", key_provider=KEYS)
    if not is_postgres:
        monkeypatch.setenv("HANDRAIL_KEYS", write_ring(RING))
    made = Reviewing._make

    def with_proposal(self: Reviewing, *given: Any) -> ReviewedWeek:
        found = made(self, *given)
        return replace(found, review=replace(found.review, patches=(PROPOSAL,)))

    monkeypatch.setattr(Reviewing, "_make", with_proposal)
    sides.app.open(new_ticket(now=datetime(2026, 3, 3, 9, tzinfo=UTC)))
    yield Office(tmp_path, sides)
    sides.close()


def recorded(office: Office) -> list[tuple[str, str]]:
    kinds = ("review.accept", "review.rollback", "policy.propose", "policy.agree")
    return [(one["kind"], one["actor"]) for one in office.sides.admin.export() if one["kind"] in kinds]


def test_one_at_the_command_line_and_another_in_the_inbox_put_it_in_force(office: Office) -> None:
    assert "waits for another member of process_owner" in office.cli("accept", "pat")
    assert "waits for another member of process_owner" in office.cli("accept", "pat")
    assert office.policy.read_text() == POLICY
    assert office.page("pam").headers["location"].endswith("said=accepted")
    assert office.policy.read_text() == CHANGED
    assert office.running() == loads(CHANGED).ref.sha256
    assert "1a2b3c4d was accepted" in office.cli("accept", "pat")


def test_one_in_the_inbox_and_another_at_the_command_line_put_it_in_force_and_two_take_it_back(
    office: Office,
) -> None:
    assert office.page("pam").headers["location"].endswith("accepted_waits")
    assert "fay is no member of process_owner" in office.cli("accept", "fay")
    assert "is changed" in office.cli("accept", "pat")
    assert office.running() == loads(CHANGED).ref.sha256
    assert "waits for another one" in office.cli("rollback", "pam")
    assert "waits for another one" in office.cli("rollback", "pam")
    assert office.policy.read_text() == CHANGED
    assert "is as it was before" in office.cli("rollback", "pat")
    assert office.policy.read_text() == POLICY
    assert office.running() == loads(POLICY).ref.sha256
    assert sorted(recorded(office)) == [
        ("policy.agree", "pat"),
        ("policy.agree", "pat"),
        ("policy.propose", "pam"),
        ("policy.propose", "pam"),
        ("review.accept", "pam"),
        ("review.accept", "pat"),
        ("review.rollback", "pat"),
    ]
    assert office.sides.admin.verify().problems == ()
