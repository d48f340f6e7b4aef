"""No message, tool or run of a framework is a way past the guard; each example with a control that leaks."""

from typing import Any

import pytest
from hypothesis import strategies as st

from handrail import AnswerBlocked, ConfigError, Guard, HandoffRequired
from support import open_world_frameworks as fw
from support import open_world_langchain as lc
from support import open_world_pydantic_ai as pa
from support.open_world import SECRETS, everything, leaks
from support.open_world_functions import Entry
from support.open_world_runs import EFFECTS, EXAMPLES, Guards, drawn
from support.open_world_turns import CALM, Place, Turn, turns
from support.open_world_values import World, calm, planted

LANGCHAIN = ("invoke", "stream", "ainvoke", "astream")


@EXAMPLES
@pytest.mark.parametrize("entry", LANGCHAIN)
def test_bypass_no_secret_of_a_langchain_answer_is_seen(guards: Guards, entry: str, examples: int) -> None:
    def holds(effect: str, turn: Turn, cut: int) -> None:
        assert leaks(turn.needles, lc.langchain_answer(entry, turn.said, None, cut)), "the control must leak"
        assert not leaks(turn.needles, lc.langchain_answer(entry, turn.said, guards(effect), cut))

    drawn(examples, holds, st.sampled_from(EFFECTS), turns(lc.ANSWERS), st.integers(1, 9))


@pytest.mark.parametrize("entry", LANGCHAIN)
@pytest.mark.parametrize("place", [name for name in lc.ANSWERS if name not in lc.UNREADABLE])
def test_an_answer_without_a_secret_is_seen_as_without_a_guard(
    guards: Guards, entry: str, place: str
) -> None:
    said = lc.ANSWERS[place](CALM, 7)
    if "number" in place:
        said = lc.AIMessage("Fine.", response_metadata={"token_usage": {"n": 12}})
    for effect in EFFECTS:
        seen = lc.langchain_messages(entry, said, guards(effect))
        assert seen == lc.langchain_messages(entry, said, None)


@EXAMPLES
@pytest.mark.parametrize("entry", LANGCHAIN)
def test_bypass_no_secret_of_a_langchain_history_reaches_the_model(
    guards: Guards, entry: str, examples: int
) -> None:
    def holds(effect: str, turn: Turn) -> None:
        assert leaks(turn.needles, lc.langchain_history(entry, turn.said, None)), "the control must leak"
        assert not leaks(turn.needles, lc.langchain_history(entry, turn.said, guards(effect)))

    drawn(examples, holds, st.sampled_from(EFFECTS), turns(lc.HISTORIES))


@EXAMPLES
def test_bypass_no_secret_of_an_answer_is_seen_in_the_run_of_an_agent(guards: Guards, examples: int) -> None:
    spoken = {
        name: place for name, place in lc.ANSWERS.items() if "arguments" not in name and "tool" not in name
    }

    def holds(effect: str, turn: Turn) -> None:
        assert leaks(turn.needles, lc.langchain_agent(turn.said, None)), "the control must leak"
        assert not leaks(turn.needles, lc.langchain_agent(turn.said, guards(effect)))

    drawn(examples, holds, st.sampled_from(EFFECTS), turns(spoken))


@EXAMPLES
def test_bypass_no_secret_of_a_tools_result_reaches_the_model_of_an_agent(
    guards: Guards, examples: int
) -> None:
    results: dict[str, Place] = {
        "as a text": lambda s, at: s.phrase(),
        "in data": lambda s, at: {"deep": [{"note": s.phrase()}]},
        "in a key": lambda s, at: {s.phrase(): 1},
    }

    def holds(effect: str, turn: Turn) -> None:
        assert leaks(turn.needles, lc.langchain_agent_tool(turn.said, None)), "the control must leak"
        assert not leaks(turn.needles, lc.langchain_agent_tool(turn.said, guards(f"{effect} results")))

    drawn(examples, holds, st.sampled_from(EFFECTS), turns(results))


def is_withheld(entry: Entry, guard: Guard, world: World) -> None:
    """The control shows the secret; the guard shows and lets through none of it, and nothing else fails."""
    bare: list[object] = []
    bare.append(entry(None, world.value(), bare))
    assert leaks(world.needles, *bare), "the control must leak"
    seen: list[object] = []
    try:
        seen.append(entry(guard, world.value(), seen))
        # What is lazy is judged when it is drained, and drained once.
        told = everything(*seen)
    except (HandoffRequired, AnswerBlocked, ConfigError) as withheld:
        told = everything(*seen, withheld)
    assert not leaks(world.needles, told), "the secret was seen"


@EXAMPLES
@pytest.mark.parametrize("name", ["runnable_argument", *fw.FRAMEWORK_RESULTS])
def test_bypass_no_secret_in_a_value_passes_a_runnable(guards: Guards, name: str, examples: int) -> None:
    entry = {**fw.FRAMEWORK_ARGUMENTS, **fw.FRAMEWORK_RESULTS}[name]

    def holds(effect: str, world: World) -> None:
        is_withheld(entry, guards(effect), world)

    drawn(examples, holds, st.sampled_from(EFFECTS), planted())


@EXAMPLES
@pytest.mark.parametrize("name", fw.FRAMEWORK_TOOL_RESULTS)
def test_bypass_no_secret_in_a_tools_result_is_returned(guards: Guards, name: str, examples: int) -> None:
    entry = fw.FRAMEWORK_TOOL_RESULTS[name]

    def holds(effect: str, world: World) -> None:
        is_withheld(entry, guards(f"{effect} results"), world)

    drawn(examples, holds, st.sampled_from(EFFECTS), planted())


@EXAMPLES
@pytest.mark.parametrize("name", [*fw.FRAMEWORK_ARGUMENTS, *fw.FRAMEWORK_RESULTS])
def test_a_value_of_a_declared_kind_passes_a_runnable_or_a_tool(
    guards: Guards, name: str, examples: int
) -> None:
    entry = {**fw.FRAMEWORK_ARGUMENTS, **fw.FRAMEWORK_RESULTS}[name]

    def holds(effect: str, world: World) -> None:
        value, seen = world.value(), []
        told = entry(guards(effect), value, seen)
        arrived = seen[-1] if isinstance(told, str) and told == "Fine." and seen else told
        assert type(arrived) is type(value)
        assert arrived == value

    drawn(examples, holds, st.sampled_from(EFFECTS), calm())


@EXAMPLES
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_bypass_no_secret_of_a_pydantic_ai_answer_is_seen(
    guards: Guards, streamed: bool, examples: int
) -> None:
    kinds = {n: p for n, p in pa.PARTS.items() if not streamed or n not in pa.NOT_STREAMED}

    def holds(effect: str, turn: Turn, cut: int) -> None:
        def told(guard: Guard | None) -> str:
            return pa.pydantic_ai(pa.QUESTION, turn.said, guard, cut, stream=streamed)[1]

        assert leaks(turn.needles, told(None)), "the control must leak"
        assert not leaks(turn.needles, told(guards(effect)))

    drawn(examples, holds, st.sampled_from(EFFECTS), turns(kinds), st.integers(1, 9))


@pytest.mark.parametrize("place", [name for name in pa.PARTS if name != "in a file" and "number" not in name])
def test_a_response_without_a_secret_is_the_models_own(guards: Guards, place: str) -> None:
    parts = pa.PARTS[place](CALM, 7)
    for effect in EFFECTS:
        assert pa.pydantic_ai_response(parts, guards(effect)) is parts


@EXAMPLES
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_bypass_no_secret_of_a_pydantic_ai_history_reaches_the_model(
    guards: Guards, streamed: bool, examples: int
) -> None:
    def holds(effect: str, turn: Turn) -> None:
        def sent(guard: Guard | None) -> str:
            return pa.pydantic_ai(turn.said, [pa.TextPart("Fine.")], guard, 4, stream=streamed)[0]

        assert leaks(turn.needles, sent(None)), "the control must leak"
        assert not leaks(turn.needles, sent(guards(effect)))

    drawn(examples, holds, st.sampled_from(EFFECTS), turns(pa.REQUESTS))


@EXAMPLES
def test_bypass_no_secret_passes_a_pydantic_ai_tool(guards: Guards, examples: int) -> None:
    def holds(effect: str, secret: Any, in_result: bool) -> None:
        data = {"deep": [secret.phrase()]}

        def told(guard: Guard | None) -> str:
            given, result = ("7", data) if in_result else (data, "Fine.")
            return "\n".join(pa.pydantic_ai_tool({"order": given}, result, guard))

        assert leaks((secret.needle,), told(None)), "the control must leak"
        assert not leaks((secret.needle,), told(guards(f"{effect} results")))

    drawn(examples, holds, st.sampled_from(EFFECTS), st.sampled_from(SECRETS), st.booleans())
