"""The part of the review's page that comes from the log: charts that say what to conclude, and tables."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from handrail.review.measure import Share
from handrail.review.svg import COLOURS, Plot, chart, circle, line, polygon, polyline, rectangle, text

if TYPE_CHECKING:
    from handrail.review.log_figures import LogFigures, ReaderFigures
    from handrail.review.proposal import Proposal

WIDTH, HEIGHT = 720, 330
LEFT, RIGHT_SIDE, TOP, BOTTOM = 84, 28, 22, 66
_BAD = "#d55e00"


def plots(figures: "LogFigures") -> dict[str, tuple[Plot, str]]:
    """Return each chart by its file's name, with the sentence that says what it shows."""
    found = {
        "flow": (_flow(figures), _flow_words(figures)),
        "missed": (_missed(figures), _missed_words(figures)),
    }
    if figures.bins:
        found["reliability"] = (
            _reliability(figures),
            "Points below the line: answers are less often right than sure.",
        )
    if figures.coverage:
        found["coverage"] = (_coverage(figures), _coverage_words(figures))
    if any(one.median_s for one in figures.readers):
        found["readers"] = (_readers(figures.readers), _reader_words(figures.readers))
    return found


def sections(figures: "LogFigures", proposals: "Sequence[Proposal]") -> str:
    """Return the sections as HTML."""
    titles = {
        "flow": "Flow: assistant, people, outcome",
        "missed": "Errors that were passed",
        "reliability": "Is a score what it says?",
        "coverage": "Threshold: how much may pass",
        "readers": "Reading or clicking",
    }
    drawn = [
        f'<section><h2>{titles[name]}</h2><p class="say">{escape(words)}</p>{plot.figure()}</section>'
        for name, (plot, words) in plots(figures).items()
    ]
    return "".join(
        [_patches(proposals), *drawn, _rule_table(figures), _reader_table(figures), _conflicts(figures)]
    )


def _flow_words(figures: "LogFigures") -> str:
    return (
        f"Of {figures.exchanges} exchanges {figures.held} went to people; {figures.unread} are undecided. "
        f"Needless hand-offs: {_said(figures.needless)}."
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
        parts.append(text(2, y, name, "start"))
        for word, count, colour in pieces:
            width = count / total * (WIDTH - 4)
            if count:
                parts.append(rectangle(x, y + 8, width, 36, colour, f"{count} {word}"))
                if width > 40:
                    parts.append(text(x + width / 2, y + 34, str(count), "middle", "inside"))
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
        f"from {last.sampled} that were read.{drift}"
    )


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
    legend = [
        (COLOURS[0], "estimate with 95 % interval"),
        (_BAD, "drift proved"),
        ("currentColor", "┄ target"),
    ]
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
    return chart(
        "Share of right answers by score",
        HEIGHT,
        parts,
        [(COLOURS[0], "share right, 95 % interval; larger: more read")],
    )


def _coverage_words(figures: "LogFigures") -> str:
    if math.isinf(figures.threshold):
        return f"No threshold is proved to keep passed errors at {figures.alpha:.0%}; it takes more verdicts."
    return (
        f"A score of {figures.threshold:.3f} or more may pass: passed errors stay at {figures.alpha:.0%} "
        "of all answers that a score decides."
    )


def _coverage(figures: "LogFigures") -> Plot:
    top = max([2 * figures.alpha, *(point.risk for point in figures.coverage)])
    parts = _axes([(share, f"{share:.0%}") for share in steps(top)], top)
    points = [(_across(p.coverage), _up(p.risk, top)) for p in figures.coverage]
    parts.append(polyline(points, COLOURS[0]))
    parts.append(line(LEFT, _up(figures.alpha, top), WIDTH - RIGHT_SIDE, _up(figures.alpha, top), "target"))
    reached = [p for p in figures.coverage if p.threshold >= figures.threshold]
    if reached:
        best = max(reached, key=lambda p: p.coverage)
        said = (
            f"threshold {figures.threshold:.3f}: {best.coverage:.0%} pass, {best.risk:.1%} passed and wrong"
        )
        parts.append(circle(_across(best.coverage), _up(best.risk, top), 7, _BAD, said))
    parts += _below([(s / 4, f"{s / 4:.0%}") for s in range(5)], "share that passes")
    legend = [(COLOURS[0], "passed and wrong"), (_BAD, "certified threshold"), ("currentColor", "┄ target")]
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
    return chart(
        "Left unchanged, against reading time",
        HEIGHT,
        parts,
        [(COLOURS[0], "a person"), (_BAD, "found: does not read")],
    )


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


def _patches(proposals: "Sequence[Proposal]") -> str:
    if not proposals:
        return ""
    items = "".join(
        f'<li><h3>{escape(one.title)} <span class="kind">{escape(one.kind)}</span></h3>'
        f"<p>{escape(' '.join(filter(None, (one.why, one.replay, one.effect, one.suggestion))))}</p>"
        f"<p>{_state(one)}</p><pre>{escape(one.diff)}</pre></li>"
        for one in proposals
    )
    return f"<section><h2>Changes to accept</h2><ol>{items}</ol></section>"


def _state(one: "Proposal") -> str:
    if one.is_note:
        return "Nothing to accept: this is for people to do."
    if not one.is_ready:
        return f"Not ready: {escape('; '.join(one.problems))}."
    tests = f" Tests given their new outcome: {escape(', '.join(one.tests))}." if one.tests else ""
    return f"Check, tests and replay passed.{tests} <code>handrail review accept {escape(one.id)}</code>"


def _rule_table(figures: "LogFigures") -> str:
    heads = ("rule", "why", "hand-offs", "needless (unchanged)", "verdicts for each error caught")
    rows = [
        (
            one.rule,
            one.trigger.replace("_", " "),
            str(one.hand_offs),
            _said(one.needless),
            _number(one.cost_per_error),
        )
        for one in figures.rules
    ]
    return _table("Rules and detectors: what they cost", heads, rows)


def _reader_table(figures: "LogFigures") -> str:
    heads = ("reader", "unchanged", "others unchanged", "median time", "")
    rows = [
        (
            one.name[:12],
            _said(one.unchanged),
            "–" if one.others.value is None else f"{one.others.value:.0%}",
            "–" if one.median_s is None else f"{one.median_s:.0f} s",
            "does not read" if one.is_named else "fatigue zone" if one.is_in_zone else "",
        )
        for one in figures.readers
    ]
    return _table("Readers", heads, rows)


def _conflicts(figures: "LogFigures") -> str:
    rows = [(one.rule, one.other, str(one.count)) for one in figures.conflicts]
    return _table("Rules that disagreed", ("rule", "and", "times"), rows) if rows else ""


def _said(found: Share) -> str:
    # A line never breaks before a percent sign.
    return str(found).replace(" %", "\u00a0%")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-head="{escape(name, quote=True)}">{escape(cell)}</td>'
            for name, cell in zip(heads, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<section><h2>{escape(title)}</h2><table class="cards"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></section>"
    )
