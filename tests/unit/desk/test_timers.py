from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.desk.timers import Escalation
from handrail.tickets.calendar import calendar
from handrail.tickets.lifecycle import State, Verb
from handrail.tickets.schedule import Schedule
from handrail.tickets.timers import ALLOWED, DueTicket
from support.desk_scene import ROLES, START, Role

HOUR = timedelta(hours=1)
LATER = START + 4 * HOUR


def due(**changes: object) -> DueTicket:
    made = DueTicket(
        id="t",
        tenant="default",
        state=State.READY,
        role="finance_lead",
        chain=("supervisor", "process_owner"),
        level=0,
        severity=1,
        on_expiry="deny",
        created_at=START,
        start_by=START + 3 * HOUR,
        warn_at=None,
        decide_by=LATER,
        lease_until=None,
        answer_within=4 * HOUR,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_next_role_gets_its_own_time_by_its_own_calendar() -> None:
    early = calendar("early", zone="UTC", hours={"mon-fri": "06:00-12:00"})
    choice = Escalation(roles=ROLES, schedule=Schedule(roles={"supervisor": early}))(due(), LATER)
    assert choice is not None
    assert (choice.verb, choice.role) == (Verb.ESCALATE, "supervisor")
    # 13:00 on a Tuesday is after hours, so the hour begins on Wednesday at six.
    assert choice.decide_by == datetime(2026, 11, 25, 7, tzinfo=UTC)


def test_a_co_approver_goes_to_their_own_backup() -> None:
    choice = Escalation(roles=ROLES)(due(role="supervisor", chain=()), LATER)
    assert choice is not None
    assert (choice.verb, choice.role) == (Verb.ESCALATE, "process_owner")


def test_what_nobody_has_begun_stays_where_no_role_is_left() -> None:
    lonely = due(role="queue_manager", chain=())
    assert Escalation(roles=ROLES)(lonely, START + 3 * HOUR) is None
    ended = Escalation(roles=ROLES)(lonely, LATER)
    assert ended is not None
    assert ended.verb is Verb.EXPIRE


def test_a_role_that_is_gone_from_the_policy_goes_on_along_its_old_chain() -> None:
    choice = Escalation(roles={})(due(), LATER)
    assert choice is not None
    assert (choice.verb, choice.role) == (Verb.ESCALATE, "supervisor")
    assert choice.decide_by == LATER + 4 * HOUR


def test_roles_that_back_each_other_up_end_too() -> None:
    roles = {"a": Role("a", HOUR, "b"), "b": Role("b", HOUR, "a")}
    choose, one, now = Escalation(roles=roles), due(role="a", chain=("b",)), LATER
    verbs = []
    for _ in range(5):
        choice = choose(one, now)
        assert choice is not None
        verbs.append(choice.verb)
        if choice.verb is Verb.EXPIRE:
            break
        one = replace(one, role=choice.role, level=one.level + 1, decide_by=choice.decide_by)
        now = choice.decide_by or now
    assert verbs == [Verb.ESCALATE, Verb.EXPIRE]


MOMENTS = st.none() | st.integers(-100, 100).map(lambda hours: START + hours * HOUR)


@settings(deadline=None)
@given(
    state=st.sampled_from(list(State)),
    role=st.sampled_from([*ROLES, "unheard_of"]),
    chain=st.lists(st.sampled_from(list(ROLES)), max_size=3).map(tuple),
    level=st.integers(0, 5),
    severity=st.integers(0, 2),
    moments=st.tuples(MOMENTS, MOMENTS, MOMENTS, MOMENTS),
    now=st.integers(-200, 200).map(lambda hours: START + hours * HOUR),
)
def test_no_moment_and_no_state_makes_a_timer_approve(
    state: State,
    role: str,
    chain: tuple[str, ...],
    level: int,
    severity: int,
    moments: tuple[datetime | None, ...],
    now: datetime,
) -> None:
    start_by, warn_at, decide_by, lease_until = moments
    one = due(
        state=state,
        role=role,
        chain=chain,
        level=level,
        severity=severity,
        start_by=start_by,
        warn_at=warn_at,
        decide_by=decide_by,
        lease_until=lease_until,
    )
    choice = Escalation(roles=ROLES)(one, now)
    if choice is None:
        return
    assert choice.verb in ALLOWED
    assert choice.verb not in (Verb.APPROVE, Verb.AGREE, Verb.BEGIN, Verb.APPLIED)
    if choice.verb is Verb.ESCALATE:
        assert choice.role
        assert level < max(len(chain), 2)
        assert choice.decide_by is None or choice.decide_by > now
    if choice.verb is Verb.EXPIRE:
        assert decide_by is not None
        assert decide_by <= now
