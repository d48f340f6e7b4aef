"""Calibrates the scripted model: plays its script, judges every answer and fits a calibration.

`python -m handrail_adapters.demo.calibrate_script` writes `calibration.json` beside this module.
"""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from openai import DefaultHttpxClient, OpenAI

from handrail.confidence.calibration.artefact import Calibration, write
from handrail.guard import Guard
from handrail.policy import load_people, loads
from handrail.review.calibration.calibrate import CalibrationSettings, RiskBound, calibrate
from handrail.review.calibration.decision_log import read_store_log
from handrail.store import Actor, Spool, SqlStore, open_store
from handrail.store.samples import judge, show, waiting
from handrail.tickets.samples import SampleVerdict
from handrail_adapters.demo.scenario import SCRIPT, SYSTEM
from handrail_adapters.demo.scripted_model import MODEL, ScriptedLine, ScriptedModelServer
from handrail_adapters.openai import guard_openai

NO_LINE = "what is the tide at the pier tomorrow"
WRONG = ("peru", NO_LINE)
"""Cues of the answers that are wrong."""
TIMES = 12
TARGET = 0.1
FIRST = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

_POLICY = """\
policy: calibrating
version: "1"
if_unsure: checker
roles: {checker: {answer_within: 1 days}}
thresholds: {answer: none.json}
audit_rate: 1
facts: {confidence: {type: number, min: 0, max: 1}}
hand_offs: [{id: low-confidence, when: confidence < model.threshold, to: checker, because: Too unsure.}]
"""
_PEOPLE = "roles: {checker: [script]}\n"


def calibrated() -> Calibration:
    """Play every answer of the script several times, judge it, and calibrate; takes a few seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "people.yaml").write_text(_PEOPLE)
        policy = loads(_POLICY, folder=folder)
        people = load_people(folder / "people.yaml", policy)
        minutes = count()
        store = open_store(f"sqlite:///{folder}/demo.db", allow_volatile=True)
        guard = Guard(
            policy,
            store=store,
            spool=Spool.beside(f"sqlite:///{folder}/demo.db"),
            clock=lambda: FIRST + timedelta(minutes=next(minutes)),
        )
        try:
            _play(guard)
            store.flush()
            _judge(store, Actor(person="script", people=people, now=FIRST))
            rows = read_store_log(store, "default")
        finally:
            guard.close()
    settings = CalibrationSettings(bound=RiskBound(target=TARGET))
    return calibrate(rows, settings, now=FIRST + timedelta(days=7))


def conversations() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each cue with the messages that lead to the model's last reply to it."""
    for line in (*SCRIPT.lines, ScriptedLine(cue=NO_LINE, replies=(SCRIPT.otherwise,))):
        if not line.replies[-1].text:
            continue
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": line.cue},
        ]
        for number, says in enumerate(line.replies[:-1]):
            function = {"name": says.tool, "arguments": "{}"}
            call = {"id": f"c{number}", "type": "function", "function": function}
            messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
            messages.append({"role": "tool", "tool_call_id": f"c{number}", "content": "{}"})
        yield line.cue, messages


def _judge(store: SqlStore, actor: Actor) -> None:
    lines = {line.cue: line.replies[-1].text for line in SCRIPT.lines} | {NO_LINE: SCRIPT.otherwise.text}
    wrong = {lines[cue] for cue in WRONG}
    for row in waiting(store, "default", limit=1000):
        _, words = show(store, "default", row.exchange, actor, unmask=True)
        is_wrong = words is None or words.answer in wrong
        verdict = SampleVerdict.WRONG if is_wrong else SampleVerdict.RIGHT
        judge(store, "default", row.exchange, verdict, actor)


def _play(guard: Guard) -> None:
    with (
        ScriptedModelServer(SCRIPT) as server,
        DefaultHttpxClient(trust_env=False) as http,
        OpenAI(base_url=server.base_url, api_key="scripted", http_client=http) as plain,
    ):
        client: Any = guard_openai(plain, guard)
        for _ in range(TIMES):
            for _, messages in conversations():
                client.chat.completions.create(model=MODEL, messages=messages)


if __name__ == "__main__":
    Path(__file__).with_name("calibration.json").write_text(write(calibrated()), encoding="utf-8")
