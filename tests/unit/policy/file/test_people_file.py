"""The people file of a running process: what it says now is what counts."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.errors import PolicyError, RoleError
from handrail.policy import loads
from handrail.policy.file.people_file import PeopleFile
from support.valid_policy import GOOD

BOTH = "roles:\n  queue_manager: [quinn, sam]\n  supervisor: [suri]\n"
NOW = datetime(2026, 12, 10, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "people.yaml"
    file.write_text(BOTH)
    return file


def test_who_is_taken_out_of_the_file_fills_no_role_at_once(path: Path) -> None:
    people = PeopleFile(path, loads(GOOD))
    first = people.current
    assert people.members("queue_manager") == {"quinn", "sam"}
    assert people.current is first
    path.write_text(BOTH.replace("quinn, sam", "sammy     "))
    assert people.members("queue_manager") == {"sammy"}
    assert people.roles_of("quinn") == frozenset()


def test_while_the_file_cannot_be_used_nobody_fills_a_role(path: Path) -> None:
    people = PeopleFile(path, loads(GOOD))
    path.write_text("roles: {queue_manager: [quinn]}")
    for _ in range(2):
        with pytest.raises(RoleError):
            people.members("queue_manager")
    path.unlink()
    with pytest.raises(PolicyError):
        people.covering("queue_manager")
    path.write_text(BOTH)
    assert people.members("queue_manager") == {"quinn", "sam"}


def test_a_file_that_cannot_be_used_is_said_at_the_start(path: Path) -> None:
    path.write_text("roles: {}")
    with pytest.raises(RoleError):
        PeopleFile(path, loads(GOOD))


def test_it_answers_as_the_people_it_holds(path: Path) -> None:
    path.write_text(
        f"{BOTH}people:\n  sam:\n  suri:\n"
        "  quinn: {email: q@example.org, away: {from: 2026-12-01, to: 2026-12-24, delegate: sam}}\n"
    )
    people = PeopleFile(path, loads(GOOD)).under(loads(GOOD))
    assert people.identities("Q@example.org") == {"quinn", "q@example.org"}
    assert str(people.away_until("quinn", NOW)) == "2026-12-24"
    assert people.acts_for("sam", NOW, NOW) == {"quinn"}
    assert people.covering("queue_manager") == ()
