"""No field of a provider's JSON is a way past the guard: one secret anywhere, in each format, both ways.

Each example is sent first without a guard, and the secret must be seen: the control. The same bodies without
a secret must arrive as they are.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import strategies as st

from handrail import Guard
from support.gateway import UPSTREAM_KEY
from support.open_world import leaks
from support.open_world_runs import EXAMPLES, Guards, drawn
from support.wire_bodies import FORMATS
from support.wire_plants import (
    Exchange,
    calm_exchanges,
    planted_answers,
    planted_event_streams,
    planted_requests,
)
from support.wire_ways import Wire, read_back

EFFECTS = ("hand_off", "redact", "hand_off release", "redact release")
WAYS = [(form, "client") for form in FORMATS] + [("chat", "gateway"), ("responses", "gateway")]
ENTRIES = pytest.mark.parametrize(("form", "way"), WAYS)


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    made = Wire(folder=tmp_path_factory.mktemp("gateway"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_UPSTREAM_KEY", UPSTREAM_KEY)
        yield made
    made.close()


def effects(
    exchanges: st.SearchStrategy[Exchange], examples: int, holds: Callable[[Exchange, str], None]
) -> None:
    """Check what must hold for many exchanges, each under a policy that hands off or redacts."""
    drawn(examples, holds, exchanges, st.sampled_from(EFFECTS))


def is_withheld(wire: Wire, exchange: Exchange, guard: Guard, way: str) -> None:
    """The control shows the secret; behind the guard neither the provider nor the caller sees it."""
    sent, told = wire.ask(exchange, None)
    assert leaks(exchange.needles, *_shown(sent, told)), "the control must leak"
    sent, told = wire.ask(exchange, guard, gateway=way == "gateway")
    assert not leaks(exchange.needles, *_shown(sent, told)), "the secret was seen"


def _shown(sent: list[bytes], told: str) -> list[Any]:
    return [*(json.loads(raw) for raw in sent), *read_back(told), told]


@EXAMPLES
@ENTRIES
def test_bypass_no_secret_in_an_answer_reaches_the_caller(
    wire: Wire, guards: Guards, form: str, way: str, examples: int
) -> None:
    effects(planted_answers(form), examples, lambda one, effect: is_withheld(wire, one, guards(effect), way))


@EXAMPLES
@ENTRIES
def test_bypass_no_secret_in_a_stream_reaches_the_caller(
    wire: Wire, guards: Guards, form: str, way: str, examples: int
) -> None:
    effects(
        planted_event_streams(form), examples, lambda one, effect: is_withheld(wire, one, guards(effect), way)
    )


@EXAMPLES
@ENTRIES
def test_bypass_no_secret_in_a_request_reaches_the_provider(
    wire: Wire, guards: Guards, form: str, way: str, examples: int
) -> None:
    effects(planted_requests(form), examples, lambda one, effect: is_withheld(wire, one, guards(effect), way))


@EXAMPLES
@ENTRIES
def test_an_exchange_without_a_secret_arrives_as_it_is(
    wire: Wire, guards: Guards, form: str, way: str, examples: int
) -> None:
    def same(one: Exchange, effect: str) -> None:
        bare, bare_told = wire.ask(one, None)
        sent, told = wire.ask(one, guards(effect), gateway=way == "gateway")
        assert [json.loads(raw) for raw in sent] == [json.loads(raw) for raw in bare]
        assert read_back(told) == read_back(bare_told)

    effects(calm_exchanges(form), examples, same)
