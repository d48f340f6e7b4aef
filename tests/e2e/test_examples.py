"""Every example runs as its page says, in an empty folder, with no key."""

import os
import queue
import subprocess
import sys
import threading
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from handrail.policy import load, load_people
from handrail.store import Actor, open_store
from handrail.tickets.lifecycle import State
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.rederived import assert_taken_again, exported

EXAMPLES = Path(__file__).parents[2] / "examples"

PRINTED = {
    "decorator.py": ["We are open from 9 to 17.", "(queue_manager will answer)"],
    "tool_gate.py": ["1 refunded 92 USD", "5 refunded 92 USD", "6 waits for finance_lead", "7 waits for"],
    "async_stream.py": ["We are open from 9 to 17.", "The key is [", "], enjoy."],
    "agent_chain.py": [
        "ana: Refund my $39 cable.",
        "(the shop pays 39 USD for order 1175)",
        "shop: 39 USD are on their way.",
        "ben: Refund the $640 headphones.",
        "shop: waits for finance_lead because of high_stakes",
    ],
}


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "HANDRAIL_", "LANGSMITH_"))}
    return {**kept, "LANGSMITH_TRACING": "false", "PYTHONUNBUFFERED": "1", **more}


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_an_example_prints_what_it_should(name: str, tmp_path: Path) -> None:
    if name == "agent_chain.py":
        pytest.importorskip("langchain")
        pytest.importorskip("langchain_openai")
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    at = 0
    for line in PRINTED[name]:
        at = ran.stdout.find(line, at)
        assert at >= 0, f"{line!r} is missing in {ran.stdout!r}"
    assert "AKIA" not in ran.stdout
    store = open_store(f"sqlite:///{tmp_path}/handrail.db", allow_volatile=True)
    assert assert_taken_again(exported(store, tmp_path), load("support"))
    store.close()


def test_every_example_is_tested() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {*PRINTED, "chatbot.py", "chatbot_web.py"}


class Chat:
    """The chatbot in a process of its own, spoken to through its terminal."""

    def __init__(self, folder: Path) -> None:
        self.store = f"sqlite:///{folder / 'handrail.db'}"
        self._process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / "chatbot.py")],
            cwd=folder,
            env=environment(HANDRAIL_STORE=self.store),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def says(self, words: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{words}\n")
        self._process.stdin.flush()

    def hears(self, words: str) -> str:
        seen = []
        while True:
            try:
                seen.append(self._lines.get(timeout=60))
            except queue.Empty:
                raise AssertionError(f"{words!r} did not come after {seen}") from None
            if words in seen[-1]:
                return seen[-1]

    def ends(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.close()
        code = self._process.wait(60)
        self._reader.join(60)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)


def test_the_chatbot_fetches_the_persons_answer_when_it_comes(tmp_path: Path) -> None:
    chat = Chat(tmp_path)
    try:
        chat.hears("The model is scripted.")
        chat.says("Where is order 1182?")
        chat.hears("arrives tomorrow")
        chat.says("Refund the $640 headphones.")
        reference = chat.hears("With a person: finance lead").strip().rstrip(".").rpartition(" ")[2]
        store = open_store(chat.store, allow_volatile=True)
        policy = load("support")
        people = load_people(str(files("handrail_adapters.demo") / "people.yaml"), policy)
        actor = Actor(person="fatima", people=people, now=datetime.now(UTC))
        ticket = store.by_reference("default", reference)[0].id
        store.claim("default", ticket, actor)
        resolution = Resolution(
            verdict=Verdict.EDIT, changes={"amount": 590}, message_to_user="590 USD, without the case."
        )
        store.resolve("default", ticket, resolution, actor)
        assert "A person answers: finance lead" in chat.hears("590 USD, without the case.")
        chat.says("So what came of it?")
        chat.hears("A colleague has refunded 590 USD")
        assert store.get("default", ticket).state is State.APPLIED
    finally:
        assert chat.ends() == 0
    # The program's log is whole when the program has ended.
    outcomes = {row.outcome for row in assert_taken_again(exported(store, tmp_path), policy)}
    assert {"passed", "handed_off", "authorised"} <= outcomes
    store.close()
