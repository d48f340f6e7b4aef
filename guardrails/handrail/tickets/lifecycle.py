"""The one table of what may happen to a ticket: verb, states it may be in, state it goes to."""

# A ticket is a small state machine, and `TABLE` is all of it:
#
#               claim              approve          begin             applied
#     READY  ─────────▶  CLAIMED ──────────▶ DECIDED ─────▶ APPLYING ─────────▶ APPLIED
#       ▲ ▲   release     │ │  │ ask                          │    │ failed
#       │ └───────────────┘ │  ▼                              │    └──────────▶ FAILED
#       │                   │ WAITING_INFO                    │ lost                │
#       │  reject, answer   │                                 ▼                     │ reopen
#       │                   ▼                          OUTCOME_UNKNOWN              ▼
#       │        REJECTED, ANSWERED                    (then applied, failed)     READY
#       └── escalate, reassign, agree (the next role must approve too)
#
# A resolution may take effect a moment later, so that a person can take a slip back: RESOLVE leads from
# CLAIMED to RESOLVED, UNDO back to CLAIMED. When its time has come, the verb that the person chose is taken
# for them, by whoever looks first: APPROVE, AGREE, REJECT, ANSWER or REVISE, from RESOLVED as from CLAIMED.
# Nothing else can be put in its place, and no deadline passes meanwhile. REVISE sends what was proposed back
# to the assistant with an instruction; what it proposes then is judged anew and is another ticket.
#
# Time ends what people do not: an undecided ticket EXPIREs, a resolution that waits too long LAPSEs; both
# end in EXPIRED. CANCEL closes whatever has not begun; WITHDRAW is the same on the customer's own word, and
# ends in WITHDRAWN. LINK ends an undecided ticket as the DUPLICATE of another one, whose decision then counts
# for both.
#
# Three invariants follow from the table alone, whatever order of verbs a program or a clock tries:
#
# 1. An action runs at most once for each approval. APPLYING is entered from DECIDED only, DECIDED through
#    APPROVE only, from CLAIMED or RESOLVED, and nothing leads from APPLYING back to DECIDED. After a failure
#    REOPEN leads to READY: people decide anew. An action of unknown outcome (LOST) is not run again; somebody
#    finds out first whether it took effect.
# 2. Nothing but a person approves. The verbs that a timer may use (`timers.ALLOWED`) lead to READY, EXPIRED
#    or OUTCOME_UNKNOWN, or keep the state. RESOLVED is entered through RESOLVE only, which is a person's:
#    what is put into effect later is their recorded resolution, word for word.
# 3. A rejection is final: REJECTED has no way out but ERASE, which keeps the state and empties the content.
#
# The table says what may happen; the store makes it happen once. `store.tickets.rows.move` reads the row
# under a lock, asks `advance`, and writes the new state by compare-and-swap on `version`, with one audit
# entry and one outbox message in the same transaction. Of two processes that take the same step one wins and
# the other gets the error that `refusal` chooses.
#
# Proofs: `tests/property/test_tickets_properties.py` tries every verb in every state and random courses of
# verbs; `tests/prove/test_simulation.py` runs seeded histories with clocks that jump;
# `tests/prove/test_chaos.py` kills processes between the steps and races deciders and appliers on both
# databases.

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from handrail.errors import AlreadyDecided, AlreadyUsed, DecisionExpired, NotAllowed, NotDecided, TicketError


class State(StrEnum):
    """Where a ticket stands."""

    READY = "ready"
    CLAIMED = "claimed"
    WAITING_INFO = "waiting_info"
    RESOLVED = "resolved"
    DECIDED = "decided"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome_unknown"
    REJECTED = "rejected"
    ANSWERED = "answered"
    REVISED = "revised"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    DUPLICATE = "duplicate"


class Verb(StrEnum):
    """What may be done to a ticket; the name of the event it leaves."""

    OPEN = "open"
    JOIN = "join"
    CLAIM = "claim"
    RENEW = "renew"
    RELEASE = "release"
    LEASE_LAPSED = "lease_lapsed"
    TAKE_OVER = "take_over"
    ASK = "ask"
    INFORM = "inform"
    REASSIGN = "reassign"
    WARN = "warn"
    ESCALATE = "escalate"
    SNOOZE = "snooze"
    EXTEND = "extend"
    RESOLVE = "resolve"
    UNDO = "undo"
    AGREE = "agree"
    APPROVE = "approve"
    REJECT = "reject"
    ANSWER = "answer"
    REVISE = "revise"
    BEGIN = "begin"
    APPLIED = "applied"
    FAILED = "failed"
    LOST = "lost"
    REOPEN = "reopen"
    EXPIRE = "expire"
    LAPSE = "lapse"
    CANCEL = "cancel"
    WITHDRAW = "withdraw"
    LINK = "link"
    REJUDGE = "rejudge"
    ERASE = "erase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One line of the table; `target` None keeps the state."""

    sources: frozenset[State]
    target: State | None


WITH_PEOPLE: Final = frozenset({State.READY, State.CLAIMED, State.WAITING_INFO})
"""Nobody has resolved it yet."""
UNDECIDED: Final = WITH_PEOPLE | {State.RESOLVED}
"""No resolution is in effect yet."""
IN_HAND: Final = frozenset({State.READY, State.CLAIMED})
ENDED: Final = frozenset(
    {
        State.APPLIED,
        State.FAILED,
        State.REJECTED,
        State.ANSWERED,
        State.REVISED,
        State.EXPIRED,
        State.CANCELLED,
        State.WITHDRAWN,
        State.DUPLICATE,
    }
)
BEGUN: Final = frozenset({State.APPLYING, State.APPLIED, State.FAILED, State.OUTCOME_UNKNOWN})


def _step(target: State | None, *sources: State) -> Transition:
    return Transition(sources=frozenset(sources), target=target)


TABLE: Final[Mapping[Verb, Transition]] = MappingProxyType(
    {
        Verb.OPEN: _step(State.READY),
        Verb.JOIN: _step(None, *UNDECIDED),
        Verb.CLAIM: _step(State.CLAIMED, State.READY),
        Verb.RENEW: _step(None, State.CLAIMED),
        Verb.RELEASE: _step(State.READY, State.CLAIMED, State.WAITING_INFO),
        Verb.LEASE_LAPSED: _step(State.READY, State.CLAIMED, State.WAITING_INFO),
        Verb.TAKE_OVER: _step(State.CLAIMED, *IN_HAND),
        Verb.ASK: _step(State.WAITING_INFO, State.CLAIMED),
        Verb.INFORM: _step(State.CLAIMED, State.WAITING_INFO),
        Verb.REASSIGN: _step(State.READY, *WITH_PEOPLE),
        Verb.WARN: _step(None, *WITH_PEOPLE),
        Verb.ESCALATE: _step(State.READY, *WITH_PEOPLE),
        Verb.SNOOZE: _step(State.READY, *IN_HAND),
        Verb.EXTEND: _step(None, *WITH_PEOPLE),
        Verb.RESOLVE: _step(State.RESOLVED, State.CLAIMED),
        Verb.UNDO: _step(State.CLAIMED, State.RESOLVED),
        Verb.AGREE: _step(State.READY, State.CLAIMED, State.RESOLVED),
        Verb.APPROVE: _step(State.DECIDED, State.CLAIMED, State.RESOLVED),
        Verb.REJECT: _step(State.REJECTED, State.CLAIMED, State.RESOLVED),
        Verb.ANSWER: _step(State.ANSWERED, State.CLAIMED, State.RESOLVED),
        Verb.REVISE: _step(State.REVISED, State.CLAIMED, State.RESOLVED),
        Verb.BEGIN: _step(State.APPLYING, State.DECIDED),
        Verb.APPLIED: _step(State.APPLIED, State.APPLYING, State.OUTCOME_UNKNOWN),
        Verb.FAILED: _step(State.FAILED, State.APPLYING, State.OUTCOME_UNKNOWN),
        Verb.LOST: _step(State.OUTCOME_UNKNOWN, State.APPLYING),
        Verb.REOPEN: _step(State.READY, State.DECIDED, State.FAILED),
        Verb.EXPIRE: _step(State.EXPIRED, *WITH_PEOPLE),
        Verb.LAPSE: _step(State.EXPIRED, State.DECIDED),
        Verb.CANCEL: _step(State.CANCELLED, *UNDECIDED, State.DECIDED),
        Verb.WITHDRAW: _step(State.WITHDRAWN, *UNDECIDED, State.DECIDED),
        Verb.LINK: _step(State.DUPLICATE, *WITH_PEOPLE),
        Verb.REJUDGE: _step(None, *WITH_PEOPLE),
        Verb.ERASE: _step(None, *State),
    }
)


_NEED_A_CLAIM: Final = frozenset(
    {Verb.APPROVE, Verb.REJECT, Verb.ANSWER, Verb.REVISE, Verb.RESOLVE, Verb.AGREE, Verb.ASK}
)
_BY_PEOPLE: Final = frozenset(
    {Verb.CLAIM, Verb.RENEW, Verb.RELEASE, Verb.TAKE_OVER, Verb.ASK, Verb.REASSIGN, Verb.RESOLVE, Verb.LINK}
    | {Verb.SNOOZE, Verb.EXTEND}
)


def advance(ticket: str, state: State, verb: Verb) -> State:
    """Return the state a ticket goes to; pure.

    Raises:
        TicketError: the step does not fit; the class says why (`NotDecided`, `AlreadyUsed` …).
    """
    step = TABLE[verb]
    if state in step.sources:
        return step.target or state
    raise refusal(ticket, state, verb)


def refusal(ticket: str, state: State, verb: Verb) -> TicketError:
    """Return the error that says why a step does not fit a state; pure."""
    if verb in (Verb.BEGIN, Verb.REOPEN, Verb.LAPSE):
        return _unusable(ticket, state)
    if verb is Verb.WITHDRAW and state in BEGUN:
        return AlreadyUsed(ticket, f"its action is {state}, so it cannot be withdrawn any more")
    if state is State.EXPIRED:
        return DecisionExpired(ticket, "the time to decide has run out")
    if state is State.RESOLVED and verb in _BY_PEOPLE:
        return AlreadyDecided(ticket, "somebody has resolved it; that takes effect in a moment")
    if verb is Verb.UNDO:
        is_late = state not in UNDECIDED
        return AlreadyDecided(ticket, "its resolution is in effect" if is_late else "nobody has resolved it")
    if verb in _NEED_A_CLAIM and state in UNDECIDED:
        return NotAllowed(ticket, f"claim it first; it is {state}")
    return AlreadyDecided(ticket, f"it is {state} already")


def _unusable(ticket: str, state: State) -> TicketError:
    if state in UNDECIDED:
        return NotDecided(ticket, f"it is {state}")
    if state is State.EXPIRED:
        return DecisionExpired(ticket, "the time to decide has run out")
    if state is State.REJECTED:
        return NotAllowed(ticket, "a person rejected it")
    if state is State.WITHDRAWN:
        return NotAllowed(ticket, "the customer withdrew it")
    if state in (State.ANSWERED, State.REVISED, State.CANCELLED, State.DUPLICATE):
        return NotAllowed(ticket, f"it is {state}, there is nothing to carry out")
    return AlreadyUsed(ticket, f"it is {state}")
