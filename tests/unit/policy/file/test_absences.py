"""Who is away and who acts for them: read strictly, and never in a circle."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from handrail.errors import PolicyError
from handrail.policy import People, load_people, loads
from support.valid_policy import GOOD

FILE = """\
roles:
  queue_manager: [quinn, sam]
  supervisor: [suri, sam]
people:
  quinn: {{name: Quinn Q, away: {quinn}}}
  suri: {{away: {suri}}}
  sam:
"""


def people(tmp_path: Path, *, quinn: str = "", suri: str = "", policy: str = GOOD) -> People:
    path = tmp_path / "people.yaml"
    path.write_text(FILE.format(quinn=quinn, suri=suri))
    return load_people(path, loads(policy))


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 12, day, hour, tzinfo=UTC)


def test_a_person_is_away_from_the_first_day_to_the_last(tmp_path: Path) -> None:
    found = people(tmp_path, quinn="{from: 2026-12-10, to: 2026-12-12, delegate: sam}")
    assert [found.away_until("quinn", at(day)) for day in (9, 10, 12, 13)] == [
        None,
        date(2026, 12, 12),
        date(2026, 12, 12),
        None,
    ]
    assert found.acts_for("sam", at(1), at(9)) == frozenset()
    assert found.acts_for("sam", at(9), at(10)) == found.acts_for("sam", at(12), at(20)) == {"quinn"}
    assert found.acts_for("suri", at(1), at(30)) == frozenset()


def test_days_are_those_of_the_policys_time_zone(tmp_path: Path) -> None:
    tokyo = GOOD.replace("\nroles:", "\ntime_zone: Asia/Tokyo\nroles:", 1)
    found = people(tmp_path, quinn="[{from: 2026-12-10, to: 2026-12-10}]", policy=tokyo)
    assert found.away_until("quinn", at(9, 14)) is None
    assert found.away_until("quinn", at(9, 16)) == date(2026, 12, 10)


def test_neither_a_delegate_nor_a_day_is_a_name_of_the_absent_person(tmp_path: Path) -> None:
    found = people(tmp_path, quinn="{from: 2026-12-10, to: 2026-12-12, delegate: sam}")
    assert found.identities("quinn") == {"quinn", "quinn q"}
    assert found.identities("sam") == {"sam"}


@pytest.mark.parametrize(
    ("quinn", "suri", "words"),
    [
        ("[2026-12-10]", "", "write {from"),
        ("soon", "", "write {from"),
        ("{from: 2026-12-10}", "", "write {from"),
        ("{from: 2026-12-10, to: tomorrow}", "", "write a day as"),
        ("{from: 2026-12-10, to: 2026-12-09}", "", "ends before it begins"),
        ("{from: 2026-12-10, to: 2026-12-12, deputy: sam}", "", "unknown key 'deputy'"),
        ("{from: 2026-12-10, to: 2026-12-12, delegate: [sam]}", "", "is an id of the file"),
        ("{from: 2026-12-10, to: 2026-12-12, delegate: smn}", "", "'smn' is not under people"),
        ("{from: 2026-12-10, to: 2026-12-12, delegate: quinn}", "", "cannot be their own delegate"),
        ("{from: 2026-12-10, to: 2026-12-12, delegate: suri}", "", "suri fills neither queue_manager nor"),
        ("[{from: 2026-12-10, to: 2026-12-12}, {from: 2026-12-12, to: 2026-12-14}]", "", "absences overlap"),
        (
            "{from: 2026-12-10, to: 2026-12-12, delegate: suri}",
            "{from: 2026-12-12, to: 2026-12-20, delegate: sam}",
            "a delegate does not delegate on",
        ),
        (
            "{from: 2026-12-10, to: 2026-12-12, delegate: suri}",
            "{from: 2026-12-10, to: 2026-12-12, delegate: quinn}",
            "a delegate does not delegate on",
        ),
    ],
)
def test_an_absence_that_cannot_hold_is_refused_at_its_place(
    tmp_path: Path, quinn: str, suri: str, words: str
) -> None:
    with pytest.raises(PolicyError, match=words) as raised:
        people(tmp_path, quinn=quinn, suri=suri)
    assert raised.value.line >= 5


def test_a_delegate_may_fill_a_role_that_covers_the_absent_persons(tmp_path: Path) -> None:
    covered = GOOD.replace("  supervisor:\n", "  supervisor: {covers: [queue_manager]}\n", 1)
    assert "covers" in covered
    found = people(tmp_path, quinn="{from: 2026-12-10, to: 2026-12-12, delegate: suri}", policy=covered)
    assert found.acts_for("suri", at(10), at(10)) == {"quinn"}
