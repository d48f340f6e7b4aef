"""Charts of what the log says, each with the sentence that says what to conclude. Pure."""

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from handrail.review.evidence.certified import rounded_up
from handrail.review.page.svg import (
    COLOURS,
    TARGET,
    Plot,
    chart,
    circle,
    line,
    polygon,
    polyline,
    rectangle,
    text,
    text_on,
)
from handrail.review.week.language import ENGLISH, Language

if TYPE_CHECKING:
    from handrail.review.figures.log_figures import CoveragePoint, LogFigures, ReaderFigures

WIDTH, HEIGHT = 720, 330
LEFT, RIGHT_SIDE, TOP, BOTTOM = 84, 28, 22, 66
_BAD, _TODAY = "#d55e00", "#009e73"


def plots(figures: "LogFigures", say: Language = ENGLISH) -> dict[str, tuple[Plot, str]]:
    """Return each chart by its file's name, with the sentence that says what it shows."""
    found = {}
    if any(week.findings.missed.rate is not None for week in figures.weeks):
        found["missed"] = (_missed(figures, say), _missed_words(figures, say))
    if figures.coverage:
        found["coverage"] = (_coverage(figures, say), _coverage_words(figures, say))
    if figures.bins:
        found["reliability"] = (_reliability(figures, say), _reliability_words(figures, say))
    if any(one.median_s for one in figures.readers):
        found["readers"] = (_readers(figures.readers, say), _reader_words(figures.readers, say))
    found["flow"] = (_flow(figures, say), _flow_words(figures, say))
    return found


def _flow_words(figures: "LogFigures", say: Language) -> str:
    counts = {"held": say.number(figures.held), "unread": say.number(figures.unread)}
    says = say.counted("flow.says", figures.decisions, **counts)
    if figures.uncounted:
        says = f"{says} {say.counted('flow.without', figures.uncounted)}"
    if not figures.needless.total:
        return says
    return f"{says} {say('flow.needless', share=say.share(figures.needless))}"


def _flow(figures: "LogFigures", say: Language) -> Plot:
    """Two bars of the same length: where decisions went, and what became of those that people got."""
    rows = [
        (
            "decisions",
            [
                ("passed", figures.passed, COLOURS[2]),
                ("blocked", figures.blocked, COLOURS[7]),
                ("handed_off", figures.held, COLOURS[0]),
            ],
        ),
        (
            "handed_off",
            [
                ("unchanged", figures.unchanged, COLOURS[2]),
                ("changed", figures.changed, COLOURS[4]),
                ("uncounted", figures.uncounted, COLOURS[5]),
                ("unread", figures.unread, COLOURS[7]),
            ],
        ),
    ]
    parts, y = [], 24.0
    for name, pieces in rows:
        total, x = sum(count for _, count, _ in pieces) or 1, 2.0
        parts.append(text(2, y, say(f"flow.{name}"), "start", "name"))
        for word, count, colour in pieces:
            width, said = count / total * (WIDTH - 4), say.number(count)
            if count:
                parts.append(rectangle(x, y + 8, width, 36, colour, f"{said} {say(f'flow.{word}')}"))
                if width > 44:
                    parts.append(text_on(x + width / 2, y + 33, said, colour))
            x += width
        y += 76
    legend = {say(f"flow.{word}"): colour for _, pieces in rows for word, count, colour in pieces if count}
    return chart(say("flow.drawn"), 152, parts, [(c, w) for w, c in legend.items()])


def _missed_words(figures: "LogFigures", say: Language) -> str:
    last = figures.weeks[-1].findings.missed if figures.weeks else None
    if last is None or last.rate is None:
        return say("missed.unknown")
    is_above, is_below = last.low > figures.alpha, last.high <= figures.alpha
    against = "above" if is_above else "keeps" if is_below else "open"
    says = say(
        "missed.says",
        rate=say.percent(last.rate, 1),
        count=say.number(last.count),
        between=say.between(last.low, last.high, 1),
        read=say.number(last.sampled),
    )
    drift = (
        say("missed.no_drift")
        if figures.drift_since is None
        else say("missed.drift", day=say.day(figures.drift_since))
    )
    return f"{says} {say(f'missed.{against}', target=say.percent(figures.alpha))} {drift}"


def _missed(figures: "LogFigures", say: Language) -> Plot:
    """A point with its interval for each week."""
    weeks = [week for week in figures.weeks if week.findings.missed.rate is not None]
    top = min(1.0, max([0.1, *(week.findings.missed.high for week in weeks)]))
    parts = _axes([(share, say.percent(share)) for share in steps(top)], top)
    step = (WIDTH - LEFT - RIGHT_SIDE) / max(1, len(weeks))
    every = max(1, math.ceil(len(weeks) / 7))
    for place, week in enumerate(weeks):
        found = week.findings.missed
        x = LEFT + step * (place + 0.5)
        said = say(
            "missed.point",
            monday=say.day(week.monday),
            rate=say.percent(found.rate or 0.0, 1),
            between=say.between(found.low, found.high, 1),
            read=say.number(found.sampled),
        )
        colour = _BAD if week.findings.has_drifted else COLOURS[0]
        parts.append(line(x, _up(found.low, top), x, _up(found.high, top), "bar"))
        parts.append(circle(x, _up(found.rate or 0.0, top), 6, colour, said))
        if place % every == 0:
            parts.append(text(x, HEIGHT - BOTTOM + 26, say.day(week.monday), "middle"))
    parts.append(line(LEFT, _up(figures.alpha, top), WIDTH - RIGHT_SIDE, _up(figures.alpha, top), "target"))
    legend = [(COLOURS[0], say("missed.estimate"))]
    legend += [(_BAD, say("missed.proved"))] if any(week.findings.has_drifted for week in weeks) else []
    legend.append((TARGET, say("missed.target", target=say.percent(figures.alpha))))
    return chart(say("missed.drawn"), HEIGHT, parts, legend)


def _reliability(figures: "LogFigures", say: Language) -> Plot:
    parts = _axes([(s / 4, say.percent(s / 4)) for s in range(5)], 1.0)
    parts.append(line(_across(0), _up(0, 1), _across(1), _up(1, 1), "target"))
    for one in figures.bins:
        if one.right.value is None:
            continue
        x = _across(one.mean_score)
        said = say("reliability.point", score=say.number(one.mean_score, 2), share=say.share(one.right))
        parts.append(line(x, _up(one.right.low, 1), x, _up(one.right.high, 1), "bar"))
        parts.append(
            circle(x, _up(one.right.value, 1), 4 + min(8.0, math.sqrt(one.right.total) / 2), COLOURS[0], said)
        )
    parts += _below([(s / 4, say.figure(s / 4)) for s in range(5)], say("reliability.score"))
    legend = [(COLOURS[0], say("reliability.legend")), (TARGET, say("reliability.line"))]
    return chart(say("reliability.drawn"), HEIGHT, parts, legend)


def _reliability_words(figures: "LogFigures", say: Language) -> str:
    """Compare with the interval: a bin contradicts its score where that lies outside."""
    read = [one for one in figures.bins if one.right.value is not None]
    off = [one for one in read if not one.right.low <= one.mean_score <= one.right.high]
    counts = {
        "points": say.number(len(read)),
        "read": say.number(sum(one.right.total for one in read)),
        "scored": say.number(sum(one.answers for one in figures.bins)),
    }
    if not off:
        return say("reliability.agrees", **counts)
    too_sure = sum(one.mean_score > one.right.high for one in off)
    side = "too_sure" if too_sure == len(off) else "both" if too_sure else "not_sure"
    return say("reliability.off", off=say.number(len(off)), side=say(f"reliability.{side}"), **counts)


def _coverage_words(figures: "LogFigures", say: Language) -> str:
    target = say.percent(figures.alpha)
    if math.isinf(figures.threshold):
        return say("coverage.none", target=target)
    best = _at_threshold(figures, figures.threshold)
    says = say("coverage.says", threshold=say.number(rounded_up(figures.threshold), 3), target=target)
    is_worse = best is not None and best.risk > figures.alpha
    return f"{says} {say('coverage.worse', risk=say.percent(best.risk))}" if best and is_worse else says


def _at_threshold(figures: "LogFigures", threshold: float | None) -> "CoveragePoint | None":
    """Return the point of the curve where a threshold stands, None where nothing has such a score."""
    if threshold is None:
        return None
    reached = [point for point in figures.coverage if point.threshold >= threshold]
    return max(reached, key=lambda point: point.coverage, default=None)


def _coverage(figures: "LogFigures", say: Language) -> Plot:
    top = max([2 * figures.alpha, *(point.risk for point in figures.coverage)])
    parts = _axes([(share, say.percent(share)) for share in steps(top)], top)
    points = [(_across(p.coverage), _up(p.risk, top)) for p in figures.coverage]
    parts.append(polyline(points, COLOURS[0]))
    parts.append(line(LEFT, _up(figures.alpha, top), WIDTH - RIGHT_SIDE, _up(figures.alpha, top), "target"))
    today, best = _at_threshold(figures, figures.threshold_now), _at_threshold(figures, figures.threshold)
    for found, name, colour in ((today, "today", _TODAY), (best, "certified", _BAD)):
        if found is not None:
            said = say(
                "coverage.point",
                name=say(f"coverage.{name}"),
                coverage=say.percent(found.coverage),
                risk=say.percent(found.risk, 1),
            )
            parts.append(circle(_across(found.coverage), _up(found.risk, top), 7, colour, said))
    parts += _below([(s / 4, say.percent(s / 4)) for s in range(5)], say("coverage.below"))
    legend = [(COLOURS[0], say("coverage.wrong"))]
    if today is not None:
        limit = figures.threshold_now or 0.0
        now = say.number(limit, 2 if round(limit, 2) == limit else 3)
        legend.append((_TODAY, say("coverage.threshold_now", threshold=now)))
    legend += [(_BAD, say("coverage.threshold"))] if best is not None else []
    legend.append((TARGET, say("missed.target", target=say.percent(figures.alpha))))
    return chart(say("coverage.drawn"), HEIGHT, parts, legend)


def _reader_words(readers: "Iterable[ReaderFigures]", say: Language) -> str:
    named = [one.name[:12] for one in readers if one.is_named]
    return say("readers.named", names=say.listed(named)) if named else say("readers.none")


def _readers(readers: "Sequence[ReaderFigures]", say: Language) -> Plot:
    """Seconds over a case (logarithmic) against the share left unchanged, with the fatigue zone."""
    parts = _axes([(s / 4, say.percent(s / 4)) for s in range(5)], 1.0)
    low, high = math.log(1.0), math.log(900.0)

    def along(seconds: float) -> float:
        return _across((math.log(min(max(seconds, 1.0), 900.0)) - low) / (high - low))

    parts.insert(
        0,
        polygon(
            [
                (along(1), _up(1, 1)),
                (along(10), _up(1, 1)),
                (along(10), _up(0.95, 1)),
                (along(1), _up(0.95, 1)),
            ],
            _BAD,
        ),
    )
    for one in readers:
        if one.median_s is None or one.unchanged.value is None:
            continue
        said = say(
            "readers.point",
            name=one.name[:12],
            time=_time(one.median_s, say),
            share=say.share(one.unchanged),
        )
        colour = _BAD if one.is_named else COLOURS[0]
        parts.append(circle(along(one.median_s), _up(one.unchanged.value, 1), 7, colour, said))
    parts += [
        text(along(seconds), HEIGHT - BOTTOM + 26, _time(seconds, say), "middle")
        for seconds in (1, 10, 60, 600)
    ]
    parts.append(text((LEFT + WIDTH) / 2, HEIGHT - 8, say("readers.below"), "middle"))
    legend = [(COLOURS[0], say("readers.person"))]
    legend += [(_BAD, say("readers.found"))] if any(one.is_named for one in readers) else []
    return chart(say("readers.drawn"), HEIGHT, parts, legend)


def _axes(ticks: Sequence[tuple[float, str]], top: float) -> list[str]:
    parts = []
    for value, words in ticks:
        parts.append(line(LEFT, _up(value, top), WIDTH - RIGHT_SIDE, _up(value, top), "grid"))
        parts.append(text(LEFT - 8, _up(value, top) + 5, words, "end"))
    return parts


def _below(ticks: Sequence[tuple[float, str]], name: str) -> list[str]:
    found = [text(_across(value), HEIGHT - BOTTOM + 26, words, "middle") for value, words in ticks]
    return [*found, text((LEFT + WIDTH) / 2, HEIGHT - 8, name, "middle")]


def steps(top: float) -> list[float]:
    """Return round places for the lines of an axis from 0 to `top`, seven at most; pure."""
    size = 10 ** math.floor(math.log10(max(top, 1e-6)))
    step = next((size * part for part in (0.1, 0.2, 0.5, 1.0) if top / (size * part) <= 6), 2 * size)
    return [step * place for place in range(int(top / step + 1e-9) + 1)]


def _up(share: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * min(share, top) / top


def _across(share: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT_SIDE - 10) * share


def _time(seconds: float, say: Language) -> str:
    return say.span(timedelta(seconds=round(seconds)))
