"""The bypass matrix of the gateway: every way of a plain client, with a control that would leak."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from support.gateway import gateway
from support.model_server import ModelServer, Say, model_server
from support.openai_entries import ASYNC, SYNC, run_async, sync_client
from support.toy_shop import ToyShop

SECRET = "SECRET-4711"
ASKS = [{"role": "user", "content": "Where is my order?"}]
ENTRIES = [*SYNC, *ASYNC]
CALLS = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "HIDE-arguments"}'}}]
WITHHELD = [
    {"role": "system", "content": "Rules. HIDE-system"},
    {"role": "user", "content": "I am HIDE-history"},
    {"role": "assistant", "content": None, "tool_calls": CALLS},
    {"role": "tool", "tool_call_id": "c1", "content": "HIDE-result"},
    {"role": "user", "content": "Mail HIDE-message please"},
]
SECRETS = {
    "in the text": Say(f"Sure, it is {SECRET}.", cut=64),
    "at every chunk boundary": Say(f"Sure, it is {SECRET}.", cut=1),
    "in tool arguments": Say(None, calls=[("look_up", '{"id": "' + SECRET + '"}')], cut=3),
    "in a refusal": Say(None, refusal=f"I will not say {SECRET}.", cut=3),
}


@dataclass
class Scene:
    """A provider, a gateway before it, and the guard inside."""

    provider: ModelServer
    address: str
    guard: ToyShop

    def says(self, *script: Say) -> None:
        self.provider.script = list(script)
        self.provider.seen.clear()
        self.guard.finished.clear()
        self.guard.tickets.clear()
        self.guard.begun = 0

    def ask(self, name: str, messages: Any = ASKS, *, is_guarded: bool = True) -> str:
        url = f"{self.address}/v1" if is_guarded else self.provider.url
        if name in ASYNC:
            return run_async(url, lambda client: client, name, messages)
        with sync_client(url) as client:
            return SYNC[name](client, messages)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    guard = ToyShop()
    with (
        model_server() as provider,
        gateway(tmp_path_factory.mktemp("gateway"), provider.url, make_guard=lambda _: guard) as address,
    ):
        yield Scene(provider, address, guard)


@pytest.mark.parametrize("case", SECRETS)
@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_a_secret_never_reaches_the_caller(scene: Scene, name: str, case: str) -> None:
    scene.says(SECRETS[case])
    assert SECRET in scene.ask(name, is_guarded=False), "the control must leak"
    assert SECRET not in scene.ask(name)
    assert scene.guard.begun == len(scene.guard.finished) == 1
    assert len(scene.provider.seen) == 2


@pytest.mark.parametrize("name", ["chat_two_choices", "chat_stream", "chat_raw_stream", "chat_helper"])
def test_bypass_a_secret_in_the_second_choice_never_reaches_the_caller(scene: Scene, name: str) -> None:
    scene.says(Say("Fine.", others=[f"It is {SECRET}."], cut=2))
    assert SECRET in scene.ask(name, is_guarded=False), "the control must leak"
    assert SECRET not in scene.ask(name)


@pytest.mark.parametrize("name", [n for n in ENTRIES if n.startswith("chat") and n != "chat_parse"])
def test_bypass_a_secret_in_a_field_nobody_knows_never_reaches_the_caller(scene: Scene, name: str) -> None:
    scene.says(Say("Fine.", extra={"reasoning_content": f"It is {SECRET}."}, cut=2))
    assert SECRET in scene.ask(name, is_guarded=False), "the control must leak"
    assert SECRET not in scene.ask(name)


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_a_high_stakes_call_never_reaches_the_caller(scene: Scene, name: str) -> None:
    scene.says(Say(None, calls=[("wire_money", '{"amount": 640}')]))
    assert "wire_money" in scene.ask(name, is_guarded=False), "the control must leak"
    assert "wire_money" not in scene.ask(name)


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_withheld_input_never_reaches_the_model(scene: Scene, name: str) -> None:
    scene.says(Say("Fine."))
    scene.ask(name, WITHHELD, is_guarded=False)
    assert scene.provider.sent.count("HIDE-") == 5, "the control must leak"
    scene.says(Say("Fine."))
    scene.ask(name, WITHHELD)
    assert "HIDE-" not in scene.provider.sent
    assert scene.provider.sent.count("[hidden]") == 5


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_input_that_is_handed_off_never_reaches_the_model(scene: Scene, name: str) -> None:
    scene.says(Say("Fine."))
    scene.ask(name, [{"role": "user", "content": "STOP this"}])
    assert scene.provider.seen == []


@pytest.mark.parametrize("name", ["chat_create", "chat_stream", "responses_create", "responses_stream"])
def test_bypass_a_retry_never_carries_what_was_withheld(scene: Scene, name: str) -> None:
    scene.says(Say(status=500), Say("Fine."))
    scene.ask(name, WITHHELD)
    assert len(scene.provider.seen) == 2
    assert "HIDE-" not in scene.provider.sent


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_clean_traffic_is_the_same_with_and_without_the_gateway(scene: Scene, name: str) -> None:
    scene.says(Say("The order is on its way.", others=["Soon."], calls=[("look_up", '{"id": 3}')], cut=3))
    bare = scene.ask(name, is_guarded=False)
    guarded = scene.ask(name)
    assert _apart_from_headers(bare) == _apart_from_headers(guarded)
    assert scene.provider.seen[0].raw == scene.provider.seen[1].raw


def _apart_from_headers(text: str) -> str:
    return re.sub(r"\{'(date|server)'.*", "", text)
