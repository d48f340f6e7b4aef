"""Charts of a period's tickets, each with the sentence that says what to conclude. Pure."""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

from handrail.review.cases import TicketEnding
from handrail.review.measure import Measures, TicketGroup, in_words
from handrail.review.svg import COLOURS, MARK, WIDTH, Plot, chart, circle, line, rectangle, text, text_on
from handrail.review.tables import percent
from handrail.review.weekly import FEWEST

ENDING_COLOURS: Mapping[TicketEnding, str] = {
    TicketEnding.APPROVED: "#009e73",
    TicketEnding.EDITED: "#b8860b",
    TicketEnding.REJECTED: "#d55e00",
    TicketEnding.ANSWERED: "#0072b2",
    TicketEnding.REVISED: "#9467bd",
    TicketEnding.EXPIRED: "#8b1a1a",
    TicketEnding.CANCELLED: "#9aa0a6",
    TicketEnding.WITHDRAWN: "#cc79a7",
    TicketEnding.DUPLICATE: "#56b4e9",
    TicketEnding.OPEN: "#c8ced4",
}
_TICKS = (1, 10, 60, 600, 3600, 21_600, 86_400, 7 * 86_400)


def ticket_charts(measures: Measures) -> dict[str, tuple[str, Plot, str]]:
    """Return each chart by its file's name: title, drawing and conclusion; none of no tickets."""
    if not measures.total.size:
        return {}
    found = {
        "per-day": ("Tickets per day", per_day(measures), _per_day_words(measures)),
        "endings": (
            "How they ended",
            endings(measures.by_trigger, "How tickets ended, by trigger"),
            _endings_words(measures),
        ),
    }
    if any(group.median is not None for group in measures.by_role):
        found["time-to-decide"] = (
            "Time to decide",
            time_to_decide(measures.by_role),
            _time_words(measures.by_role),
        )
    return found


def _per_day_words(measures: Measures) -> str:
    day, count = max(measures.per_day, key=lambda one: sum(one[1].values()))
    first = measures.by_trigger[0]
    return (
        f"Most came on {day:%A}: {sum(count.values())} of {measures.total.size}. "
        f"The most frequent trigger is {_plain(first.name)} with {first.size}."
    )


def per_day(measures: Measures) -> Plot:
    """Bars of tickets by day, stacked by trigger."""
    names = [group.name for group in measures.by_trigger]
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    days = measures.per_day
    top = max((sum(count.values()) for _, count in days), default=0) or 1
    height, floor, head, left = 250, 206, 34, 12
    step = (WIDTH - left - 8) / max(1, len(days))
    parts = [line(left, floor, WIDTH, floor)]
    every = math.ceil(len(days) / 7)
    for at, (day, count) in enumerate(days):
        x, y = left + 2 + at * step, float(floor)
        for name in names:
            size = count.get(name, 0) * (floor - head) / top
            if size:
                y -= size
                said = f"{day.isoformat()}: {count[name]} × {name}"
                parts.append(rectangle(x, y, max(1.0, step - 6), size, colours[name], said))
        if at % every == 0:
            parts.append(text(x + step / 2 - 3, floor + 28, f"{day:%a %d}", "middle"))
        if len(days) <= 14:
            parts.append(text(x + step / 2 - 3, y - 8, str(sum(count.values())), "middle", "name"))
    title = f"Tickets per day by trigger, {measures.total.size} in all"
    return chart(title, height, parts, [(colours[name], _plain(name)) for name in names])


def _endings_words(measures: Measures) -> str:
    known = [group for group in measures.by_trigger if group.unchanged.total >= FEWEST]
    if not known:
        return f"Fewer than {FEWEST} decisions for each trigger: too few to conclude from."
    most = max(known, key=lambda group: group.unchanged.low)
    found = most.unchanged
    return (
        f"Most often needless: {_plain(most.name)}, {found.count} of {found.total} approved unchanged "
        f"({percent(found.low)} to {percent(found.high)})."
    )


def endings(groups: Sequence[TicketGroup], title: str) -> Plot:
    """One bar for each group under its name, as long as the group is large, split by how tickets ended."""
    top = max((group.size for group in groups), default=0) or 1
    parts = []
    for row, group in enumerate(groups):
        x, y = 2.0, 24.0 + row * 62
        few = " (few)" if group.size < FEWEST else ""
        parts.append(text(2, y, f"{_plain(group.name)}: {group.size}{few}", "start", "name"))
        for ending, count in group.endings.items():
            size, colour = count * (WIDTH - 4) / top, ENDING_COLOURS[ending]
            parts.append(rectangle(x, y + 9, size, 26, colour, f"{group.name}: {count} {ending}"))
            if size > 44:
                parts.append(text_on(x + size / 2, y + 28, str(count), colour))
            x += size
    used = [ending for ending in TicketEnding if any(ending in group.endings for group in groups)]
    return chart(title, 6 + 62 * len(groups), parts, [(ENDING_COLOURS[e], str(e)) for e in used])


def _time_words(groups: Sequence[TicketGroup]) -> str:
    late = [group for group in groups if group.late.count]
    if late:
        worst = max(late, key=lambda group: (group.late.low, group.late.count))
        return f"{_plain(worst.name)} is late most: {worst.late.count} of {worst.late.total}."
    slow = [group for group in groups if group.slowest_tenth is not None]
    slowest = max(slow, key=lambda group: group.slowest_tenth or timedelta(0))
    tenth = in_words(slowest.slowest_tenth)
    return f"Nobody was late. Slowest: {_plain(slowest.name)}, where one in ten took {tenth} or more."


def time_to_decide(groups: Sequence[TicketGroup]) -> Plot:
    """A row for each role: a dot for each decided ticket on a logarithmic axis, strokes at the deadlines."""
    rows = [group for group in groups if group.median is not None]
    took = [case.took.total_seconds() for group in rows for case in group.cases if case.took is not None]
    given = {case.decide_by - case.created_at for group in rows for case in group.cases if case.decide_by}
    axis = _axis([*took, *(span.total_seconds() for span in given)])
    bottom = 10 + 66 * len(rows)
    parts = []
    for seconds in axis:
        x = _at(seconds, axis)
        parts.append(line(x, 6, x, bottom, "grid"))
        parts.append(text(x, bottom + 26, in_words(timedelta(seconds=seconds)), "middle"))
    for row, group in enumerate(rows):
        y = 56 + row * 66
        said = f"{_plain(group.name)}: median {in_words(group.median)}"
        parts.append(text(2, y - 24, f"{said}{' (few)' if group.size < FEWEST else ''}", "start", "name"))
        for case in group.cases:
            if case.took is not None:
                colour = ENDING_COLOURS[TicketEnding.EXPIRED] if case.is_late else COLOURS[0]
                place = _at(case.took.total_seconds(), axis)
                parts.append(circle(place, y, 6, colour, f"{case.id}: {in_words(case.took)}"))
        for span in {case.decide_by - case.created_at for case in group.cases if case.decide_by}:
            x = _at(span.total_seconds(), axis)
            parts.append(line(x, y - 14, x, y + 14, "deadline"))
    is_late = any(case.is_late and case.took is not None for group in rows for case in group.cases)
    legend = [(COLOURS[0], "in time")]
    legend += [(ENDING_COLOURS[TicketEnding.EXPIRED], "late")] if is_late else []
    legend += [(MARK, "deadline")] if given else []
    return chart("Time to decide by role, against the deadline", bottom + 38, parts, legend)


def _axis(seconds: Sequence[float]) -> tuple[int, ...]:
    """Return the places that hold all values, two at least."""
    low = max((tick for tick in _TICKS if tick <= min(seconds)), default=_TICKS[0])
    high = min((tick for tick in _TICKS if tick >= max(seconds)), default=_TICKS[-1])
    found = tuple(tick for tick in _TICKS if low <= tick <= high)
    return found if len(found) > 1 else (low, next((tick for tick in _TICKS if tick > low), low * 10))


def _at(seconds: float, axis: Sequence[int]) -> float:
    low, high = math.log(axis[0]), math.log(axis[-1])
    share = (math.log(min(max(seconds, axis[0]), axis[-1])) - low) / (high - low)
    return 48 + share * (WIDTH - 96)


def _plain(name: str) -> str:
    return name.replace("_", " ")
