"""What an edit comes to, what is refused of it, and how it is told."""

import json

import pytest

from handrail.errors import CheckFailed, NotAllowed
from handrail.tickets.edit import differences, edited_arguments
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import ProposedAction, Ticket, Verdict
from support.stores import new_ticket

ORIGINAL = '{"amount": 640, "order": "o1", "note": 5}'
SCHEMA = {
    "properties": {"amount": {"type": "number"}, "order": {"type": "string"}, "note": {"type": "string"}},
    "required": ["order"],
}


def held(parameters: str = "") -> Ticket:
    action = ProposedAction(tool="refund", arguments=ORIGINAL, digest="d", parameters=parameters)
    return new_ticket().model_copy(update={"action": action, "mask": {"[card]": "financial"}})


def edited(
    *, parameters: str = "", original: str = ORIGINAL, arguments: str = "", **changes: object
) -> object:
    said = Resolution(verdict=Verdict.EDIT, arguments=arguments, changes=changes)
    return json.loads(edited_arguments(original, said, held(parameters)))


def test_what_is_changed_is_laid_over_what_was_there() -> None:
    assert edited(amount=590) == {"amount": 590, "order": "o1", "note": 5}
    assert edited(arguments='{"amount": 1}') == {"amount": 1}


def test_whole_arguments_count_before_single_changes() -> None:
    assert edited(arguments='{"amount": 1}', amount=2) == {"amount": 1}


def test_what_could_not_be_read_may_become_anything() -> None:
    assert edited(original="{", arguments='{"amount": 1}') == {"amount": 1}


def test_the_object_whose_method_acts_is_kept() -> None:
    assert edited(original='{"self": "A", "amount": 1}', arguments='{"amount": 2}') == {
        "self": "A",
        "amount": 2,
    }


@pytest.mark.parametrize("parameters", ["", json.dumps(SCHEMA)])
@pytest.mark.parametrize("changes", [{}, {"amount": 640}, {"amount": 640.0}])
def test_what_changes_nothing_is_refused(parameters: str, changes: dict[str, object]) -> None:
    with pytest.raises(NotAllowed) as raised:
        edited(parameters=parameters, **changes)
    assert raised.value.problem == "the edit changes nothing; approve or reject it"


def test_a_mistyped_name_is_refused_and_another_new_one_is_not_where_no_schema_is_known() -> None:
    with pytest.raises(NotAllowed) as raised:
        edited(amout=1)
    assert raised.value.problem == "the action has no argument 'amout'; did you mean 'amount'?"
    assert edited(colour=1) == {"amount": 640, "order": "o1", "note": 5, "colour": 1}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"colour": 1}, "the action has no argument 'colour'"),
        ({"amount": "much"}, "amount is not of the type number"),
        ({"note": 6}, "note is not of the type string"),
        ({"order": None}, "order is not of the type string"),
    ],
)
def test_what_the_schema_does_not_take_is_refused(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(NotAllowed) as raised:
        edited(parameters=json.dumps(SCHEMA), **changes)
    assert raised.value.problem == problem


def test_what_was_left_as_it_was_is_not_held_against_the_schema_but_what_is_missing_is() -> None:
    assert edited(parameters=json.dumps(SCHEMA), amount=1) == {"amount": 1, "order": "o1", "note": 5}
    with pytest.raises(NotAllowed, match="order is missing"):
        edited(parameters=json.dumps(SCHEMA), original='{"amount": 1}', amount=2)


def test_a_schema_that_cannot_be_read_refuses_the_edit_with_the_reason() -> None:
    with pytest.raises(NotAllowed) as raised:
        edited(parameters='{"if": {}}', amount=1)
    assert raised.value.problem == (
        "its edit cannot be checked: if in the schema of refund is not understood; approve or reject it"
    )
    with pytest.raises(NotAllowed) as raised:
        edited(parameters="{", amount=1)
    assert raised.value.problem == "its edit cannot be checked: the schema of refund is no JSON"


def test_a_mask_is_never_carried_out_in_place_of_a_value() -> None:
    with pytest.raises(CheckFailed) as raised:
        edited(order="[card]")
    assert (raised.value.step, raised.value.why) == (
        "decide",
        "the edited action holds a mask in place of a value",
    )
    assert edited(original='{"order": "[card]", "amount": 1}', amount=2) == {"order": "[card]", "amount": 2}


@pytest.mark.parametrize(
    ("parameters", "original", "changes", "problem"),
    [
        # The slip of one letter in a long name, and none that is unlike.
        (
            "",
            '{"destination": 1}',
            {"destinatoin": 2},
            "the action has no argument 'destinatoin'; did you mean",
        ),
        (json.dumps({"required": ["a", "b"], "properties": {}}), "{}", {"a": 1}, "b is missing"),
        (
            json.dumps({"maxProperties": 1, "additionalProperties": True}),
            '{"a": 1}',
            {"b": 1},
            "the action has more names than 1",
        ),
    ],
)
def test_what_is_wrong_with_the_whole_is_refused(
    parameters: str, original: str, changes: dict[str, object], problem: str
) -> None:
    with pytest.raises(NotAllowed) as raised:
        edited(parameters=parameters, original=original, **changes)
    assert raised.value.problem.startswith(problem)
    assert raised.value.ticket


def test_an_object_that_was_left_as_it_was_is_not_held_against_the_schema() -> None:
    schema = json.dumps({"properties": {"a": {"type": "string"}, "b": {}}})
    original = '{"a": {"x": 1, "y": 2}, "b": 1}'
    whole = '{"a": {"y": 2, "x": 1}, "b": 2}'
    assert edited(parameters=schema, original=original, arguments=whole) == json.loads(whole)
    with pytest.raises(NotAllowed, match="a is not of the type string"):
        edited(parameters=schema, original=original, arguments='{"a": {"y": 3, "x": 1}, "b": 2}')


def test_a_name_that_is_little_like_one_of_the_arguments_is_new_and_no_slip() -> None:
    assert edited(original='{"amount": 1}', mount_point=2) == {"amount": 1, "mount_point": 2}


def test_an_edit_that_is_refused_names_its_ticket() -> None:
    ticket = held(json.dumps(SCHEMA))
    for changes in ({}, {"colour": 1}, {"amount": "much"}):
        with pytest.raises(NotAllowed) as raised:
            edited_arguments(ORIGINAL, Resolution(verdict=Verdict.EDIT, changes=changes), ticket)
        assert raised.value.ticket == ticket.id
    for parameters, changes in (("{", {"amount": 1}), ('{"if": {}}', {"amount": 1}), ("", {"amout": 1})):
        ticket = held(parameters)
        with pytest.raises(NotAllowed) as raised:
            edited_arguments(ORIGINAL, Resolution(verdict=Verdict.EDIT, changes=changes), ticket)
        assert raised.value.ticket == ticket.id


def masked(text: str) -> str:
    return text.replace("4111", "[card]").replace('a\\"b', "[name]")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": 640}, {"a": 590}, ["a 640 → 590"]),
        ({"a": 640.0}, {"a": 640}, []),
        ({"a": "x"}, {"a": None, "b": ""}, ["a x → null", 'b not given → ""']),
        ({"a": 1, "b": 2}, {"b": 3}, ["a 1 → not given", "b 2 → 3"]),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ["a.b[1].c 2 → 3"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a [1] → [1, 2]"]),
        ({"a": {"b": 1}}, {"a": 2}, ['a {"b": 1} → 2']),
        ({"a": "4111"}, {"a": "4112"}, ["a [card] → another value, masked"]),
        ({"a": 'a"b'}, {"a": "c"}, ["a masked → another value, masked"]),
        ({"a": "4111"}, {}, ["a [card] → not given"]),
        ({"a": "x"}, {"a": "4111"}, ["a x → [card]"]),
        ({"a": "x" * 81}, {"a": "y" * 80}, [f"a {'x' * 79}… → {'y' * 80}"]),
        ({"a": ["é"]}, {"a": "é"}, ['a ["é"] → é']),
    ],
)
def test_what_an_edit_changes_is_told_by_place_and_stays_masked(
    before: object, after: object, told: list[str]
) -> None:
    assert list(differences(json.dumps(before), json.dumps(after), masked)) == told


def test_what_could_not_be_read_is_told_as_such() -> None:
    assert differences("{", "{}", masked) == ("the arguments could not be read and are now other ones",)
