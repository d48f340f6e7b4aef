"""Two people put a change that the review proposed in force in the store, and take it back; both stores."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from handrail.errors import ConfigError, PolicyNotInForce
from handrail.guard.enforcement import enforced
from handrail.policy import load, loads
from handrail.review.changes.accept_in_force import accept_in_force, roll_back_in_force
from handrail.review.changes.proposal import Proposal, digest
from handrail.store import Actor
from handrail.store.policies import Enforcement
from support.stores import Sides, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY = """\
policy: shop
version: "1"
if_unsure: queue_manager
enforced_by: process_owner
roles:
  queue_manager: {}
  process_owner: {}
facts:
  refund.amount: {type: money, currencies: [USD], from: tool.args.amount, optional: true}
hand_offs:
  - id: refund-over-100
    when: refund.amount is known and refund.amount > 100 USD
    to: queue_manager
    because: Signed.
"""
CHANGED = POLICY.replace("100 USD", "260 USD")


class Owners:
    """Two people who own the policy; one of them goes by a second name."""

    def members(self, role: str) -> frozenset[str]:
        return frozenset({"pat", "pam", "p.miller"}) if role == "process_owner" else frozenset({"quinn"})

    def identities(self, person: str) -> frozenset[str]:
        return frozenset({"pam", "p.miller"}) if person in ("pam", "p.miller") else frozenset({person})


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    made = postgres_sides() if request.param == "postgresql" else sqlite_sides(tmp_path / "store.db")
    yield made
    made.close()


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def by(person: str, **after: float) -> Actor:
    return Actor(person=person, people=Owners(), now=NOW + timedelta(**after))


def proposal(before: str = POLICY, after: str = CHANGED) -> Proposal:
    return Proposal(
        id="1a2b3c4d",
        kind="limit",
        title="Move the limit",
        why="So.",
        diff="-100\n+260",
        base=digest(before),
        result=digest(after),
        text=after,
    )


def running(sides: Sides, policy: Path, now: datetime) -> str:
    return enforced(sides.app, load(policy), None, now)[0].ref.sha256


def test_two_people_put_a_change_in_force_and_two_take_it_back(sides: Sides, policy: Path) -> None:
    first = accept_in_force(sides.inbox, proposal(), policy, by("pat"))
    assert (first.is_written, first.waits_for) == (False, "another member of process_owner")
    assert running(sides, policy, NOW) == loads(POLICY).ref.sha256
    again = accept_in_force(sides.inbox, proposal(), policy, by("pat", minutes=1))
    assert not again.is_written
    second = accept_in_force(sides.inbox, proposal(), policy, by("pam", minutes=2))
    assert second.is_written
    assert policy.read_text() == CHANGED
    assert running(sides, policy, NOW + timedelta(minutes=3)) == loads(CHANGED).ref.sha256
    assert "accepted by pat, pam" in policy.with_name("policy.changelog.md").read_text()
    assert roll_back_in_force(sides.inbox, policy, "1a2b", by("pam", minutes=4)).is_done is False
    assert policy.read_text() == CHANGED
    done = roll_back_in_force(sides.inbox, policy, "1a2b", by("pat", minutes=5))
    assert (done.title, done.is_done, done.by) == ("Move the limit", True, ("pam", "pat"))
    assert policy.read_text() == POLICY
    assert running(sides, policy, NOW + timedelta(minutes=6)) == loads(POLICY).ref.sha256
    assert sides.admin.verify().problems == ()


def test_one_person_under_two_names_is_one_person(sides: Sides, policy: Path) -> None:
    accept_in_force(sides.inbox, proposal(), policy, by("pam"))
    with pytest.raises(ConfigError, match="no second person"):
        accept_in_force(sides.inbox, proposal(), policy, by("p.miller", minutes=1))
    assert policy.read_text() == POLICY
    assert running(sides, policy, NOW + timedelta(minutes=2)) == loads(POLICY).ref.sha256


def test_a_change_of_a_later_day_is_in_force_from_then_on_and_not_before(sides: Sides, policy: Path) -> None:
    for person in ("pat", "pam"):
        sides.inbox.enforce_policy(
            Enforcement(ref=loads(POLICY).ref, source=POLICY, role="process_owner"), by(person)
        )
    accept_in_force(sides.inbox, proposal(), policy, by("pat", minutes=1), effective=date(2026, 3, 9))
    done = accept_in_force(sides.inbox, proposal(), policy, by("pam", minutes=2))
    assert (done.is_written, done.waits_for) == (False, "2026-03-09")
    assert running(sides, policy, NOW + timedelta(days=5)) == loads(POLICY).ref.sha256
    assert running(sides, policy, datetime(2026, 3, 9, tzinfo=UTC)) == loads(CHANGED).ref.sha256


def test_two_people_withdraw_a_change_of_a_later_day_and_it_never_is_in_force(
    sides: Sides, policy: Path
) -> None:
    day, later = date(2026, 3, 9), datetime(2026, 3, 9, tzinfo=UTC)
    for minute, person in enumerate(("pat", "pam")):
        accept_in_force(sides.inbox, proposal(), policy, by(person, minutes=minute), effective=day)
    control = running(sides, policy, later)
    assert control == loads(CHANGED).ref.sha256
    for person in ("pam", "p.miller"):
        half = roll_back_in_force(sides.inbox, policy, "1a2b", by(person, minutes=2))
        assert not half.is_done
    assert running(sides, policy, later) == control
    done = roll_back_in_force(sides.inbox, policy, "1a2b", by("pat", minutes=3))
    assert (done.is_done, done.was_written, done.by) == (True, False, ("pam", "pat"))
    assert running(sides, policy, later) == loads(POLICY).ref.sha256
    assert sides.admin.verify().problems == ()
    accept_in_force(sides.inbox, proposal(), policy, by("pat", minutes=4))
    assert accept_in_force(sides.inbox, proposal(), policy, by("pam", minutes=5)).is_written
    assert running(sides, policy, NOW + timedelta(minutes=6)) == loads(CHANGED).ref.sha256


def test_one_person_withdraws_what_nobody_else_agreed_to(sides: Sides, policy: Path) -> None:
    accept_in_force(sides.inbox, proposal(), policy, by("pat"))
    assert roll_back_in_force(sides.inbox, policy, "1a2b", by("pam", minutes=1)).is_done
    first = accept_in_force(sides.inbox, proposal(), policy, by("pam", minutes=2))
    assert (first.is_written, first.by) == (False, ("pam",))


def test_what_is_in_force_is_not_withdrawn(sides: Sides, policy: Path) -> None:
    for minute, person in enumerate(("pat", "pam")):
        wanted = Enforcement(ref=loads(POLICY).ref, source=POLICY, role="process_owner")
        change = sides.inbox.enforce_policy(wanted, by(person, minutes=minute))
    with pytest.raises(PolicyNotInForce, match="in force"):
        sides.inbox.withdraw_policy("shop", change.id, by("pat", minutes=2))
    with pytest.raises(PolicyNotInForce, match="only a member of process_owner"):
        sides.inbox.withdraw_policy("shop", change.id, by("quinn", minutes=2))


def test_where_another_version_is_in_force_nothing_is_accepted_and_it_says_so(
    sides: Sides, policy: Path
) -> None:
    other = POLICY.replace("100 USD", "50 USD")
    for person in ("pat", "pam"):
        sides.inbox.enforce_policy(
            Enforcement(ref=loads(other).ref, source=other, role="process_owner"), by(person)
        )
    with pytest.raises(ConfigError, match="another version of shop is in force in the store"):
        accept_in_force(sides.inbox, proposal(), policy, by("pat", minutes=1))
    assert policy.read_text() == POLICY


def test_somebody_of_another_role_or_a_change_that_drops_four_eyes_is_refused(
    sides: Sides, policy: Path
) -> None:
    with pytest.raises(ConfigError, match="quinn is no member of process_owner"):
        accept_in_force(sides.inbox, proposal(), policy, by("quinn"))
    alone = proposal(after=POLICY.replace("enforced_by: process_owner\n", ""))
    with pytest.raises((PolicyNotInForce, ConfigError)):
        accept_in_force(sides.inbox, alone, policy, by("pat"))
    assert sides.app.policy_changes("shop") == ()
