"""Tables of the review's page that come from the log; every figure opens into its tickets. Pure."""

import math
from typing import TYPE_CHECKING

from handrail.review.evidence.certified import rounded_up
from handrail.review.figures.measure import share
from handrail.review.page.tables import Counted, Tables
from handrail.review.week.language import Language

if TYPE_CHECKING:
    from handrail.review.figures.log_figures import LogFigures


def sections(figures: "LogFigures", tables: Tables) -> dict[str, str]:
    """Return each table as HTML by its name; those without rows are left out."""
    found = {
        "steps": _steps(figures, tables),
        "rules": _rules(figures, tables),
        "people": _readers(figures, tables),
        "slices": _slices(figures, tables),
        "detectors": _detectors(figures, tables),
        "conflicts": _conflicts(figures, tables),
    }
    return {name: one for name, one in found.items() if one}


def _steps(figures: "LogFigures", tables: Tables) -> str:
    say = tables.say
    found = {name: figures.steps.get(name, ()) for name in ("unchanged", "changed", "unread")}
    total = sum(getattr(figures, name) for name in found)
    rows = [
        (say(f"flow.{name}"), tables.number(tickets), share(len(tickets), total))
        for name, tickets in found.items()
        if tickets
    ]
    return tables.table(("column.became", "column.count", "column.share"), rows)


def _rules(figures: "LogFigures", tables: Tables) -> str:
    rows = [
        (
            one.rule,
            tables.say.named("trigger", one.trigger),
            Counted(said=tables.say.number(one.hand_offs), tickets=one.tickets),
            tables.say.number(one.beside),
            one.needless,
            _number(one.cost_per_error, tables),
            _number(one.minutes_per_error, tables),
        )
        for one in figures.rules
    ]
    return tables.table(
        (
            "column.rule",
            "column.why",
            "column.hand_offs",
            "column.beside",
            "column.needless",
            "column.per_error",
            "column.minutes",
        ),
        rows,
    )


def _slices(figures: "LogFigures", tables: Tables) -> str:
    say = tables.say
    heads = ("where", "certified_there", "certified_elsewhere", "limit_now", "scored", "wrong_of_read")
    rows = [
        (
            one.slice,
            _threshold(one.inside, say),
            _threshold(one.outside, say),
            "–" if one.limit_now is None else say.figure(one.limit_now),
            Counted(said=say.number(one.answers), tickets=one.tickets),
            one.wrong,
        )
        for one in figures.slices
    ]
    return tables.table([f"column.{head}" for head in heads], rows)


def _threshold(certified: float, say: Language) -> str:
    return "–" if math.isinf(certified) else say.number(rounded_up(certified), 3)


def _detectors(figures: "LogFigures", tables: Tables) -> str:
    rows = [
        (str(one), Counted(said=tables.say.number(one.hand_offs), tickets=one.tickets), one.unchanged)
        for one in figures.detectors
    ]
    return tables.table(("column.found", "column.detected", "column.false_alarms"), rows)


def _readers(figures: "LogFigures", tables: Tables) -> str:
    say = tables.say
    rows = [
        (
            one.name[:12],
            Counted(said=say.number(one.unchanged.total), tickets=one.tickets),
            one.unchanged,
            one.others,
            "–" if one.median_s is None else f"{say.number(one.median_s)} {say('unit.s')}",
            say("reader.named") if one.is_named else say("reader.zone") if one.is_in_zone else "–",
        )
        for one in sorted(figures.readers, key=lambda one: (not one.is_named, not one.is_in_zone))
    ]
    return tables.table(
        (
            "column.reader",
            "column.cases",
            "column.unchanged",
            "column.others",
            "column.median_time",
            "column.says",
        ),
        rows,
    )


def _conflicts(figures: "LogFigures", tables: Tables) -> str:
    rows = [
        (one.rule, one.other, Counted(said=tables.say.number(one.count), tickets=one.tickets), one.changed)
        for one in figures.conflicts
    ]
    return tables.table(("column.rule", "column.and", "column.times", "column.changed"), rows)


def _number(value: float | None, tables: Tables) -> str:
    return "–" if value is None else tables.say.number(value, 1)
