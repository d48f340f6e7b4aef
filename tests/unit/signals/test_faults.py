import pytest

from handrail.records import Draft, FaultKind, ToolCall
from handrail.signals.faults import read_fault

CALL = ToolCall(id="1", name="f", arguments="{}")


@pytest.mark.parametrize(
    ("draft", "fault"),
    [
        (Draft(text="Yes.", finish_reason="stop"), None),
        (Draft(text="x", fault=FaultKind.TIMEOUT), FaultKind.TIMEOUT),
        (Draft(refusal="no"), FaultKind.REFUSAL),
        (Draft(text="half", finish_reason="content_filter"), FaultKind.REFUSAL),
        (Draft(text="half of", finish_reason="length"), FaultKind.TRUNCATED),
        (Draft(text="half of", finish_reason="max_tokens"), FaultKind.TRUNCATED),
        (Draft(text=" \n"), FaultKind.EMPTY),
        (Draft(), FaultKind.EMPTY),
        (Draft(tool_calls=(CALL,)), None),
        (Draft(finish_reason="error"), FaultKind.ERROR),
    ],
)
def test_the_fault_is_named(draft: Draft, fault: FaultKind | None) -> None:
    assert read_fault(draft) is fault


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot assist with this request.",
        "Sorry, I am unable to comply.",
        "I’m sorry, I can’t assist you with that request.",
    ],
)
def test_a_bare_refusal_in_words_is_a_refusal(text: str) -> None:
    assert read_fault(Draft(text=text)) is FaultKind.REFUSAL


@pytest.mark.parametrize(
    "text",
    [
        "I can't change a basic economy flight, but I can cancel it for you.",
        "I'm sorry to hear that. Your order arrives on Monday.",
        "I cannot help with that order, since it was delivered on 3 May; the shop takes it back.",
    ],
)
def test_an_answer_that_declines_a_part_is_no_refusal(text: str) -> None:
    assert read_fault(Draft(text=text)) is None


@pytest.mark.parametrize(
    "text", ["no json", "12", '"text"', '{"a": NaN}', '{"a": 1', "```json\n{}\n```", "[" * 5000]
)
def test_what_is_no_json_object_or_list_is_invalid_where_json_was_asked_for(text: str) -> None:
    assert read_fault(Draft(text=text), wants_json=True) is FaultKind.INVALID_OUTPUT


@pytest.mark.parametrize("text", ['{"a": 1}', " [1, 2]\n"])
def test_json_passes_where_json_was_asked_for(text: str) -> None:
    assert read_fault(Draft(text=text), wants_json=True) is None
