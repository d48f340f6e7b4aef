"""What every adapter must pass; a new one subclasses this and says in one method how it asks.

```python
class TestMine(AdapterContract):
    def ask(self, server, guard, messages, *, stream):
        client = MyClient(server.url)
        ...
        return everything_its_caller_can_see
```
"""

from typing import Any

import pytest

from support.model_server import ModelServer, Say, model_server
from support.toy_guard import NOTICE, ToyGuard

SECRET = "SECRET-4711"
Messages = list[dict[str, Any]]
ASKS: Messages = [{"role": "user", "content": "Where is my order?"}]
HISTORY: Messages = [
    {"role": "system", "content": "Rules. HIDE-system"},
    {"role": "user", "content": "I am HIDE-history"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Mail HIDE-message please"},
]


class AdapterContract:
    """The tests. Set `streams` or `calls` to False for an adapter that knows no streams or no tool calls."""

    streams = True
    calls = True

    def ask(self, server: ModelServer, guard: ToyGuard | None, messages: Messages, *, stream: bool) -> str:
        """Ask the scripted model once, bare if `guard` is None; return all that the caller can see.

        A stream's text must be put together, so that a secret over several pieces would be seen.
        """
        raise NotImplementedError

    @pytest.fixture(params=[False, True], ids=["whole", "streamed"])
    def stream(self, request: pytest.FixtureRequest) -> bool:
        if request.param and not self.streams:
            pytest.skip("this adapter does not stream")
        return bool(request.param)

    @pytest.mark.parametrize("cut", [1, 2, 5, 64])
    def test_bypass_a_secret_never_reaches_the_caller(self, cut: int, stream: bool) -> None:
        with model_server(Say(f"Sure, it is {SECRET}.", cut=cut)) as server:
            assert SECRET in self.ask(server, None, ASKS, stream=stream), "the control must leak"
            told = self.ask(server, ToyGuard(), ASKS, stream=stream)
        assert SECRET not in told
        assert NOTICE in told

    @pytest.mark.parametrize(
        ("name", "arguments"), [("look_up", f'{{"id": "{SECRET}"}}'), ("wire_money", '{"to": "SECRET"}')]
    )
    def test_bypass_a_call_that_is_handed_off_never_reaches_the_caller(
        self, name: str, arguments: str, stream: bool
    ) -> None:
        if not self.calls:
            pytest.skip("this adapter knows no tool calls")
        with model_server(Say("One moment.", calls=[(name, arguments)], cut=3)) as server:
            assert name in self.ask(server, None, ASKS, stream=stream), "the control must leak"
            told = self.ask(server, ToyGuard(), ASKS, stream=stream)
        assert name not in told
        assert SECRET not in told

    def test_bypass_withheld_input_never_reaches_the_model(self, stream: bool) -> None:
        with model_server(Say("Fine.")) as server:
            self.ask(server, None, HISTORY, stream=stream)
            assert server.sent.count("HIDE-") == 3, "the control must leak"
        with model_server(Say("Fine.")) as server:
            assert "Fine." in self.ask(server, ToyGuard(), HISTORY, stream=stream)
            assert "HIDE-" not in server.sent
            assert server.sent.count("[hidden]") == 3

    def test_bypass_input_that_is_handed_off_never_reaches_the_model(self, stream: bool) -> None:
        asks: Messages = [{"role": "user", "content": "STOP this"}]
        with model_server(Say("Fine.")) as server:
            assert NOTICE in self.ask(server, ToyGuard(), asks, stream=stream)
            assert server.seen == []

    def test_nothing_is_asked_again_after_a_hand_off(self, stream: bool) -> None:
        guard = ToyGuard()
        with model_server(Say(f"It is {SECRET}.")) as server:
            self.ask(server, guard, ASKS, stream=stream)
            assert len(server.seen) == 1
        assert guard.tickets == ["T1"]

    def test_what_is_masked_arrives_masked(self, stream: bool) -> None:
        with model_server(Say("Ask MASK-1 about it.", cut=3)) as server:
            assert "Ask [masked] about it." in self.ask(server, ToyGuard(), ASKS, stream=stream)

    def test_clean_traffic_is_the_same(self, stream: bool) -> None:
        with model_server(Say("The order is on its way.", cut=3)) as server:
            bare = self.ask(server, None, ASKS, stream=stream)
            assert self.ask(server, ToyGuard(), ASKS, stream=stream) == bare
        assert server.seen[0].body == server.seen[1].body
