"""Result files of tau2-bench are read as they are: simulations, flat calls, both sides, rewards."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from handrail.policy import loads
from handrail.replay import RecordedConversation, Replayer, read_records
from handrail.store import open_store

POLICY = """\
policy: lines
version: "1"
if_unsure: lead
roles: {lead: }
tools: {resume_line: acts, transfer_to_human_agents: acts}
hand_offs:
  - {id: resume, when: tool.name == "resume_line", to: lead}
"""


def simulation(*messages: dict[str, Any], reward: float = 1.0) -> dict[str, Any]:
    """Return a simulation with these messages."""
    return {"id": "s", "task_id": "t1", "messages": list(messages), "reward_info": {"reward": reward}}


def call(name: str, requestor: str = "assistant") -> dict[str, Any]:
    """Return a call as tau2 writes it."""
    return {"id": f"c-{name}", "name": name, "arguments": {"line_id": "L1"}, "requestor": requestor}


TALK = (
    {"role": "user", "content": "My phone has no service."},
    {"role": "assistant", "content": "Please check your SIM card."},
    {"role": "user", "content": None, "tool_calls": [call("check_sim_status", "user")]},
    {"role": "tool", "id": "c-check_sim_status", "content": "SIM: active", "requestor": "user"},
    {"role": "user", "content": "It is active."},
)
RESUME = {"role": "assistant", "content": None, "tool_calls": [call("resume_line")]}
TRANSFER = {"role": "assistant", "content": None, "tool_calls": [call("transfer_to_human_agents")]}
GOLD = [
    {"name": "toggle_data", "arguments": {}, "requestor": "user"},
    {"name": "transfer_to_human_agents", "arguments": {"summary": "x"}, "requestor": "assistant"},
]


def read(path: Path, *simulations: dict[str, Any], indent: int | None = None) -> list[RecordedConversation]:
    """Write a result file and read it."""
    tasks = [{"id": "t1", "evaluation_criteria": {"actions": GOLD}}]
    text = json.dumps({"info": {}, "tasks": tasks, "simulations": list(simulations)}, indent=indent)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    found = list(read_records(path))
    assert all(isinstance(one, RecordedConversation) for one in found), found
    return [one for one in found if isinstance(one, RecordedConversation)]


@pytest.mark.parametrize(("name", "indent"), [("r.json", None), ("r.json", 2), ("r.json.gz", 2)])
def test_every_simulation_is_a_record_with_its_reward_and_gold_list(
    tmp_path: Path, name: str, indent: int | None
) -> None:
    won, lost = read(
        tmp_path / name, simulation(*TALK, RESUME), simulation(*TALK, TRANSFER, reward=0.0), indent=indent
    )
    assert (won.is_failed, lost.is_failed) == (False, True)
    assert won.wants_transfer is True
    assert won.gold is not None
    assert [one.name for one in won.gold] == ["transfer_to_human_agents"]


def test_what_the_person_does_on_their_side_is_not_what_the_assistant_sees(tmp_path: Path) -> None:
    (record,) = read(tmp_path / "r.json", simulation(*TALK, RESUME))
    texts = [message.text for message in record.messages]
    assert "SIM: active" not in texts
    assert [one["name"] for one in record.raw["user_calls"]] == ["check_sim_status"]
    assert record.raw["user_calls"][0]["result"] == "SIM: active"
    assert [one.name for message in record.messages for one in message.tool_calls] == ["resume_line"]


def test_the_assistants_own_transfer_counts_as_a_hand_off_and_as_no_forbidden_call(tmp_path: Path) -> None:
    records = read(tmp_path / "r.json", simulation(*TALK, TRANSFER), simulation(*TALK, RESUME))
    store = open_store("sqlite://", allow_volatile=True)
    try:
        replayer = Replayer(loads(POLICY), store=store, now=None)
        transferred, resumed = [replayer.run(record) for record in records]
    finally:
        store.close()
    assert transferred.is_handed_off
    assert transferred.stop is None
    assert resumed.stop is not None


def test_a_line_with_one_simulation_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps(simulation(*TALK, RESUME, reward=0.5)) + "\n")
    (record,) = read_records(path)
    assert isinstance(record, RecordedConversation)
    assert record.is_failed
