"""Charts of what the log says, each with the sentence that says what to conclude. Pure."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from handrail.review.measure import Share
from handrail.review.svg import (
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

if TYPE_CHECKING:
    from handrail.review.log_figures import CoveragePoint, LogFigures, ReaderFigures

WIDTH, HEIGHT = 720, 330
LEFT, RIGHT_SIDE, TOP, BOTTOM = 84, 28, 22, 66
_BAD, _TODAY = "#d55e00", "#009e73"


def plots(figures: "LogFigures") -> dict[str, tuple[Plot, str]]:
    """Return each chart by its file's name, with the sentence that says what it shows."""
    found = {}
    if any(week.findings.missed.rate is not None for week in figures.weeks):
        found["missed"] = (_missed(figures), _missed_words(figures))
    if figures.coverage:
        found["coverage"] = (_coverage(figures), _coverage_words(figures))
    if figures.bins:
        found["reliability"] = (_reliability(figures), _reliability_words(figures))
    if any(one.median_s for one in figures.readers):
        found["readers"] = (_readers(figures.readers), _reader_words(figures.readers))
    found["flow"] = (_flow(figures), _flow_words(figures))
    return found


TITLES = {
    "missed": "Errors that were passed",
    "coverage": "Threshold: how much may pass",
    "reliability": "Is a score what it says?",
    "readers": "Reading or clicking",
    "flow": "Flow: assistant, people, outcome",
}


def _flow_words(figures: "LogFigures") -> str:
    exchanges = "exchange" if figures.exchanges == 1 else "exchanges"
    return (
        f"Of {figures.exchanges} {exchanges} {figures.held} went to people; {figures.unread} of them are "
        f"undecided. Needless hand-offs: {_said(figures.needless)}."
    )


def _flow(figures: "LogFigures") -> Plot:
    """Two bars of the same length: where exchanges went, and what became of those that people got."""
    rows = [
        (
            "exchanges",
            [
                ("passed", figures.passed, COLOURS[2]),
                ("blocked", figures.blocked, COLOURS[7]),
                ("handed off", figures.held, COLOURS[0]),
            ],
        ),
        (
            "handed off",
            [
                ("left unchanged", figures.unchanged, COLOURS[2]),
                ("changed", figures.changed, COLOURS[4]),
                ("not decided", figures.unread, COLOURS[7]),
            ],
        ),
    ]
    parts, y = [], 24.0
    for name, pieces in rows:
        total, x = sum(count for _, count, _ in pieces) or 1, 2.0
        parts.append(text(2, y, name, "start", "name"))
        for word, count, colour in pieces:
            width = count / total * (WIDTH - 4)
            if count:
                parts.append(rectangle(x, y + 8, width, 36, colour, f"{count} {word}"))
                if width > 44:
                    parts.append(text_on(x + width / 2, y + 33, str(count), colour))
            x += width
        y += 76
    legend = {word: colour for _, pieces in rows for word, count, colour in pieces if count}
    return chart("Where exchanges went", 152, parts, [(c, w) for w, c in legend.items()])


def _missed_words(figures: "LogFigures") -> str:
    if not figures.weeks or figures.weeks[-1].findings.missed.rate is None:
        return "Nobody has read passed answers of the last week, so nothing is known of their errors."
    last = figures.weeks[-1].findings.missed
    drift = (
        f" The model has been worse since {figures.drift_since:%d %b}: retrain or go back."
        if figures.drift_since is not None
        else " No drift is proved."
    )
    return (
        f"{last.rate:.1%} of {last.count} passed answers are wrong ({last.low:.1%} to {last.high:.1%}), "
        f"from {last.sampled} that were read. {_against(last.low, last.high, figures.alpha)}{drift}"
    )


def _against(low: float, high: float, target: float) -> str:
    if low > target:
        return f"That is above the target of {target:.0%}."
    if high <= target:
        return f"That keeps the target of {target:.0%}."
    return f"Whether that keeps the target of {target:.0%} is open: read more."


def _missed(figures: "LogFigures") -> Plot:
    """A point with its interval for each week."""
    weeks = [week for week in figures.weeks if week.findings.missed.rate is not None]
    top = min(1.0, max([0.1, *(week.findings.missed.high for week in weeks)]))
    parts = _axes([(share, f"{share:.0%}") for share in steps(top)], top)
    step = (WIDTH - LEFT - RIGHT_SIDE) / max(1, len(weeks))
    every = max(1, math.ceil(len(weeks) / 7))
    for place, week in enumerate(weeks):
        found = week.findings.missed
        x = LEFT + step * (place + 0.5)
        said = f"{week.monday}: {found.rate:.1%}, {found.low:.1%} to {found.high:.1%}, n={found.sampled}"
        colour = _BAD if week.findings.has_drifted else COLOURS[0]
        parts.append(line(x, _up(found.low, top), x, _up(found.high, top), "bar"))
        parts.append(circle(x, _up(found.rate or 0.0, top), 6, colour, said))
        if place % every == 0:
            parts.append(text(x, HEIGHT - BOTTOM + 26, f"{week.monday:%d %b}", "middle"))
    parts.append(line(LEFT, _up(figures.alpha, top), WIDTH - RIGHT_SIDE, _up(figures.alpha, top), "target"))
    legend = [(COLOURS[0], "estimate with 95 % interval")]
    legend += [(_BAD, "drift proved")] if any(week.findings.has_drifted for week in weeks) else []
    legend.append((TARGET, f"target {figures.alpha:.0%}"))
    return chart("Errors among passed answers by week", HEIGHT, parts, legend)


def _reliability(figures: "LogFigures") -> Plot:
    parts = _axes([(s / 4, f"{s / 4:.0%}") for s in range(5)], 1.0)
    parts.append(line(_across(0), _up(0, 1), _across(1), _up(1, 1), "target"))
    for one in figures.bins:
        if one.right.value is None:
            continue
        x = _across(one.mean_score)
        said = f"score {one.mean_score:.2f}: {one.right}"
        parts.append(line(x, _up(one.right.low, 1), x, _up(one.right.high, 1), "bar"))
        parts.append(
            circle(x, _up(one.right.value, 1), 4 + min(8.0, math.sqrt(one.right.total) / 2), COLOURS[0], said)
        )
    parts += _below([(s / 4, f"{s / 4:.2g}") for s in range(5)], "score")
    legend = [(COLOURS[0], "share right, 95 % interval; larger: more read"), (TARGET, "as sure as right")]
    return chart("Share of right answers by score", HEIGHT, parts, legend)


def _reliability_words(figures: "LogFigures") -> str:
    """Compare with the interval: a bin contradicts its score where that lies outside."""
    read = [one for one in figures.bins if one.right.value is not None]
    off = [one for one in read if not one.right.low <= one.mean_score <= one.right.high]
    total = sum(one.right.total for one in read)
    if not off:
        return (
            f"Nothing contradicts the scores: all {len(read)} points agree with the line ({total} were read)."
        )
    too_sure = sum(one.mean_score > one.right.high for one in off)
    side = "surer than right" if too_sure == len(off) else "not as sure as right" if not too_sure else "off"
    return f"{len(off)} of {len(read)} points are {side} ({total} answers were read): calibrate anew."


def _coverage_words(figures: "LogFigures") -> str:
    if math.isinf(figures.threshold):
        return f"No threshold is proved to keep passed errors at {figures.alpha:.0%}; it takes more verdicts."
    best = _at_threshold(figures, figures.threshold)
    seen = (
        f" In this period alone it is {best.risk:.0%}: watch whether the model has changed."
        if best is not None and best.risk > figures.alpha
        else ""
    )
    return (
        f"A score of {figures.threshold:.3f} or more may pass: passed errors stay at {figures.alpha:.0%} "
        f"of all answers that a score decides.{seen}"
    )


def _at_threshold(figures: "LogFigures", threshold: float | None) -> "CoveragePoint | None":
    """Return the point of the curve where a threshold stands, None where nothing has such a score."""
    if threshold is None:
        return None
    reached = [point for point in figures.coverage if point.threshold >= threshold]
    return max(reached, key=lambda point: point.coverage, default=None)


def _coverage(figures: "LogFigures") -> Plot:
    top = max([2 * figures.alpha, *(point.risk for point in figures.coverage)])
    parts = _axes([(share, f"{share:.0%}") for share in steps(top)], top)
    points = [(_across(p.coverage), _up(p.risk, top)) for p in figures.coverage]
    parts.append(polyline(points, COLOURS[0]))
    parts.append(line(LEFT, _up(figures.alpha, top), WIDTH - RIGHT_SIDE, _up(figures.alpha, top), "target"))
    today, best = _at_threshold(figures, figures.threshold_now), _at_threshold(figures, figures.threshold)
    for found, name, colour in ((today, "today", _TODAY), (best, "certified", _BAD)):
        if found is not None:
            said = f"{name}: {found.coverage:.0%} pass, {found.risk:.1%} passed and wrong"
            parts.append(circle(_across(found.coverage), _up(found.risk, top), 7, colour, said))
    parts += _below([(s / 4, f"{s / 4:.0%}") for s in range(5)], "share that passes")
    legend = [(COLOURS[0], "passed and wrong")]
    legend += [(_TODAY, f"today's threshold {figures.threshold_now:.2f}")] if today is not None else []
    legend += [(_BAD, "certified threshold")] if best is not None else []
    legend.append((TARGET, f"target {figures.alpha:.0%}"))
    return chart("Risk against coverage", HEIGHT, parts, legend)


def _reader_words(readers: "Iterable[ReaderFigures]") -> str:
    named = [one.name[:12] for one in readers if one.is_named]
    if named:
        return f"Proved to approve without reading: {', '.join(named)}. Read their cases again."
    return "Nobody is proved to approve without reading. Shaded: fatigue, fast and nearly all unchanged."


def _readers(readers: "Sequence[ReaderFigures]") -> Plot:
    """Seconds over a case (logarithmic) against the share left unchanged, with the fatigue zone."""
    parts = _axes([(s / 4, f"{s / 4:.0%}") for s in range(5)], 1.0)
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
        said = f"{one.name[:12]}: {one.median_s:.0f} s, unchanged {one.unchanged}"
        colour = _BAD if one.is_named else COLOURS[0]
        parts.append(circle(along(one.median_s), _up(one.unchanged.value, 1), 7, colour, said))
    parts += [
        text(along(s), HEIGHT - BOTTOM + 26, words, "middle")
        for s, words in ((1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"))
    ]
    parts.append(text((LEFT + WIDTH) / 2, HEIGHT - 8, "median time over a case", "middle"))
    legend = [(COLOURS[0], "a person")]
    legend += [(_BAD, "found: does not read")] if any(one.is_named for one in readers) else []
    return chart("Left unchanged, against reading time", HEIGHT, parts, legend)


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


def _said(found: Share) -> str:
    # A line never breaks before a percent sign.
    return str(found).replace(" %", "\u00a0%")
