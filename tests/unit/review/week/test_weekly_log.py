"""The log of a period: its weeks are those of the policy, and nothing after its end is counted."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from handrail.policy.runtime.log_row import LogRow
from handrail.review.log.calendar_week import week_of
from handrail.review.log.review_log import review_log
from handrail.review.week import weekly_log

POLICY = """\
policy: shop
version: "1"
time_zone: {zone}
if_unsure: queue_manager
roles: {{queue_manager: {{}}}}
facts:
  confidence: {{type: number}}
hand_offs:
  - id: low
    when: confidence < 0.5
    to: queue_manager
    trigger: low_confidence
    because: Somebody looks.
"""


def row(number: int, at: str) -> LogRow:
    facts = {"confidence": {"kind": "number", "value": "0.9"}}
    return LogRow(outcome="passed", effect="pass", stage="answer", exchange=f"x{number}", at=at, facts=facts)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "UTC"])
def test_a_week_of_the_log_is_the_week_that_is_reviewed(tmp_path: Path, zone: str) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(zone=zone))
    period = week_of("2026-W38", ZoneInfo(zone))
    hours = [period.since + timedelta(hours=hour) for hour in range(-24, 7 * 24 + 24)]
    rows = [row(number, at.isoformat()) for number, at in enumerate(hours)]
    figures, _ = weekly_log.follow(rows, period, str(policy))
    assert figures is not None
    assert figures.passed == 7 * 24
    assert [one.monday.isoformat() for one in figures.weeks] == ["2026-09-07", "2026-09-14"]
    assert figures.weeks[-1].findings.week == review_log(rows[24:25], ZoneInfo(zone)).week[0]


def test_a_change_is_tried_on_the_decisions_up_to_the_end_of_the_period(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(zone="UTC"))
    period = week_of("2026-W38", ZoneInfo("UTC"))
    rows = [row(day, (period.since + timedelta(days=day)).isoformat()) for day in range(14)]
    tried: list[int] = []

    def propose(_log: object, _review: object, now: weekly_log.PolicyInForce, **_: object) -> tuple[()]:
        tried.append(len(now.rows))
        return ()

    monkeypatch.setattr(weekly_log, "propose_changes", propose)
    weekly_log.follow(rows, period, str(policy))
    assert tried == [7]
