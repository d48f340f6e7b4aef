"""The table of what may happen to a ticket, stated a second time: every verb in every state."""

import pytest

from handrail.errors import AlreadyDecided, AlreadyUsed, DecisionExpired, NotAllowed, NotDecided, TicketError
from handrail.tickets.lifecycle import ENDED, IN_HAND, TABLE, UNDECIDED, WITH_PEOPLE, State, Verb, advance

OPEN = ("ready", "claimed", "waiting_info")
UNSETTLED = (*OPEN, "resolved")
STATES = (
    *UNSETTLED,
    *("decided", "applying", "applied", "failed", "outcome_unknown"),
    *("rejected", "answered", "revised", "expired", "cancelled", "withdrawn", "duplicate"),
)
SAME = ""
"""As a target: the state stays."""
STEPS: dict[str, dict[str, str]] = {
    "open": {},
    "join": dict.fromkeys(UNSETTLED, SAME),
    "claim": {"ready": "claimed"},
    "renew": {"claimed": SAME},
    "release": {"claimed": "ready", "waiting_info": "ready"},
    "lease_lapsed": {"claimed": "ready", "waiting_info": "ready"},
    "take_over": {"ready": "claimed", "claimed": "claimed"},
    "ask": {"claimed": "waiting_info"},
    "inform": {"waiting_info": "claimed"},
    "reassign": dict.fromkeys(OPEN, "ready"),
    "warn": dict.fromkeys(OPEN, SAME),
    "escalate": dict.fromkeys(OPEN, "ready"),
    "snooze": dict.fromkeys(("ready", "claimed"), "ready"),
    "extend": dict.fromkeys(OPEN, SAME),
    "resolve": {"claimed": "resolved"},
    "undo": {"resolved": "claimed"},
    "agree": dict.fromkeys(("claimed", "resolved"), "ready"),
    "approve": dict.fromkeys(("claimed", "resolved"), "decided"),
    "reject": dict.fromkeys(("claimed", "resolved"), "rejected"),
    "answer": dict.fromkeys(("claimed", "resolved"), "answered"),
    "revise": dict.fromkeys(("claimed", "resolved"), "revised"),
    "begin": {"decided": "applying"},
    "applied": {"applying": "applied", "outcome_unknown": "applied"},
    "failed": {"applying": "failed", "outcome_unknown": "failed"},
    "lost": {"applying": "outcome_unknown"},
    "reopen": {"decided": "ready", "failed": "ready"},
    "expire": dict.fromkeys(OPEN, "expired"),
    "lapse": {"decided": "expired"},
    "cancel": dict.fromkeys((*UNSETTLED, "decided"), "cancelled"),
    "withdraw": dict.fromkeys((*UNSETTLED, "decided"), "withdrawn"),
    "link": dict.fromkeys(OPEN, "duplicate"),
    "rejudge": dict.fromkeys(OPEN, SAME),
    "erase": dict.fromkeys(STATES, SAME),
}
BEGUN = ("applying", "applied", "failed", "outcome_unknown")
CARRYING_OUT = ("begin", "reopen", "lapse")
DECIDING = ("approve", "reject", "answer", "revise", "resolve", "agree", "ask")
BY_PEOPLE = (
    "claim",
    "renew",
    "release",
    "take_over",
    "ask",
    "reassign",
    "resolve",
    "link",
    "snooze",
    "extend",
)


def why_not(verb: str, state: str) -> tuple[type[TicketError], str]:
    """What a caller is told of a step that does not fit."""
    if verb in CARRYING_OUT:
        return {
            **dict.fromkeys(OPEN, (NotDecided, f"it is {state}")),
            "expired": (DecisionExpired, "the time to decide has run out"),
            "rejected": (NotAllowed, "a person rejected it"),
            "resolved": (NotDecided, "it is resolved"),
            "answered": (NotAllowed, "it is answered, there is nothing to carry out"),
            "revised": (NotAllowed, "it is revised, there is nothing to carry out"),
            "cancelled": (NotAllowed, "it is cancelled, there is nothing to carry out"),
            "withdrawn": (NotAllowed, "the customer withdrew it"),
            "duplicate": (NotAllowed, "it is duplicate, there is nothing to carry out"),
        }.get(state, (AlreadyUsed, f"it is {state}"))
    if verb == "withdraw" and state in BEGUN:
        return AlreadyUsed, f"its action is {state}, so it cannot be withdrawn any more"
    if state == "expired":
        return DecisionExpired, "the time to decide has run out"
    if state == "resolved" and verb in BY_PEOPLE:
        return AlreadyDecided, "somebody has resolved it; that takes effect in a moment"
    if verb == "undo":
        is_late = state not in UNSETTLED
        return AlreadyDecided, "its resolution is in effect" if is_late else "nobody has resolved it"
    if verb in DECIDING and state in OPEN:
        return NotAllowed, f"claim it first; it is {state}"
    return AlreadyDecided, f"it is {state} already"


def test_states_and_verbs_have_the_names_that_stores_hold() -> None:
    assert tuple(State) == STATES
    assert tuple(Verb) == tuple(STEPS) == tuple(TABLE)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", STEPS)
def test_a_step_leads_where_the_table_says_or_is_refused_with_its_reason(verb: str, state: str) -> None:
    if state in STEPS[verb]:
        assert advance("t1", State(state), Verb(verb)) is State(STEPS[verb][state] or state)
        return
    kind, problem = why_not(verb, state)
    with pytest.raises(TicketError) as raised:
        advance("t1", State(state), Verb(verb))
    assert type(raised.value) is kind
    assert (raised.value.ticket, raised.value.problem) == ("t1", problem)


def test_a_new_ticket_is_ready() -> None:
    assert TABLE[Verb.OPEN].target is State.READY


def test_a_ticket_is_undecided_in_hand_or_ended() -> None:
    assert sorted(UNDECIDED) == sorted(UNSETTLED)
    assert sorted(WITH_PEOPLE) == sorted(OPEN)
    assert sorted(IN_HAND) == ["claimed", "ready"]
    ended = ("answered", "applied", "cancelled", "duplicate", "expired", "failed", "rejected", "revised")
    assert sorted(ENDED) == [*ended, "withdrawn"]


def test_what_has_ended_can_only_be_erased_and_a_failure_opened_again() -> None:
    for state in ENDED:
        left = [verb for verb in Verb if state in TABLE[verb].sources]
        assert left == ([Verb.REOPEN, Verb.ERASE] if state is State.FAILED else [Verb.ERASE])
