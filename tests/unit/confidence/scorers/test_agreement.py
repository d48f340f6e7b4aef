import pytest

from handrail.confidence import agreement
from handrail.confidence.scorers.agreement import parsed
from handrail.records import Draft, FaultKind, ToolCall


def drafts(*texts: str) -> list[Draft]:
    return [Draft(text=text) for text in texts]


def test_agreement_is_the_share_of_samples_with_the_same_answer() -> None:
    assert agreement(Draft(text="Paris"), drafts("paris.", "Lyon", " Paris ", "Rome")) == 0.5


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ('{"a": 1, "b": [2]}', '{"b":[2.0],"a":1.0}'),
        ("1,250", "1250.00"),
        ("The answer: yes!", "the answer yes"),
        ("It's 10:30.", "it's 10:30"),
    ],
)
def test_spelling_does_not_count(left: str, right: str) -> None:
    assert parsed(Draft(text=left)) == parsed(Draft(text=right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("-5 days", "5 days"),
        ("$5", "€5"),
        ("5 %", "5"),
        ("1.5 kg", "15 kg"),
        ('{"a": 1}', '{"a": 2}'),
        ("yes", "no"),
    ],
)
def test_what_changes_the_meaning_counts(left: str, right: str) -> None:
    assert parsed(Draft(text=left)) != parsed(Draft(text=right))


def test_tool_calls_agree_by_name_and_arguments_in_any_order() -> None:
    one, two = (
        ToolCall(id="1", name="f", arguments='{"a": 1, "b": 2}'),
        ToolCall(id="2", name="g", arguments="{}"),
    )
    same = ToolCall(id="9", name="f", arguments='{"b":2,"a":1.0}')
    first, second = Draft(text="x", tool_calls=(one, two)), Draft(text="y", tool_calls=(two, same))
    assert agreement(first, [second]) == 1.0
    assert agreement(first, [Draft(text="x", tool_calls=(one,))]) == 0.0


def test_a_sample_that_cannot_be_read_disagrees() -> None:
    assert agreement(
        Draft(text="yes"), [Draft(text=""), Draft(refusal="no"), Draft(text="yes")]
    ) == pytest.approx(1 / 3)


def test_without_samples_or_a_readable_answer_there_is_no_agreement() -> None:
    assert agreement(Draft(text="yes"), []) is None
    assert agreement(Draft(fault=FaultKind.ERROR), drafts("yes")) is None


def test_the_tasks_own_reading_is_used() -> None:
    assert agreement(Draft(text="so: B"), drafts("I say B", "A"), parse=lambda draft: draft.text[-1]) == 0.5


def test_a_number_of_absurd_size_is_no_trap() -> None:
    assert parsed(Draft(text='{"a": 1e999999}')) is not None
    assert parsed(Draft(text="9" * 100_000)) is not None


def test_long_numbers_differ_in_their_last_digit() -> None:
    number = "1234567890123456789012345678901234567"
    assert parsed(Draft(text=number + "1")) != parsed(Draft(text=number + "2"))
    assert parsed(Draft(text=f'{{"a": {number}1}}')) != parsed(Draft(text=f'{{"a": {number}2}}'))
