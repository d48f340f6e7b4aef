"""What is one thing on the review's page is one number, wherever it stands."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from handrail.policy.runtime.log_row import EXPIRED, HANDED_OFF, RESOLVED, TAKEN, LogRow, as_data, read_row
from handrail.records import Severity, Trigger
from handrail.review.evidence.log_review import LogReview
from handrail.review.figures.log_figures import LogFigures, log_figures
from handrail.review.figures.measure import Measures, measure
from handrail.review.log.cases import ReviewPeriod, TicketEnding
from handrail.review.log.log_cases import log_cases, review_job
from handrail.review.log.review_log import review_log
from handrail.review.page.log_charts import plots
from handrail.review.week.first_steps import first_steps
from handrail.review.week.language import ENGLISH
from handrail.review.week.weekly import WeeklyReview

START = datetime(2026, 8, 31, tzinfo=UTC)
WEEK = ReviewPeriod(since=START, until=START + timedelta(weeks=1))
VERDICTS = (
    *("approve", "edit", "reject", "answer", "revise", "cancel", "withdraw", "link"),
    *("agree", "agree_edit", "agree_reject", "of a later version"),
)
reasons = st.lists(
    st.fixed_dictionaries(
        {
            "rule": st.sampled_from(["big", "odd", "unsure-answer"]),
            "effect": st.sampled_from(["hand_off", "hand_off", "redact", "block"]),
            "trigger": st.sampled_from([*map(str, Trigger), "", "of a later version"]),
        },
        optional={"severity": st.sampled_from([*map(str, Severity), "of a later version"])},
    ),
    max_size=3,
)
said = st.lists(
    st.tuples(
        st.sampled_from([*VERDICTS, "expire", "lapse"]), st.integers(1, 400), st.sampled_from([None, 3, 240])
    ),
    max_size=4,
)


@st.composite
def logs(draw: st.DrawFn) -> list[LogRow]:
    """Hand-offs and what people said of them, written by several programs in any order."""
    rows: list[LogRow] = []
    for place in range(draw(st.integers(1, 8))):
        ticket, at = f"t{place}", draw(st.integers(0, 200))
        effect = draw(st.sampled_from(["hand_off", "block", "pass"]))
        outcome = {"hand_off": HANDED_OFF, "block": "blocked", "pass": "passed"}[effect]
        why = [one for one in draw(reasons) if effect != "pass" or one["effect"] != "hand_off"]
        about = SimpleNamespace(exchange=f"x{place}", ticket=ticket, at=_at(at))
        rules = tuple(one["rule"] for one in why) or draw(st.sampled_from([(), ("old",)]))
        stage = draw(st.sampled_from(["", "input", "answer", "tool"]))
        rows.append(
            LogRow(
                outcome=outcome, effect=effect, stage=stage, reasons=tuple(why), rules=rules, **vars(about)
            )
        )
        for number, (verdict, later, seconds) in enumerate(draw(said)):
            # Two words at the same moment have no order.
            moment = at + 5 * later + number + 1
            who = SimpleNamespace(ticket=ticket, reviewer="ann")
            kind = EXPIRED if verdict in ("expire", "lapse") else RESOLVED
            rows.append(LogRow(outcome=kind, at=_at(moment), verdict=verdict, **vars(who)))
            if seconds is not None:
                rows.append(LogRow(outcome=TAKEN, at=_at(moment - seconds / 60), **vars(who)))
    return draw(st.permutations(rows))


def _at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


def both(rows: Sequence[LogRow]) -> tuple[Measures, LogFigures]:
    log, review = review_log(rows), LogReview()
    review.take(log)
    return measure(log_cases(rows), WEEK, now=WEEK.until), log_figures(log, review)


@given(logs())
def test_tickets_and_the_log_count_the_same_hand_offs_and_the_same_decisions(rows: list[LogRow]) -> None:
    tickets, log = both(rows)
    assert tickets.total.size == log.held == log.changed + log.unchanged + log.uncounted + log.unread
    assert tickets.total.unchanged == log.needless
    assert log.decisions == log.passed + log.blocked + log.held


@given(logs())
def test_an_export_counts_what_the_log_itself_does(rows: list[LogRow]) -> None:
    keep = review_job("default").prepared()
    exported = [{**as_data(row), "tenant": "default"} for row in rows]
    kept = [keep(place, record) for place, record in enumerate(exported)]
    read = [row for one in kept if one is not None and (row := read_row(one)) is not None]
    assert both(read) == both(rows)


@given(logs())
def test_a_rule_has_the_same_figures_in_every_table(rows: list[LogRow]) -> None:
    tickets, log = both(rows)
    by_rule = {group.name: (group.size, group.unchanged, set(group.tickets)) for group in tickets.by_rule}
    assert by_rule == {one.rule: (one.hand_offs, one.needless, set(one.tickets)) for one in log.rules}
    assert sum(group.size for group in tickets.by_trigger) == sum(one.hand_offs for one in log.rules)


@given(logs())
def test_the_page_says_one_share_of_what_was_approved_unchanged(rows: list[LogRow]) -> None:
    tickets, log = both(rows)
    flow, unchanged = plots(log)["flow"][1], tickets.total.unchanged
    assert (ENGLISH.share(unchanged) in flow) is (unchanged.total > 0)


def one_ticket(*words: tuple[str, str, float], stage: str = "answer") -> tuple[Measures, LogFigures]:
    """Return the figures of a ticket of which outcome, verdict and minute are told."""
    fired = ({"rule": "big", "effect": "hand_off", "trigger": "complaint"},)
    about = SimpleNamespace(exchange="x", ticket="t", at=_at(0), effect="hand_off", stage=stage)
    row = LogRow(outcome=HANDED_OFF, reasons=fired, **vars(about))
    later = [
        LogRow(outcome=outcome, ticket="t", at=_at(minute), reviewer="ann", verdict=verdict)
        for outcome, verdict, minute in words
    ]
    return both([row, *later])


def test_a_verdict_within_five_seconds_is_not_counted_as_one() -> None:
    fast, slow = (one_ticket((TAKEN, "", 1), (RESOLVED, "approve", 1 + s / 60)) for s in (4, 6))
    assert (fast[0].total.unchanged.total, fast[1].needless.total, fast[1].uncounted) == (0, 0, 1)
    assert (slow[0].total.unchanged.total, slow[1].needless.total, slow[1].uncounted) == (1, 1, 0)
    assert fast[0].total.endings == {TicketEnding.APPROVED: 1}


def test_an_answer_where_nothing_was_proposed_is_no_change_and_no_false_alarm() -> None:
    tickets, log = one_ticket((RESOLVED, "answer", 9), stage="input")
    assert (log.changed, log.uncounted, log.unread) == (0, 1, 0)
    assert tickets.total.unchanged.total == log.rules[0].needless.total == 0
    assert one_ticket((RESOLVED, "answer", 9))[1].changed == 1


def test_an_approval_that_was_not_carried_out_in_time_is_still_a_verdict_and_not_late() -> None:
    lapsed = one_ticket((RESOLVED, "approve", 9), (EXPIRED, "lapse", 2000))
    assert lapsed[0].total.endings == {TicketEnding.LAPSED: 1}
    assert (lapsed[0].total.unchanged.count, lapsed[1].unchanged, lapsed[0].total.late.count) == (1, 1, 0)
    expired = one_ticket((RESOLVED, "agree", 9), (EXPIRED, "expire", 2000))
    assert (expired[0].total.late.count, expired[1].unread) == (1, 1)


def test_a_ticket_of_three_rules_that_disagree_is_one_ticket_that_disagrees() -> None:
    why = {"effect": "hand_off", "trigger": "policy_conflict"}
    fired = tuple({"rule": rule, **why} for rule in ("one", "two", "three"))
    row = LogRow(outcome=HANDED_OFF, exchange="x", ticket="t", at=_at(0), effect="hand_off", reasons=fired)
    tickets, log = both([row])
    report = WeeklyReview(title="", measures=tickets, proposals=())
    assert len(log.conflicts) == 3
    assert "Rules disagreed in 1 ticket: say which one counts." in [
        step.words for step in first_steps(report, log)
    ]


def test_a_hand_off_of_two_rules_counts_once_under_the_one_that_its_ticket_names() -> None:
    fired = (
        {"rule": "unsure", "effect": "hand_off", "trigger": "low_confidence", "severity": "low"},
        {"rule": "big", "effect": "hand_off", "trigger": "high_stakes", "severity": "high"},
    )
    row = LogRow(outcome=HANDED_OFF, exchange="x", ticket="t", at=_at(0), effect="hand_off", reasons=fired)
    tickets, log = both([row])
    assert [(one.rule, one.hand_offs, one.beside) for one in log.rules] == [("big", 1, 0)]
    assert [group.name for group in tickets.by_rule] == ["big"]
    assert [group.name for group in tickets.by_trigger] == ["high_stakes"]
