"""The weekly loop through a guard: log, verdicts, calibration, policy, and back."""

import asyncio
import base64
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handrail import Guard
from handrail.cli import build
from handrail.confidence.calibration import artefact
from handrail.errors import AlreadyDecided, ConfigError, NotAllowed, PolicyError
from handrail.guard import Outcome
from handrail.policy import load, load_people
from handrail.records import Draft, Message, Speaker, TokenLogprob
from handrail.store import Actor, SqlStore
from handrail.store.samples import judge, keep, show, waiting
from handrail.testing import FrozenClock
from handrail.tickets.samples import SampledAnswer, SampleText, SampleVerdict

POLICY = """\
policy: answers
version: "1"
owner: process_owner
if_unsure: queue_manager
roles:
  queue_manager: {answer_within: 30 minutes, backup: process_owner}
  process_owner: {answer_within: 1 days}
thresholds: {answer: calibration.json}
audit_rate: 1
facts:
  confidence: {type: number, min: 0, max: 1}
  output.findings: {type: set, values: [email]}
hand_offs:
  - id: low-confidence
    when: confidence < model.threshold
    to: queue_manager
    because: Too likely to be wrong.
"""
PEOPLE = "roles:\n  queue_manager: [quinn]\n  process_owner: [petra]\n"
MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PROMPT = Message(speaker=Speaker.SYSTEM, text="Answer questions about orders.")


class Scene:
    """A guard in a folder, its clock, and what its model says."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, FrozenClock(MONDAY)
        (folder / "answers.yaml").write_text(POLICY)
        (folder / "people.yaml").write_text(PEOPLE)
        self.url = f"sqlite:///{folder}/handrail.db"
        self.guard = self.opened()

    @property
    def store(self) -> SqlStore:
        assert isinstance(self.guard.store, SqlStore)
        return self.guard.store

    def opened(self) -> Guard:
        return Guard.from_policy(
            self.folder / "answers.yaml",
            people=self.folder / "people.yaml",
            store=self.url,
            clock=self.clock,
        )

    def actor(self, person: str) -> Actor:
        people = load_people(self.folder / "people.yaml", load(self.folder / "answers.yaml"))
        return Actor(person=person, people=people, now=self.clock())

    def ask(
        self, exchange: str, sure: float, *, model: str = "m1", prompt: Message = PROMPT, text: str = "Yes."
    ) -> Outcome:
        call = self.guard.begin(
            [prompt, Message(speaker=Speaker.USER, text=f"Was {exchange} sent?")], exchange=exchange
        )
        tokens = (TokenLogprob(token=text, logprob=math.log(sure)),)
        return call.finish([Draft(text=text, logprobs=tokens, model=model)])

    def week(self, name: str, count: int, *, wrong_above: int = 0) -> None:
        """Ask `count` questions and check the answers; every fifth answer is unsure, and wrong."""
        for index in range(count):
            sure = 0.3 + 0.0001 * index if index % 5 == 4 else 0.9 + 0.0001 * index
            with self.guard.context(customer=f"c-{name}-{index}"):
                outcome = self.ask(f"{name}-{index}", sure)
            if outcome.handoff is not None:
                self.guard.resolve(outcome.handoff.ticket, "quinn", "reject")
            self.clock.advance(minutes=10)
        self.store.flush()
        for row in waiting(self.store, "default", limit=1000):
            index = int(row.exchange.rpartition("-")[2])
            right = index % 5 != 4 and index >= wrong_above
            verdict = SampleVerdict.RIGHT if right else SampleVerdict.WRONG
            judge(self.store, "default", row.exchange, verdict, self.actor("quinn"))

    def calibrate(self, *options: str) -> int:
        command = ["calibrate", "--store", self.url, "--out", str(self.folder / "calibration.json")]
        ran = CliRunner().invoke(build(), [*command, "--target", "0.1", *options])
        if ran.exception is not None and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        return ran.exit_code

    def rows(self) -> list[dict[str, object]]:
        self.store.flush()
        entries = [entry["data"] for entry in self.store.export()]
        return [{"exchange": data["exchange"], **data["scored"]} for data in entries if "scored" in data]


KEY = base64.b64encode(bytes(range(32))).decode()
KEYS = {"current": "k1", "keys": {"k1": KEY}, "index": KEY}


@pytest.fixture(scope="module", autouse=True)
def _fixed_keys() -> Iterator[None]:
    """One key ring for every store: who is drawn to be checked follows from it and from the exchange's id."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDRAIL_KEYS", json.dumps(KEYS))
        yield


@pytest.fixture(scope="module")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a first week comes to."""
    made = Scene(tmp_path_factory.mktemp("first"))
    made.week("w1", 200)
    assert made.calibrate("--audits", "1000") == 0
    made.guard.close()
    return (made.folder / "calibration.json").read_text()


@pytest.fixture
def calibrated(scene: Scene, calibration: str) -> Scene:
    """A guard with the calibration of a first week in force."""
    (scene.folder / "calibration.json").write_text(calibration)
    scene.clock.advance(days=7)
    scene.guard.reload(load(scene.folder / "answers.yaml"))
    return scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.guard.close()


def test_the_loop_closes_from_log_to_verdicts_to_calibration_to_policy(scene: Scene) -> None:
    cold = scene.guard.policy
    assert cold.warnings  # The calibration is not there yet, so its rule only watches.
    scene.week("w1", 200)
    assert scene.calibrate() == 0
    made = artefact.read((scene.folder / "calibration.json").read_text())
    assert made.guarantee.threshold is not None
    assert 0.3 < made.guarantee.threshold <= 0.92

    scene.guard.reload(load(scene.folder / "answers.yaml"))
    assert scene.guard.policy.ref.sha256 != cold.ref.sha256
    assert float(str(scene.guard.policy.constants["model.threshold"])) == made.threshold
    at_threshold = scene.ask("at", made.guarantee.threshold)
    assert at_threshold.is_released
    assert float(str(at_threshold.decision.facts["confidence"])) == pytest.approx(made.threshold)
    unsure = scene.ask("unsure", 0.3)
    assert unsure.handoff is not None
    assert unsure.handoff.role == "queue_manager"
    assert [reason.rule for reason in unsure.decision.reasons] == ["low-confidence"]

    scene.guard.resolve(unsure.handoff.ticket, "quinn", "approve")
    scene.clock.advance(days=7)
    scene.week("w2", 60)
    assert scene.calibrate("--previous", str(scene.folder / "calibration.json")) == 0
    again = artefact.read((scene.folder / "calibration.json").read_text())
    assert again.log_range.first == made.log_range.first
    assert again.log_range.last > made.log_range.last


def test_another_model_or_prompt_makes_confidence_unknown_and_hands_off(calibrated: Scene) -> None:
    scene = calibrated
    for name, outcome in {
        "model": scene.ask("model", 0.99, model="m2"),
        "prompt": scene.ask("prompt", 0.99, prompt=Message(speaker=Speaker.SYSTEM, text="Guess.")),
    }.items():
        assert outcome.handoff is not None, name
        assert [reason.unknown for reason in outcome.decision.reasons] == [("confidence",)]
    # What a person decided in this conversation is told in a note, which is no part of the prompt.
    note = Message(speaker=Speaker.SYSTEM, text="A colleague approved it.", name="handrail")
    call = scene.guard.begin([PROMPT, note, Message(speaker=Speaker.USER, text="Thanks?")])
    tokens = (TokenLogprob(token="Yes.", logprob=math.log(0.93)),)
    assert call.finish([Draft(text="Yes.", logprobs=tokens, model="m1")]).is_released


def test_every_scored_answer_is_on_record_with_its_odds_whatever_the_draw_says(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    (tmp_path / "answers.yaml").write_text(POLICY.replace("audit_rate: 1\n", "audit_rate: 0.3\n"))
    scene.guard.reload(load(tmp_path / "answers.yaml"))
    for index in range(60):
        scene.ask(f"x-{index}", 0.123456789012345)
    rows = scene.rows()
    assert len(rows) == 60
    assert {row["audit_probability"] for row in rows} == {0.3}
    assert {row["audit_floor"] for row in rows} == {0.3}
    assert {bool(row["audited"]) for row in rows} == {True, False}
    assert {row["escalated"] for row in rows} == {False}
    assert rows[0]["score"] == pytest.approx(0.123456789012345, abs=1e-15)
    assert (rows[0]["method"], rows[0]["model"]) == ("sequence", "m1")
    kept = {row.exchange for row in waiting(scene.store, "default", limit=1000)}
    assert kept == {row["exchange"] for row in rows if row["audited"]}
    # The draw can be repeated by whoever holds the keys: the same exchanges are drawn again.
    scene.guard.close()
    scene.guard = scene.opened()
    assert scene.store.verify().is_intact
    scene.guard.close()


def test_what_is_handed_off_is_on_record_as_checked_before_its_ticket_opens(calibrated: Scene) -> None:
    scene = calibrated
    outcome = scene.ask("unsure", 0.3)
    row = scene.rows()[-1]
    assert outcome.handoff is not None
    assert row["exchange"] == "unsure"
    assert (row["escalated"], row["audited"], row["audit_probability"]) == (True, True, 1.0)
    assert [each.exchange for each in waiting(scene.store, "default", limit=1000)] == []


def test_the_row_of_a_scored_answer_says_all_that_its_decision_rested_on(calibrated: Scene) -> None:
    scene = calibrated
    with scene.guard.context(customer="ann", conversation="c9"):
        question = [PROMPT, Message(speaker=Speaker.USER, text="Was it sent?")]
        call = scene.guard.begin(question, exchange="told")
        call.used({"total_tokens": 31, "cost": 0.002})
        tokens = (TokenLogprob(token="Yes.", logprob=-0.01),)
        call.finish([Draft(text="Yes.", logprobs=tokens, model="m1")])
    scene.store.flush()
    row = [row for row in scene.store.log_rows() if row.customer and row.scored][-1]
    made = artefact.read((scene.folder / "calibration.json").read_text())
    assert (row.outcome, row.stage, row.effect, row.model) == ("passed", "answer", "pass", "m1")
    assert (row.scored["audit_probability"], row.scored["audited"]) == (1.0, True)
    assert row.scored["score"] == pytest.approx(math.exp(-0.01))
    assert row.confidence["value"] > row.confidence["threshold"]
    assert (row.confidence["method"], row.confidence["calibration"]) == ("sequence", made.id)
    assert row.policy == scene.guard.policy.ref.sha256
    assert row.sources["confidence"]
    assert (row.asked, row.usage) == (1, {"total_tokens": 31, "cost": 0.002})
    assert {"screen", "model", "judge"} <= set(row.latency_us)
    assert not {"told", "ann", "c9"} & {row.exchange, row.customer, row.conversation}


def test_a_policy_without_a_calibration_or_a_rate_audits_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    plain = POLICY.replace("thresholds: {answer: calibration.json}\naudit_rate: 1\n", "")
    (tmp_path / "answers.yaml").write_text(plain.replace("model.threshold", "0.5"))
    scene.guard.reload(load(tmp_path / "answers.yaml"))
    assert scene.ask("a", 0.9).is_released
    assert scene.rows() == []
    scene.guard.close()


def test_a_calibration_that_was_changed_by_hand_is_refused(calibrated: Scene) -> None:
    scene = calibrated
    path = scene.folder / "calibration.json"
    policy = load(scene.folder / "answers.yaml")
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "threshold": 0.01}))
    with pytest.raises(ConfigError, match="has changed since the policy was loaded"):
        scene.guard.reload(policy)
    with pytest.raises(ConfigError, match="does not follow"):
        scene.guard.reload(load(scene.folder / "answers.yaml"))
    path.write_text(json.dumps({"threshold": 0.5}))
    with pytest.raises(ConfigError):
        scene.guard.reload(load(scene.folder / "answers.yaml"))
    path.write_text("{}")
    with pytest.raises(PolicyError):
        load(scene.folder / "answers.yaml")


def test_only_members_of_its_roles_check_an_answer_once_and_every_look_is_recorded(scene: Scene) -> None:
    with scene.guard.context(customer="c1"):
        scene.ask("mail", 0.9, text="Write to ann.smith@example.org.")
    with pytest.raises(NotAllowed, match="process_owner or queue_manager"):
        show(scene.store, "default", "mail", scene.actor("mallory"))
    row, words = show(scene.store, "default", "mail", scene.actor("quinn"))
    assert row.roles == ("process_owner", "queue_manager")
    assert words is not None
    assert words.answer == "Write to [email]."
    assert [line.text for line in words.lines] == ["Was mail sent?"]
    _, plain = show(scene.store, "default", "mail", scene.actor("petra"), unmask=True)
    assert plain is not None
    assert plain.answer == "Write to ann.smith@example.org."
    judge(scene.store, "default", "mail", SampleVerdict.RIGHT, scene.actor("petra"))
    with pytest.raises(AlreadyDecided):
        judge(scene.store, "default", "mail", SampleVerdict.WRONG, scene.actor("quinn"))
    looks = [
        (entry["kind"], entry["actor"])
        for entry in scene.store.export()
        if entry["kind"].startswith("answer.")
    ]
    assert looks == [("answer.view", "quinn"), ("answer.unmask", "petra"), ("answer.judge", "petra")]
    assert scene.store.verify().is_intact
    assert "ann.smith" not in (scene.folder / "handrail.db").read_bytes().decode("latin-1")


def test_an_erased_customer_leaves_no_words_behind(scene: Scene) -> None:
    with scene.guard.context(customer="c1"):
        scene.ask("x", 0.9)
    scene.store.erase("default", "c1", by="admin", now=scene.clock())
    _, words = show(scene.store, "default", "x", scene.actor("quinn"))
    assert words is None


def test_keeping_an_answer_twice_keeps_the_first(scene: Scene) -> None:
    for text in ("first", "second"):
        answer = SampledAnswer(
            exchange="x",
            tenant="default",
            roles=("queue_manager",),
            masked=SampleText(answer=text),
            plain=SampleText(answer=text),
        )
        keep(scene.store, answer, at=MONDAY)
    _, words = show(scene.store, "default", "x", scene.actor("quinn"))
    assert words is not None
    assert words.answer == "first"


def test_errors_that_grow_withdraw_the_calibration_and_everything_is_handed_off(calibrated: Scene) -> None:
    scene = calibrated
    scene.week("w2", 200, wrong_above=200)
    review = ["review", "--store", scene.url, "--policy", str(scene.folder / "answers.yaml"), "--json"]
    period = ["--since", "2026-01-11", "--until", "2026-02-01"]
    told = json.loads(CliRunner().invoke(build(), [*review, *period]).stdout)["missed"]
    assert told["alarm"] is not None
    assert told["error_among_passed"] > 0.9
    read = CliRunner().invoke(build(), [*review[:-1], *period, "--out", str(scene.folder / "review")]).stdout
    assert "missed errors: 100.0\u00a0% of 160 passed answers" in read
    assert "drift alarm at 2026-01-1" in read
    assert scene.calibrate("--previous", str(scene.folder / "calibration.json")) == 1
    made = artefact.read((scene.folder / "calibration.json").read_text())
    assert made.withdrawn.startswith("drift alarm")
    assert made.threshold == 1.0
    scene.guard.reload(load(scene.folder / "answers.yaml"))
    assert scene.ask("sure", 0.999).handoff is not None


def test_an_awaiting_caller_gets_the_same_and_its_answer_is_kept_too(scene: Scene) -> None:
    async def ask() -> Outcome:
        question = Message(speaker=Speaker.USER, text="Was it sent?")
        call = await scene.guard.abegin([PROMPT, question], exchange="later")
        tokens = (TokenLogprob(token="Yes.", logprob=-0.1),)
        return await call.afinish([Draft(text="Yes.", logprobs=tokens, model="m1")])

    assert asyncio.run(ask()).is_released
    assert [row.exchange for row in waiting(scene.store, "default")] == ["later"]
    assert [row["exchange"] for row in scene.rows()] == ["later"]
