import gzip
import json
from pathlib import Path

import pytest

from handrail.errors import ConfigError
from handrail.records import Speaker
from handrail.replay import RecordedConversation, UnreadableLine, read_records

CHAT = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]


def written(tmp_path: Path, *lines: object) -> Path:
    file = tmp_path / "runs.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return file


def read(tmp_path: Path, *lines: object) -> list[RecordedConversation | UnreadableLine]:
    return list(read_records(written(tmp_path, *lines)))


def test_a_record_without_outcomes_is_read_and_claims_none(tmp_path: Path) -> None:
    (record,) = read(tmp_path, {"messages": CHAT})
    assert isinstance(record, RecordedConversation)
    assert [message.speaker for message in record.messages] == [Speaker.USER, Speaker.ASSISTANT]
    assert (record.task, record.is_failed, record.gold, record.wants_transfer) == ("1", None, None, None)


def test_outcomes_are_read_where_they_stand(tmp_path: Path) -> None:
    gold = [{"name": "refund", "kwargs": {"amount": 5}}, {"name": "look", "arguments": {}}]
    raw = {"messages": CHAT, "task_id": 7, "reward": 0.0, "gold_actions": gold, "gold_transfer": True}
    (record,) = read(tmp_path, raw)
    assert isinstance(record, RecordedConversation)
    assert (record.task, record.is_failed, record.wants_transfer) == ("7", True, True)
    assert record.gold is not None
    assert [(call.name, call.arguments) for call in record.gold] == [
        ("refund", '{"amount": 5}'),
        ("look", "{}"),
    ]


def test_gzip_and_plain_files_read_alike(tmp_path: Path) -> None:
    plain = written(tmp_path, {"messages": CHAT}, "", {"messages": CHAT})
    packed = tmp_path / "runs.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert [record.line for record in read_records(plain)] == [1, 3]
    assert list(read_records(packed)) == list(read_records(plain))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("\x00", "not JSON"),
        ([], "not a JSON object"),
        ({}, "no `messages`"),
        ({"messages": []}, "no `messages`"),
        ({"messages": ["secret"]}, "message 0 is no object"),
        ({"messages": [{"role": "secret", "content": "x"}]}, "message 0 has no role that is known"),
        ({"messages": [{"role": "user", "content": 5}]}, "message 0 has no readable content"),
        (
            {"messages": [{"role": "assistant", "content": None, "tool_calls": [{}]}]},
            "message 0 has a tool call",
        ),
        ({"messages": CHAT[:1]}, "no message of an assistant"),
        ({"messages": CHAT, "gold_actions": [{}]}, "gold action 0 has no name"),
    ],
)
def test_a_bad_line_is_reported_and_the_rest_goes_on(tmp_path: Path, line: object, problem: str) -> None:
    bad, good = read(tmp_path, line, {"messages": CHAT})
    assert isinstance(bad, UnreadableLine)
    assert bad.line == 1
    assert bad.problem.startswith(problem)
    assert "secret" not in bad.problem
    assert isinstance(good, RecordedConversation)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_records(tmp_path / "none.jsonl"))
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(gzip.compress(b"{}")[:12])
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_records(broken))
