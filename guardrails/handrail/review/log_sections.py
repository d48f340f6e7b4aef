"""Tables of the review's page that come from the log; every figure opens into its tickets. Pure."""

import math
from typing import TYPE_CHECKING

from handrail.review.measure import share
from handrail.review.tables import Counted, Link, in_page, table

if TYPE_CHECKING:
    from handrail.review.log_figures import LogFigures


def sections(figures: "LogFigures", link: Link = in_page) -> dict[str, tuple[str, str]]:
    """Return each table by its name: its title and its HTML; those without rows are left out."""
    found = {
        "steps": ("What became of hand-offs", _steps(figures, link)),
        "conflicts": ("Rules that disagreed", _conflicts(figures, link)),
        "rules": ("Rules: what they cost", _rules(figures, link)),
        "detectors": ("Detectors: how often nobody changed what they stopped", _detectors(figures, link)),
        "slices": ("Thresholds by slice", _slices(figures, link)),
        "people": ("Readers", _readers(figures, link)),
    }
    return {name: one for name, one in found.items() if one[1]}


def _steps(figures: "LogFigures", link: Link) -> str:
    words = {"unchanged": "left unchanged", "changed": "changed", "unread": "not decided"}
    found = {name: figures.steps.get(name, ()) for name in words}
    total = sum(getattr(figures, name) for name in words)
    rows = [
        (words[name], Counted(said=str(len(tickets)), tickets=tickets), share(len(tickets), total))
        for name, tickets in found.items()
        if tickets
    ]
    return table(("what became of them", "tickets", "share"), rows, link)


def _rules(figures: "LogFigures", link: Link) -> str:
    heads = (
        "rule",
        "why",
        "hand-offs",
        "needless (unchanged)",
        "verdicts for each error caught",
        "minutes for each",
    )
    rows = [
        (
            one.rule,
            one.trigger.replace("_", " "),
            Counted(said=str(one.hand_offs), tickets=one.tickets),
            one.needless,
            _number(one.cost_per_error),
            _number(one.minutes_per_error),
        )
        for one in figures.rules
    ]
    return table(heads, rows, link)


def _slices(figures: "LogFigures", link: Link) -> str:
    heads = (
        "where",
        "certified there",
        "certified elsewhere",
        "handed off below now",
        "answers a score decides",
        "wrong, of those read",
    )
    rows = [
        (
            one.slice,
            _threshold(one.inside),
            _threshold(one.outside),
            "–" if one.limit_now is None else f"{one.limit_now:g}",
            Counted(said=str(one.answers), tickets=one.tickets),
            one.wrong,
        )
        for one in figures.slices
    ]
    return table(heads, rows, link)


def _threshold(certified: float) -> str:
    return "–" if math.isinf(certified) else f"{certified:.3f}"


def _detectors(figures: "LogFigures", link: Link) -> str:
    rows = [
        (str(one), Counted(said=str(one.hand_offs), tickets=one.tickets), one.unchanged)
        for one in figures.detectors
    ]
    return table(("what was found", "hand-offs", "unchanged (false alarms at most)"), rows, link)


def _readers(figures: "LogFigures", link: Link) -> str:
    heads = ("reader", "cases", "unchanged", "others unchanged", "median time", "what it says")
    rows = [
        (
            one.name[:12],
            Counted(said=str(one.unchanged.total), tickets=one.tickets),
            one.unchanged,
            one.others,
            "–" if one.median_s is None else f"{one.median_s:.0f} s",
            "does not read" if one.is_named else "fatigue zone" if one.is_in_zone else "–",
        )
        for one in sorted(figures.readers, key=lambda one: (not one.is_named, not one.is_in_zone))
    ]
    return table(heads, rows, link)


def _conflicts(figures: "LogFigures", link: Link) -> str:
    rows = [
        (one.rule, one.other, Counted(said=str(one.count), tickets=one.tickets), one.changed)
        for one in figures.conflicts
    ]
    return table(("rule", "and", "times", "changed by people"), rows, link)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
