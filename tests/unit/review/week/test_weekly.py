"""A period's tickets: counted exactly, proposed from, and written without anything unmasked or unescaped."""

import csv
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.records import Money, Trigger
from handrail.review import (
    ReviewCase,
    ReviewPeriod,
    TicketEnding,
    changes,
    evaluation_cases,
    evaluation_lines,
    measure,
    propose,
    review,
    share,
    write,
)
from handrail.review.figures.measure import quantile
from handrail.review.page.html import as_html
from handrail.review.page.markdown import as_markdown
from handrail.review.page.report import as_data

MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
WEEK = ReviewPeriod(since=datetime(2026, 1, 5, tzinfo=UTC), until=datetime(2026, 1, 12, tzinfo=UTC))
NOW = datetime(2026, 1, 12, 8, 0, tzinfo=UTC)


def a_case(number: int = 1, ending: TicketEnding = TicketEnding.APPROVED, **given: object) -> ReviewCase:
    created = given.pop("created_at", MONDAY + timedelta(minutes=number))
    assert isinstance(created, datetime)
    took = given.pop("took", timedelta(minutes=10))
    assert isinstance(took, timedelta)
    decided = ending not in (TicketEnding.OPEN, TicketEnding.EXPIRED, TicketEnding.CANCELLED)
    values: dict[str, object] = {
        "id": f"ticket-{number:04}",
        "created_at": created,
        "role": "finance_lead",
        "trigger": Trigger.HIGH_STAKES,
        "rules": ("large_refund",),
        "ending": ending,
        "decided_at": created + took if decided else None,
        "decide_by": created + timedelta(minutes=30),
        "tool": "issue_refund",
        "proposed": '{"amount":640,"order_id":"1160"}',
        **given,
    }
    return ReviewCase(**values)  # type: ignore[arg-type]


def test_only_tickets_opened_in_the_period_are_counted() -> None:
    inside = a_case(1, created_at=WEEK.since)
    outside = a_case(2, created_at=WEEK.until)
    assert measure([inside, outside], WEEK, now=NOW).total.cases == (inside,)


def test_every_ticket_is_in_one_trigger_one_role_one_rule_and_one_day() -> None:
    cases = [a_case(n, ending) for n, ending in enumerate(TicketEnding)]
    measures = measure(cases, WEEK, now=NOW)
    for groups in (measures.by_trigger, measures.by_role, measures.by_rule):
        assert sum(group.size for group in groups) == len(cases)
    assert sum(sum(count.values()) for _, count in measures.per_day) == len(cases)
    assert len(measures.per_day) == 7


def test_a_decision_after_its_deadline_and_an_expiry_are_late() -> None:
    cases = [
        a_case(1, took=timedelta(minutes=29)),
        a_case(2, took=timedelta(minutes=31)),
        a_case(3, TicketEnding.EXPIRED),
        a_case(4, TicketEnding.CANCELLED),
    ]
    late = measure(cases, WEEK, now=NOW).total.late
    assert (late.count, late.total) == (2, 3)


def test_an_open_ticket_past_its_deadline_is_overdue_and_has_taken_no_time() -> None:
    total = measure([a_case(1, TicketEnding.OPEN)], WEEK, now=NOW).total
    assert (total.overdue, total.median) == (1, None)


@given(st.integers(0, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_holds_the_share_and_lies_in_0_to_1(given_share: tuple[int, int]) -> None:
    count, total = given_share
    figure = share(count, total)
    assert 0 <= figure.low <= figure.high <= 1
    assert figure.value is None or figure.low - 1e-12 <= figure.value <= figure.high + 1e-12


def test_the_interval_is_wilsons() -> None:
    figure = share(81, 263)
    assert figure.low == pytest.approx(0.2553, abs=1e-4)
    assert figure.high == pytest.approx(0.3662, abs=1e-4)


@given(st.lists(st.timedeltas(timedelta(0), timedelta(days=9)), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_one_of_the_values_and_covers_its_share(values: list[timedelta], q: float) -> None:
    found = quantile(values, q)
    assert found in values
    assert sum(value <= found for value in values) >= q * len(values)


def test_the_median_of_an_even_number_lies_between_the_two_middle_ones() -> None:
    cases = [a_case(number, took=timedelta(minutes=took)) for number, took in enumerate((1, 2, 4, 9))]
    assert measure(cases, WEEK, now=NOW).total.median == timedelta(minutes=3)


def test_an_edit_of_an_action_is_told_value_by_value() -> None:
    edited = a_case(1, TicketEnding.EDITED, resolved='{"amount":590,"order_id":"1160","note":"case missing"}')
    assert [str(change) for change in changes(edited)] == [
        "amount: 640 → 590",
        "note: (nothing) → case missing",
    ]


def test_a_written_answer_is_told_against_the_draft() -> None:
    case = a_case(1, TicketEnding.ANSWERED, tool="", proposed="Yes.", resolved="No, only with an adapter.")
    assert [str(change) for change in changes(case)] == ["answer: Yes. → No, only with an adapter."]


def test_a_rule_whose_tickets_are_all_approved_is_proposed_for_a_look() -> None:
    (proposal,) = propose(measure([a_case(n) for n in range(5)], WEEK, now=NOW))
    assert proposal.kind == "rule"
    assert len(proposal.tickets) == 5


def test_four_tickets_are_too_few_for_a_proposal() -> None:
    assert propose(measure([a_case(n) for n in range(4)], WEEK, now=NOW)) == ()


def test_a_limit_is_proposed_only_below_the_first_ticket_that_needed_a_person() -> None:
    def priced(number: int, amount: int, ending: TicketEnding) -> ReviewCase:
        money = Money(amount=Decimal(amount), currency="USD")
        return a_case(number, ending, amounts={"refund.amount": money})

    calm = [priced(n, 500 + n, TicketEnding.APPROVED) for n in range(6)]
    rest = [priced(6, 700, TicketEnding.REJECTED), priced(7, 800, TicketEnding.APPROVED)]
    proposals = [p for p in propose(measure([*rest, *calm], WEEK, now=NOW)) if p.kind == "threshold"]
    assert [proposal.tickets for proposal in proposals] == [tuple(case.id for case in calm)]
    assert "505 USD" in proposals[0].suggestion


def test_a_confidence_threshold_is_proposed_down_to_the_first_corrected_answer() -> None:
    scores = [0.69, 0.66, 0.64, 0.62, 0.6, 0.3]
    cases = [
        a_case(
            n,
            TicketEnding.APPROVED if score > 0.5 else TicketEnding.ANSWERED,
            trigger=Trigger.LOW_CONFIDENCE,
            confidence=score,
            tool="",
        )
        for n, score in enumerate(scores)
    ]
    proposals = [p for p in propose(measure(cases, WEEK, now=NOW)) if p.kind == "threshold"]
    assert len(proposals) == 1
    assert "0.60" in proposals[0].suggestion


def test_a_role_that_lets_tickets_expire_is_proposed() -> None:
    cases = [a_case(n, TicketEnding.EXPIRED) for n in range(5)]
    assert [p.kind for p in propose(measure(cases, WEEK, now=NOW))] == ["people"]


def test_an_edit_gives_a_prompt_note_with_the_persons_words() -> None:
    case = a_case(1, TicketEnding.EDITED, resolved='{"amount":590,"order_id":"1160"}', reason="case missing")
    (note,) = propose(measure([case], WEEK, now=NOW))
    assert note.kind == "prompt"
    assert "640 → 590" in note.why
    assert "case missing" in note.why


def test_facts_that_were_missing_are_proposed_with_their_tickets() -> None:
    cases = [a_case(n, TicketEnding.EDITED, unknown=("order.age",)) for n in range(5)]
    assert [p.title for p in propose(measure(cases, WEEK, now=NOW))] == ["Where could order.age come from?"]


def test_edits_and_rejections_become_evaluation_cases_and_approvals_do_not() -> None:
    cases = [
        a_case(1),
        a_case(2, TicketEnding.EDITED, resolved='{"amount":590,"order_id":"1160"}'),
        a_case(3, TicketEnding.REJECTED, lines=(("user", "Refund it all"),)),
        a_case(4, TicketEnding.EXPIRED),
    ]
    edited, rejected = evaluation_cases(cases)
    assert edited["expect"] == {"tool": "issue_refund", "arguments": {"amount": 590, "order_id": "1160"}}
    assert rejected["expect"] == {"not": rejected["proposed"]}
    assert rejected["messages"] == [{"role": "user", "content": "Refund it all"}]


def test_an_answer_in_place_of_a_call_is_expected_as_an_answer() -> None:
    (answered,) = evaluation_cases([a_case(1, TicketEnding.ANSWERED, resolved="We will call you.")])
    assert answered["expect"] == {"answer": "We will call you."}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            if name == "href" and value:
                self.links.add(value)
            if name in ("src", "srcset", "action") or (name == "href" and not (value or "").startswith("#")):
                self.addresses.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_links_to_its_tickets_and_loads_nothing() -> None:
    hostile = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    cases = [
        a_case(n, ending, wanted=hostile, reason=hostile) for n, ending in enumerate([*TicketEnding] * 3)
    ]
    text = as_html(review(cases, WEEK, now=NOW, title=hostile))
    tags = _Tags()
    tags.feed(text)
    assert tags.open == []
    assert tags.addresses == []
    assert {link.removeprefix("#") for link in tags.links} <= tags.ids
    assert "<script" not in text
    assert "<img" not in text
    assert "http" not in text


def test_words_of_a_conversation_never_become_markdown() -> None:
    text = as_markdown(review([a_case(1, wanted="| a | <b> [x](y)\n# z")], WEEK, now=NOW))
    assert "\\| a \\| \\<b\\> \\[x\\](y) \\# z" in text


def test_a_name_in_back_ticks_stays_code_in_markdown() -> None:
    said = "see `allow` of `scan` and a ` or `<b>`"
    text = as_markdown(review([a_case(1, wanted=said)], WEEK, now=NOW))
    assert "see `allow` of `scan` and a \\` or \\`\\<b\\>\\`" in text


def test_an_empty_week_is_a_report_too() -> None:
    report = review([], WEEK, now=NOW)
    assert "0 tickets" in as_markdown(report)
    assert "Nothing stands out" in as_html(report)
    assert as_data(report)["proposals"] == []


def test_page_tables_and_charts_are_written(tmp_path: Path) -> None:
    edited = a_case(2, TicketEnding.EDITED, resolved='{"amount":590,"order_id":"1160"}')
    written = write(review([a_case(1), edited], WEEK, now=NOW), tmp_path / "out")
    names = [path.name for path in written]
    assert names[:3] == ["review.html", "review.md", "cases.jsonl"]
    assert {"endings.svg", "endings.png", "tickets.csv", "by-rule.csv"} <= set(names)
    by_rule = (tmp_path / "out" / "by-rule.csv").read_text().splitlines()[1]
    assert by_rule.endswith("ticket-0001 ticket-0002")
    assert (tmp_path / "out" / "endings.png").read_bytes().startswith(b"\x89PNG")
    assert [json.loads(line)["ticket"] for line in written[2].read_text().splitlines()] == ["ticket-0002"]
    assert evaluation_lines([a_case(1)]) == ""


@pytest.mark.parametrize("name", ['=cmd|"/C calc"!A1', "@SUM(1)", "+1", "-2+3", "\t=1", " =1", "＝1"])
def test_no_cell_of_a_table_is_a_formula(tmp_path: Path, name: str) -> None:
    cases = [a_case(1, role=name, rules=(name,))]
    write(review(cases, WEEK, now=NOW), tmp_path)
    for path in tmp_path.glob("*.csv"):
        with path.open(newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [cell for cell in cells if cell.strip()[:1] in ("=", "@", "+", "-", "＝")]
    assert f"'{name}" in cells


def test_figures_read_like_words() -> None:
    assert str(share(3, 4)) == "3 of 4 (75 %, 30 %–95 %)"
    assert str(share(0, 0)) == "–"
