"""Promises of digests, the life cycle and fact values that hold for any input."""

import contextlib
import json
from datetime import time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import CheckFailed, TicketError
from handrail.records import Money, Unknown
from handrail.tickets.action import action_digest, canonical_arguments
from handrail.tickets.fact_record import FactRecord
from handrail.tickets.lifecycle import TABLE, UNDECIDED, State, Verb, advance
from handrail.tickets.timers import ALLOWED

TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=6)


def digest(arguments: str, tool: str = "t", policy: str = "p", tenant: str = "x") -> str:
    return action_digest(tool, arguments, policy_sha256=policy, tenant=tenant)


@given(OBJECTS, st.booleans(), st.booleans())
def test_the_digest_does_not_depend_on_how_the_json_is_written(
    value: dict[str, object], sort: bool, ascii_only: bool
) -> None:
    text = json.dumps(value, sort_keys=sort, ensure_ascii=ascii_only, indent=2)
    assert digest(text) == digest(json.dumps(value))
    assert json.loads(canonical_arguments(text)) == value


@given(OBJECTS, OBJECTS)
def test_two_different_actions_never_share_a_digest(one: dict[str, object], two: dict[str, object]) -> None:
    same = canonical_arguments(json.dumps(one)) == canonical_arguments(json.dumps(two))
    assert (digest(json.dumps(one)) == digest(json.dumps(two))) is same


@given(TEXT, TEXT, TEXT)
def test_tool_policy_and_tenant_are_part_of_the_digest(tool: str, policy: str, tenant: str) -> None:
    base = digest("{}", tool, policy, tenant)
    assert digest("{}", tool + "x", policy, tenant) != base
    assert digest("{}", tool, policy + "x", tenant) != base
    assert digest("{}", tool, policy, tenant + "x") != base
    assert digest('{"a":1}', tool, policy, tenant) != base


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(CheckFailed):
        assert isinstance(json.loads(canonical_arguments(text)), dict)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": -Infinity}',
        '{"a": 1, "a": 1}',
        '{"a": {"b": 1, "b": 2}}',
        "[1]",
        '"a"',
        "1",
        "{",
        '{"a": 1e999}',
        '{"a": ' + "9" * 500 + "}",
        '{"a": ' + "[" * 5000 + "]" * 5000 + "}",
    ],
)
def test_ambiguous_arguments_are_refused(text: str) -> None:
    with pytest.raises(CheckFailed) as raised:
        canonical_arguments(text)
    assert text not in str(raised.value)


@pytest.mark.parametrize("text", ['{"a":10}', '{"a":10.0}', '{"a":1e1}', '{ "a" : 10.00 }'])
def test_one_number_has_one_form(text: str) -> None:
    assert canonical_arguments(text) == '{"a":10}'


@given(st.sampled_from(State), st.sampled_from(Verb))
def test_every_step_either_leads_to_its_state_or_says_why_not(state: State, verb: Verb) -> None:
    try:
        found = advance("t", state, verb)
    except TicketError:
        assert state not in TABLE[verb].sources
    else:
        assert found is (TABLE[verb].target or state)


@given(st.lists(st.sampled_from(Verb), max_size=30))
def test_no_course_of_steps_applies_an_action_without_an_approval(verbs: list[Verb]) -> None:
    state, approved = State.READY, False
    for verb in verbs:
        try:
            state = advance("t", state, verb)
        except TicketError:
            continue
        approved = approved or verb is Verb.APPROVE
        if verb in (Verb.REOPEN, Verb.LAPSE):
            approved = False
        assert state not in (State.DECIDED, State.APPLYING, State.APPLIED) or approved


def test_no_timer_leads_to_an_approval() -> None:
    assert all(TABLE[verb].target is not State.DECIDED for verb in ALLOWED)
    assert {verb for verb in Verb if TABLE[verb].target is State.DECIDED} == {Verb.APPROVE}
    assert all(state in UNDECIDED for state in TABLE[Verb.APPROVE].sources)


@given(st.lists(st.sampled_from(Verb), max_size=40))
def test_no_course_of_steps_decides_what_was_undone(verbs: list[Verb]) -> None:
    state, resolved = State.READY, False
    for verb in verbs:
        before = state
        try:
            state = advance("t", state, verb)
        except TicketError:
            continue
        if verb is Verb.UNDO:
            assert resolved
            assert state is State.CLAIMED
        resolved = verb is Verb.RESOLVE or (resolved and state is State.RESOLVED)
        assert (state is State.RESOLVED) <= resolved
        if before is State.RESOLVED and state not in (State.RESOLVED, State.CLAIMED):
            assert verb in BY_A_PERSON | {Verb.CANCEL, Verb.WITHDRAW}


BY_A_PERSON = frozenset({Verb.APPROVE, Verb.AGREE, Verb.REJECT, Verb.ANSWER, Verb.REVISE})


def test_no_timer_ends_or_moves_what_a_person_has_resolved() -> None:
    assert all(State.RESOLVED not in TABLE[verb].sources for verb in ALLOWED)
    assert {verb for verb in Verb if TABLE[verb].target is State.RESOLVED} == {Verb.RESOLVE}
    assert TABLE[Verb.RESOLVE].sources == {State.CLAIMED}
    assert TABLE[Verb.UNDO].sources == {State.RESOLVED}


def test_a_rejection_is_final() -> None:
    assert {verb for verb in Verb if State.REJECTED in TABLE[verb].sources} == {Verb.ERASE}


FACTS = st.one_of(
    st.booleans(),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9),
    st.builds(
        Money,
        amount=st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=0, max_value=10**9),
        currency=st.sampled_from(["USD", "EUR"]),
    ),
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)),
    st.times().map(lambda value: time(value.hour, value.minute, value.second)),
    TEXT,
    st.frozensets(TEXT, max_size=4),
    st.builds(Unknown, why=TEXT),
)


@given(FACTS)
def test_a_recorded_fact_reads_back_as_it_was(value: object) -> None:
    assert FactRecord.of(value).fact() == value  # type: ignore[arg-type]
    if isinstance(value, Decimal):
        assert not isinstance(FactRecord.of(value).fact(), bool)
