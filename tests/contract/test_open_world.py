"""No value is a way past the guard: one secret anywhere in a generated value, through each way in and out.

Each example is shown first to a function without a guard, and the secret must be seen there: the control. The
same generator without a secret must come through unchanged. `make prove` draws twenty times as many.
"""

from collections.abc import Callable

import pytest
from hypothesis import strategies as st

from handrail import AnswerBlocked, ConfigError, HandoffRequired
from handrail.errors import ErrorWithheld
from support.open_world import everything, leaks
from support.open_world_functions import (
    ARGUMENTS,
    ERRORS,
    RESULTS,
    STREAMS,
    TOOL_ARGUMENTS,
    TOOL_RESULTS,
    Entry,
    Failed,
)
from support.open_world_runs import EFFECTS, EXAMPLES, Guards, drawn
from support.open_world_values import World, calm, calm_streams, planted, planted_streams

# The threads of the guards draw random numbers meanwhile, which hypothesis takes for the strategies.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")


def effects(world: st.SearchStrategy[World], examples: int, holds: Callable[[World, str], None]) -> None:
    """Check what must hold for many worlds, each under a policy that hands off or redacts."""
    drawn(examples, holds, world, st.sampled_from(EFFECTS))


def is_withheld(entry: Entry, guards: Guards, world: World, policy: str) -> None:
    """The control shows the secret, the guard shows and lets through none of it, and nothing else fails."""
    bare: list[object] = []
    try:
        bare.append(entry(None, world.value(), bare))
    except Failed as failed:
        bare.append(failed)
    assert leaks(world.needles, *bare), "the control must leak"
    seen: list[object] = []
    try:
        seen.append(entry(guards(policy), world.value(), seen))
        # What is lazy is judged when it is drained, and drained once.
        told = everything(*seen)
    except (HandoffRequired, AnswerBlocked, ConfigError, Failed, ErrorWithheld) as withheld:
        told = everything(*seen, withheld)
    assert not leaks(world.needles, told), "the secret was seen"


def is_unchanged(entry: Entry, guards: Guards, world: World, policy: str) -> None:
    """A value without a secret comes through equal, of the same type, and nobody is asked."""
    value, seen = world.value(), []
    before = everything(value)
    told = entry(guards(policy), value, seen)
    arrived = seen[-1] if isinstance(told, str) and told == "Fine." and seen else told
    # A set shows its items in any order.
    assert sorted(everything(arrived)) == sorted(before)
    assert type(arrived) is type(value)
    assert arrived == value


@EXAMPLES
@pytest.mark.parametrize("name", ARGUMENTS)
def test_bypass_no_secret_in_an_argument_reaches_the_model(guards: Guards, name: str, examples: int) -> None:
    effects(planted(), examples, lambda world, effect: is_withheld(ARGUMENTS[name], guards, world, effect))


@EXAMPLES
@pytest.mark.parametrize("name", RESULTS)
def test_bypass_no_secret_in_a_result_reaches_the_caller(guards: Guards, name: str, examples: int) -> None:
    effects(planted(), examples, lambda world, effect: is_withheld(RESULTS[name], guards, world, effect))


@EXAMPLES
@pytest.mark.parametrize("name", STREAMS)
def test_bypass_no_secret_cut_over_chunks_reaches_the_caller(
    guards: Guards, name: str, examples: int
) -> None:
    effects(
        planted_streams(), examples, lambda world, effect: is_withheld(STREAMS[name], guards, world, effect)
    )


@EXAMPLES
@pytest.mark.parametrize("name", ERRORS)
def test_bypass_no_secret_in_an_error_reaches_the_caller(guards: Guards, name: str, examples: int) -> None:
    effects(planted(), examples, lambda world, effect: is_withheld(ERRORS[name], guards, world, effect))


@EXAMPLES
@pytest.mark.parametrize("name", TOOL_ARGUMENTS)
def test_bypass_no_secret_in_an_argument_reaches_a_tool(guards: Guards, name: str, examples: int) -> None:
    effects(
        planted(), examples, lambda world, effect: is_withheld(TOOL_ARGUMENTS[name], guards, world, effect)
    )


@EXAMPLES
@pytest.mark.parametrize("name", TOOL_RESULTS)
def test_bypass_no_secret_in_a_tools_result_reaches_the_caller(
    guards: Guards, name: str, examples: int
) -> None:
    effects(
        planted(),
        examples,
        lambda world, effect: is_withheld(TOOL_RESULTS[name], guards, world, f"{effect} results"),
    )


@EXAMPLES
@pytest.mark.parametrize("name", [*ARGUMENTS, *RESULTS, *TOOL_ARGUMENTS])
def test_a_value_of_a_declared_kind_comes_through_unchanged(guards: Guards, name: str, examples: int) -> None:
    entry = {**ARGUMENTS, **RESULTS, **TOOL_ARGUMENTS}[name]
    effects(calm(), examples, lambda world, effect: is_unchanged(entry, guards, world, effect))


@EXAMPLES
@pytest.mark.parametrize("name", TOOL_RESULTS)
def test_a_tools_result_of_a_declared_kind_comes_through_unchanged(
    guards: Guards, name: str, examples: int
) -> None:
    effects(
        calm(),
        examples,
        lambda world, effect: is_unchanged(TOOL_RESULTS[name], guards, world, f"{effect} results"),
    )


@EXAMPLES
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_of_a_declared_kind_comes_through_unchanged(
    guards: Guards, name: str, examples: int
) -> None:
    def same(world: World, effect: str) -> None:
        chunks = world.value()
        assert STREAMS[name](guards(effect), chunks, []) == chunks

    effects(calm_streams(), examples, same)
