"""Statements that PostgreSQL keeps, alone and as one."""

from handrail.store.kept import as_one, kept, runs

LETTER = kept("INSERT INTO outbox (id, at) VALUES (%(id)s, %(at)s)", writes="outbox")
MOVE = kept("UPDATE tickets SET at=%(at)s WHERE id = %(id)s AND at < %(at)s", writes="tickets")
LOOK = kept("SELECT '5 %%' FROM tickets WHERE id = %(id)s")


def test_a_parameter_that_is_named_twice_is_given_once() -> None:
    assert MOVE.text == "UPDATE tickets SET at=$1 WHERE id = $2 AND at < $1"
    assert MOVE.order == ("at", "id")
    assert LOOK.text == "SELECT '5 %' FROM tickets WHERE id = $1"


def test_statements_as_one_keep_their_own_parameters() -> None:
    one = as_one((LETTER, MOVE))
    assert one.text == (
        "WITH part0 AS (INSERT INTO outbox (id, at) VALUES ($1, $2)) "
        "UPDATE tickets SET at=$3 WHERE id = $4 AND at < $3"
    )
    assert one.order == ("id", "at", "at", "id")
    assert one.name != as_one((MOVE, LETTER)).name


def test_what_writes_a_table_again_or_reads_goes_by_itself() -> None:
    assert runs([LETTER, MOVE]) == [2]
    assert runs([LETTER, MOVE, MOVE]) == [2, 1]
    assert runs([MOVE, MOVE, LETTER]) == [1, 2]
    assert runs([LETTER, LOOK, MOVE, LETTER]) == [1, 1, 2]
    assert runs([]) == []
