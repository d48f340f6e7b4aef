"""`handrail samples` and `handrail calibrate --store` on stores with something in them, and with nothing."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from handrail.cli import build
from handrail.errors import ConfigError, NotAllowed
from handrail.policy.runtime.log_row import read_row
from handrail.store import open_store
from handrail.store import samples as audits
from handrail.tickets.samples import SampledAnswer, SampleText
from handrail.tickets.ticket import MessageRecord
from support.stores import NOW

POLICY = """\
policy: answers
version: "1"
if_unsure: queue_manager
roles: {queue_manager: {answer_within: 30 minutes}, other: {answer_within: 30 minutes}}
facts: {confidence: {type: number}}
hand_offs: [{id: doubtful, when: confidence < 0.5, to: other, because: Too unsure.}]
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    (tmp_path / "p.yaml").write_text(POLICY)
    (tmp_path / "people.yaml").write_text("roles: {queue_manager: [quinn], other: [olga]}\n")
    made = f"sqlite:///{tmp_path}/h.db"
    store = open_store(made, allow_volatile=True)
    line = MessageRecord(index=0, speaker="user", text="Is it [email]?", cut=True)
    answer = SampledAnswer(
        exchange="x1",
        tenant="default",
        roles=("queue_manager",),
        model="m",
        masked=SampleText(lines=(line,), answer="It is.", calls=("look({})",)),
        plain=SampleText(answer="It is, ann@example.org."),
    )
    audits.keep(store, answer, at=NOW)
    store.close()
    return made


def run(url: str, *words: str) -> Result:
    folder = Path(url.removeprefix("sqlite:///")).parent
    given = [words[0], *words[1:], "--store", url]
    if words[0] in ("show", "judge"):
        given += ["--policy", str(folder / "p.yaml"), "--people", str(folder / "people.yaml")]
    return CliRunner().invoke(build(), ["samples", *given])


def test_an_answer_is_listed_shown_and_judged(url: str) -> None:
    assert run(url, "list").stdout == "x1  2026-01-05 12:00  m  for queue_manager\n"
    assert run(url, "show", "x1", "--as", "quinn").stdout.splitlines() == [
        "x1  2026-01-05 12:00  m",
        "",
        "user: Is it [email]? …",
        "proposed: look({})",
        "answer: It is.",
    ]
    shown = json.loads(run(url, "show", "x1", "--as", "quinn", "--unmask", "--json").stdout)
    assert shown["words"]["answer"] == "It is, ann@example.org."
    assert run(url, "judge", "x1", "right", "--as", "quinn").stdout == "x1 was right\n"
    assert run(url, "list").stdout == "no answer waits to be checked\n"
    assert json.loads(run(url, "list", "--judged", "--json").stdout)[0]["judged_by"] == "quinn"


def test_an_answer_gets_labels_that_the_list_and_the_log_show(url: str) -> None:
    labels = ("--cause", "fact", "--fix", "knowledge", "--hand-off")
    assert run(url, "judge", "x1", "wrong", "--as", "quinn", *labels).exit_code == 0
    said = {"cause": "fact", "should_have_been_handed_off": "yes", "fix": "knowledge"}
    assert json.loads(run(url, "list", "--judged", "--json").stdout)[0]["labels"] == said
    assert "cause fact" in run(url, "list", "--judged").stdout
    store = open_store(url, allow_volatile=True)
    row = next(row for row in map(read_row, store.export()) if row is not None)
    store.close()
    assert (row.outcome, row.verdict, row.labels) == ("sampled", "wrong", said)


@pytest.mark.parametrize("labels", [("--cause", "ghosts"), ("--fix", "everything")])
def test_labels_that_nobody_knows_are_refused(url: str, labels: tuple[str, str]) -> None:
    refused = run(url, "judge", "x1", "wrong", "--as", "quinn", *labels).exception
    assert isinstance(refused, ConfigError)
    assert labels[1] in str(refused)


def test_others_and_other_verdicts_are_refused(url: str) -> None:
    assert isinstance(run(url, "judge", "x1", "right", "--as", "olga").exception, NotAllowed)
    assert isinstance(run(url, "show", "x1", "--as", "olga").exception, NotAllowed)
    assert isinstance(run(url, "judge", "x1", "maybe", "--as", "quinn").exception, ConfigError)
    assert run(url, "list", "--judged").stdout == "no answer was judged\n"


def test_a_store_without_scored_answers_cannot_be_calibrated(url: str, tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "c.json")]
    ran = CliRunner().invoke(build(), ["calibrate", "--store", url, *out])
    assert isinstance(ran.exception, ConfigError)
    assert "audit_rate" in str(ran.exception)
    ran = CliRunner().invoke(build(), ["calibrate", *out])
    assert isinstance(ran.exception, ConfigError)
    assert not (tmp_path / "c.json").exists()


def test_an_export_tells_of_drawn_answers_without_their_words(url: str, tmp_path: Path) -> None:
    judged = run(url, "judge", "x1", "wrong", "--as", "quinn", "--cause", "fact")
    assert judged.exit_code == 0
    out = tmp_path / "log.jsonl"
    scored = {"score": 0.9, "audited": True, "audit_probability": 1.0, "escalated": False}
    waits = {"outcome": "passed", "at": "2026-01-06T09:00:00+00:00", "tenant": "default", "exchange": "w"}
    CliRunner().invoke(build(), ["log", "export", "--out", str(out), "--store", url])
    with out.open("a") as file:
        file.write(json.dumps({**waits, "model": "m", "scored": scored}) + "\n")
    listed = json.loads(run(url, "list", "--judged", "--log", str(out), "--json").stdout)
    assert [(each["verdict"], each["labels"]) for each in listed] == [("wrong", {"cause": "fact"})]
    assert listed[0]["exchange"] != "x1"
    assert run(url, "list", "--log", str(out)).stdout == "w  2026-01-06T09:00:00+00:00  m\n"
