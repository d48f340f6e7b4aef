"""Exported cases against a model behind loopback HTTP, through a real openai client."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from handrail.cli import build
from support.model_server import ModelServer, Say, model_server

CLIENT = """\
from openai import OpenAI

client = OpenAI(base_url={url!r}, api_key="none", max_retries=0)


def ask(messages):
    answer = client.chat.completions.create(model="m", messages=messages).choices[0].message
    return answer.tool_calls[0].function.arguments if answer.tool_calls else answer.content
"""
CASES = [
    ("words", "You may return it within 30 days.", False),
    ("call", '{"amount": 90, "order_id": "1160"}', False),
    ("rejected", "You may return it within 2 days.", True),
]
RIGHT = (
    Say("you may return it  within 30 days."),
    Say(calls=[("issue_refund", '{"order_id": "1160", "amount": 90}')]),
    Say("A colleague looks at it."),
)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    with model_server() as server:
        (tmp_path / f"asks_{tmp_path.name}.py").write_text(CLIENT.format(url=server.url))
        monkeypatch.syspath_prepend(str(tmp_path))
        yield server


def ran(folder: Path, *options: str) -> Result:
    lines = [
        {
            "id": name,
            "input": [{"role": "user", "content": f"Question {name}?"}],
            "target": target,
            "metadata": {"tool": "", "trigger": "complaint", "rules": [], "must_not": must_not},
        }
        for name, target, must_not in CASES
    ]
    (folder / "eval.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    given = ["eval", "run", str(folder / "eval.jsonl"), "--client", f"asks_{folder.name}:ask", *options]
    return CliRunner().invoke(build(), given)


def test_a_model_that_answers_as_people_decided_passes(tmp_path: Path, model: ModelServer) -> None:
    model.script = list(RIGHT)
    done = ran(tmp_path)
    assert done.exit_code == 0, done.output
    assert [one.path for one in model.seen] == ["/v1/chat/completions"] * 3
    assert [one.body["messages"] for one in model.seen] == [
        [{"role": "user", "content": f"Question {name}?"}] for name, _, _ in CASES
    ]


def test_each_case_that_fails_is_named_with_why_and_a_share_may_be_enough(
    tmp_path: Path, model: ModelServer
) -> None:
    model.script = [RIGHT[0], Say(calls=[("issue_refund", '{"amount": 640}')]), Say(CASES[2][1])]
    done = ran(tmp_path)
    assert done.exit_code == 1
    assert "call  another answer" in done.output
    assert "rejected  what people rejected came again" in done.output
    model.script = [RIGHT[0], Say("No."), RIGHT[2]]
    found = ran(tmp_path, "--least", "0.6", "--json")
    assert (found.exit_code, json.loads(found.stdout)["passed"]) == (0, 2)


def test_a_client_that_returns_no_text_is_told_by_its_case(tmp_path: Path, model: ModelServer) -> None:
    model.script = [Say(refusal="I cannot."), RIGHT[1], RIGHT[2]]
    done = ran(tmp_path)
    assert done.exit_code == 1
    assert "words  failed: no text" in done.output
    assert len(model.seen) == 3
