"""The arguments of one call are judged together: a word in one tells what the number in the next one is."""

from typing import Any

import pytest

from handrail import Guard, Handoff
from support.open_world import SSN, guard_of

WORDS = "Her SSN is"


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = guard_of(tmp_path_factory.mktemp("redact"), "redact")
    yield made
    made.close()


def asked(guard: Guard, *args: object, **kwargs: object) -> Any:
    """What reaches the model of `(label, value)`, or the hand-off."""
    seen: list[object] = []

    def ask(label: object = "", value: object = "") -> str:
        seen[:] = [label, value]
        return "fine"

    told = guard.result(guard(ask), *args, **kwargs)
    return told if isinstance(told, Handoff) else seen


@pytest.mark.parametrize(
    ("arguments", "masked"),
    [
        ((WORDS, SSN.needle), [WORDS, "[US_SSN]"]),
        (([WORDS, SSN.needle], ""), [[WORDS, "[US_SSN]"], ""]),
        (({"ssn": SSN.needle}, ""), [{"ssn": "[US_SSN]"}, ""]),
        (([{"about": WORDS}, {"value": SSN.needle}], ""), [[{"about": WORDS}, {"value": "[US_SSN]"}], ""]),
        ((f'{{"ssn": "{SSN.needle}"}}', ""), ['{"ssn": "[US_SSN]"}', ""]),
        (
            ([{"role": "user", "content": [{"type": "text", "text": t} for t in (WORDS, SSN.needle)]}], ""),
            [
                [{"role": "user", "content": [{"type": "text", "text": t} for t in (WORDS, "[US_SSN]")]}],
                "",
            ],
        ),
    ],
    ids=["two arguments", "two items", "a key", "two mappings", "JSON", "two blocks"],
)
def test_what_a_neighbour_gives_away_is_masked_where_it_lies(
    guard: Guard, arguments: tuple[object, object], masked: object
) -> None:
    assert asked(guard, *arguments) == masked
    assert asked(guard, **dict(zip(("label", "value"), arguments, strict=True))) == masked


def test_the_name_of_a_parameter_is_a_neighbour_too(guard: Guard) -> None:
    seen: list[str] = []

    @guard
    def ask(ssn: str) -> str:
        seen.append(ssn)
        return "fine"

    ask(SSN.needle)
    ask(ssn=SSN.needle)
    assert seen == ["[US_SSN]", "[US_SSN]"]


@pytest.mark.parametrize(
    "arguments",
    [("SSN", int(SSN.needle)), ({"ssn": int(SSN.needle)}, ""), ({f"{WORDS} {SSN.needle}": 1}, "")],
    ids=["a number beside a text", "a number behind a key", "a key"],
)
def test_what_a_neighbour_gives_away_and_no_mask_can_stand_on_goes_to_a_person(
    guard: Guard, arguments: tuple[object, ...]
) -> None:
    assert isinstance(asked(guard, *arguments), Handoff)


def test_a_value_over_two_items_is_masked_in_both(guard: Guard) -> None:
    first, second = SSN.halves(2)
    label, value = asked(guard, [first, second], "x")
    assert (label[0][: len(WORDS)], label[1][-8:], value) == (WORDS, " as said", "x")
    assert not any(character.isdigit() for character in "".join(label))


@pytest.mark.parametrize(
    "arguments",
    [
        ("order", 536904399),
        ([1, 22, 333, 4444, 55555], {"n": 12.5}),
        ({"first": "blue", "second": 2}, None),
        ([{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Here."}], 7),
    ],
)
def test_what_gives_nothing_away_reaches_the_model_as_the_same_objects(
    guard: Guard, arguments: tuple[object, ...]
) -> None:
    seen = asked(guard, *arguments)
    assert all(arrived is given for arrived, given in zip(seen, arguments, strict=True))


def test_a_list_that_changes_while_it_is_judged_does_not_reach_the_model(guard: Guard) -> None:
    given = [f"{WORDS} {SSN.needle}"]

    class Swapped:
        """A guard behind whose back the list grows."""

        def begin(self, messages: Any, /, **more: Any) -> Any:
            call = guard.begin(messages, **more)
            given.append("more")
            return call

    from handrail.guard.decorator import Decoration, Options

    seen: list[object] = []
    wrapped = Decoration(
        guard=Swapped(),  # type: ignore[arg-type]
        fn=lambda question: seen.append(question) or "fine",
        options=Options(on_handoff=lambda handoff: handoff),
    ).wrapper()
    assert isinstance(wrapped(given), Handoff)
    assert seen == []
