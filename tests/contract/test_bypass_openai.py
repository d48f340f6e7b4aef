"""The bypass matrix of the `openai` client: no way past the guard, and a control that would see a leak."""

import re
from typing import Any

import pytest
from openai import BadRequestError

from handrail_adapters.openai import guard_openai
from support.model_server import ModelServer, Say, model_server
from support.openai_entries import ASYNC, SYNC, run_async, sync_client
from support.toy_guard import ToyGuard

SECRET = "SECRET-4711"
ASKS = [{"role": "user", "content": "Where is my order?"}]

SECRETS = {
    "in the text": Say(f"Sure, it is {SECRET}.", cut=64),
    "at every chunk boundary": Say(f"Sure, it is {SECRET}.", cut=1),
    "in tool arguments": Say(None, calls=[("look_up", '{"id": "' + SECRET + '"}')], cut=3),
    "in a refusal": Say(None, refusal=f"I will not say {SECRET}.", cut=3),
}
WITHHELD = [
    {"role": "system", "content": "Rules. HIDE-system"},
    {"role": "user", "content": "I am HIDE-history"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "f", "arguments": '{"a": "HIDE-arguments"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "HIDE-result"},
    {"role": "user", "content": "Mail HIDE-message please"},
]


def ask(name: str, server: ModelServer, guard: ToyGuard | None, messages: Any = ASKS, **options: Any) -> str:
    """Ask in one way, through the guard or bare."""

    def guarded(client: Any) -> Any:
        return client if guard is None else guard_openai(client, guard, **options)

    if name in ASYNC:
        return run_async(server.url, guarded, name, messages)
    with sync_client(server.url) as client:
        return SYNC[name](guarded(client), messages)


ENTRIES = [*SYNC, *ASYNC]


@pytest.mark.parametrize("case", SECRETS)
@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_a_secret_never_reaches_the_caller(name: str, case: str) -> None:
    guard = ToyGuard()
    with model_server(SECRETS[case]) as server:
        assert SECRET in ask(name, server, None), "the control must leak"
        assert SECRET not in ask(name, server, guard)
    assert guard.begun == 1
    assert len(guard.finished) == 1
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    "name", ["chat_two_choices", "chat_stream", "chat_raw_stream", "chat_helper", "chat_astream"]
)
def test_bypass_a_secret_in_the_second_choice_never_reaches_the_caller(name: str) -> None:
    with model_server(Say("Fine.", others=[f"It is {SECRET}."], cut=2)) as server:
        assert SECRET in ask(name, server, None), "the control must leak"
        assert SECRET not in ask(name, server, ToyGuard())


@pytest.mark.parametrize("name", [n for n in ENTRIES if n.startswith("chat") and n != "chat_parse"])
def test_bypass_a_secret_in_a_field_nobody_knows_never_reaches_the_caller(name: str) -> None:
    with model_server(Say("Fine.", extra={"reasoning_content": f"It is {SECRET}."}, cut=2)) as server:
        assert SECRET in ask(name, server, None), "the control must leak"
        assert SECRET not in ask(name, server, ToyGuard())


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_a_high_stakes_call_never_reaches_the_caller(name: str) -> None:
    with model_server(Say(None, calls=[("wire_money", '{"amount": 640}')])) as server:
        assert "wire_money" in ask(name, server, None), "the control must leak"
        assert "wire_money" not in ask(name, server, ToyGuard())


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_withheld_input_never_reaches_the_model(name: str) -> None:
    with model_server(Say("Fine.")) as server:
        ask(name, server, None, WITHHELD)
        assert server.sent.count("HIDE-") == 5, "the control must leak"
    with model_server(Say("Fine.")) as server:
        ask(name, server, ToyGuard(), WITHHELD)
        assert "HIDE-" not in server.sent
        assert server.sent.count("[hidden]") == 5


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_input_that_is_handed_off_never_reaches_the_model(name: str) -> None:
    with model_server(Say("Fine.")) as server:
        ask(name, server, ToyGuard(), [{"role": "user", "content": "STOP this"}])
        assert server.seen == []


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_a_retry_never_carries_what_was_withheld(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
    if name == "chat_with_options":
        pytest.skip("this way asks for no retries")
    guard = ToyGuard()
    with model_server(Say(status=500), Say(status=429), Say("Fine.")) as server:
        ask(name, server, guard, WITHHELD)
        assert len(server.seen) == 3
        assert "HIDE-" not in server.sent
    assert guard.begun == 3


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_nothing_is_asked_again_after_a_hand_off(name: str) -> None:
    for shape in ("auto", "error"):
        guard = ToyGuard()
        with model_server(Say(f"It is {SECRET}.")) as server:
            if shape == "auto" or name.endswith("_parse"):
                ask(name, server, guard, shape=shape)
            else:
                with pytest.raises(BadRequestError) as refused:
                    ask(name, server, guard, shape=shape)
                assert SECRET not in f"{refused.value!r}{vars(refused.value)}"
            assert len(server.seen) == 1
        assert guard.tickets == ["T1"]


@pytest.mark.parametrize("flavour", ["httpx", "httpx2", "azure"])
@pytest.mark.parametrize("name", ["chat_create", "chat_stream", "responses_create", "responses_stream"])
def test_bypass_other_clients_have_no_way_past(name: str, flavour: str) -> None:
    with model_server(Say(f"It is {SECRET}.", cut=2)) as server, sync_client(server.url, flavour) as client:
        assert SECRET in SYNC[name](client, ASKS), "the control must leak"
        guard = ToyGuard()
        guarded = guard_openai(client, guard)
        assert type(guarded) is type(client)
        assert SECRET not in SYNC[name](guarded, ASKS)
        assert guard.begun == 1


@pytest.mark.parametrize("name", ENTRIES)
def test_bypass_clean_traffic_is_the_same_with_and_without_the_guard(name: str) -> None:
    say = Say("The order is on its way.", others=["Soon."], calls=[("look_up", '{"id": 3}')], cut=3)
    with model_server(say) as server:
        bare = ask(name, server, None)
        guarded = ask(name, server, ToyGuard())
    assert _undated(bare) == _undated(guarded)
    assert server.seen[0].raw == server.seen[1].raw


def _undated(text: str) -> str:
    return re.sub(r"'date': '[^']*'", "", text)
