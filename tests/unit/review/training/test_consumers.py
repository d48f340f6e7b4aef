"""What is exported loads in the libraries that read it; each is asked where it is installed."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from handrail.records import Trigger
from handrail.review.log.cases import ReviewCase, TicketEnding
from handrail.review.training.export import Consent, Form, as_trl, training_set
from handrail.scan import default_scanner

MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
AGREED = Consent(source="Terms v3, section 4", given=date(2026, 1, 1))
SCHEMA = {
    "type": "object",
    "properties": {"order_id": {"type": "string"}, "amount": {"type": "number", "minimum": 0}},
    "required": ["order_id", "amount"],
}


def cases() -> list[ReviewCase]:
    """Tickets of each kind that gives an example: answers and actions; approved, edited, rejected."""
    found = []
    for number, ending in enumerate((TicketEnding.APPROVED, TicketEnding.EDITED, TicketEnding.REJECTED) * 4):
        is_action = number % 2 == 0
        proposed = {"order_id": f"A-{number}", "amount": 60 + number} if is_action else f"Yes, {number}."
        decided = {"order_id": f"A-{number}", "amount": 50 + number} if is_action else f"No, {number}."
        found.append(
            ReviewCase(
                id=f"ticket-{number:04}",
                created_at=MONDAY,
                decided_at=MONDAY + timedelta(minutes=4),
                role="finance_lead",
                trigger=Trigger.HIGH_STAKES,
                ending=ending,
                rules=("refund-over-100",),
                tool="issue_refund" if is_action else "",
                parameters=json.dumps(SCHEMA) if is_action and number % 4 == 0 else "",
                proposed=json.dumps(proposed) if is_action else str(proposed),
                resolved=json.dumps(decided) if is_action else str(decided),
                lines=(("user", f"Case {number}: may I?"), ("assistant", "Let me see."), ("user", "Well?")),
            )
        )
    return found


def exported(form: Form) -> list[Mapping[str, Any]]:
    made = training_set(
        cases(), form, default_scanner(), consent=lambda _: AGREED, conversation=lambda ticket: ticket
    )
    assert made.examples
    return [one.data for one in made.examples]


def written(folder: Path, rows: Iterable[Mapping[str, Any]]) -> str:
    path = folder / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(path)


def test_a_tools_schema_goes_with_its_call_where_the_ticket_has_it() -> None:
    tools = [row["tools"][0]["function"] for row in exported(Form.SFT) if "tools" in row]
    assert {tool["name"] for tool in tools} == {"issue_refund"}
    assert SCHEMA in [tool["parameters"] for tool in tools]
    assert {"type": "object", "properties": {}} in [tool["parameters"] for tool in tools]


def test_chats_and_pairs_are_what_openais_types_describe() -> None:
    types = pytest.importorskip("openai.types.chat")
    message = TypeAdapter(types.ChatCompletionMessageParam)
    tool = TypeAdapter(types.ChatCompletionFunctionToolParam)
    for row in exported(Form.SFT):
        assert set(row) <= {"messages", "tools"}
        assert row["messages"][-1]["role"] == "assistant"
        for one in row["messages"]:
            message.validate_python(one)
        for one in row.get("tools", ()):
            tool.validate_python(one)
    for row in exported(Form.PREFERENCE):
        assert set(row) == {"input", "preferred_output", "non_preferred_output"}
        assert row["input"]["messages"][-1]["role"] == "user"
        for name in ("preferred_output", "non_preferred_output"):
            (answer,) = row[name]
            assert answer["role"] == "assistant"
            message.validate_python(answer)


def test_inspect_reads_the_cases_as_samples(tmp_path: Path) -> None:
    dataset = pytest.importorskip("inspect_ai.dataset", reason="pip install --group consumers")
    rows = exported(Form.EVAL)
    found = dataset.json_dataset(written(tmp_path, rows))
    assert [sample.id for sample in found] == [row["id"] for row in rows]
    for sample, row in zip(found, rows, strict=True):
        assert [(one.role, one.content) for one in sample.input] == [
            (one["role"], one["content"]) for one in row["input"]
        ]
        assert sample.target == row["target"]
        assert sample.metadata["must_not"] == row["metadata"]["must_not"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("form", [Form.SFT, Form.PREFERENCE])
def test_datasets_loads_chats_and_trls_pairs_with_one_schema_for_all_rows(tmp_path: Path, form: Form) -> None:
    datasets = pytest.importorskip("datasets", reason="pip install --group consumers")
    rows = exported(form)
    shaped = [as_trl(row) for row in rows] if form is Form.PREFERENCE else rows
    file = written(tmp_path, shaped)
    found = datasets.load_dataset("json", data_files=file, split="train", cache_dir=str(tmp_path / "cache"))
    assert found.num_rows == len(rows)
    wanted = {"prompt", "chosen", "rejected"} if form is Form.PREFERENCE else {"messages"}
    assert wanted <= set(found.column_names)
    for row, given in zip(found, shaped, strict=True):
        for name in wanted:
            assert [one["content"] for one in row[name]] == [one["content"] for one in given[name]]
