"""Charts of a period's tickets, each with what to conclude. Pure."""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

from handrail.review.figures.measure import Measures, TicketGroup
from handrail.review.log.cases import TicketEnding
from handrail.review.page.svg import COLOURS, MARK, WIDTH, Plot, chart, circle, line, rectangle, text, text_on
from handrail.review.week.language import ENGLISH, Language
from handrail.review.week.weekly import FEWEST

ENDING_COLOURS: Mapping[TicketEnding, str] = {
    TicketEnding.APPROVED: "#009e73",
    TicketEnding.EDITED: "#b8860b",
    TicketEnding.REJECTED: "#d55e00",
    TicketEnding.ANSWERED: "#0072b2",
    TicketEnding.REVISED: "#9467bd",
    TicketEnding.LAPSED: "#7a5c1e",
    TicketEnding.EXPIRED: "#8b1a1a",
    TicketEnding.CANCELLED: "#9aa0a6",
    TicketEnding.WITHDRAWN: "#cc79a7",
    TicketEnding.DUPLICATE: "#56b4e9",
    TicketEnding.OPEN: "#c8ced4",
}
_TICKS = (1, 10, 60, 600, 3600, 21_600, 86_400, 7 * 86_400)


def ticket_charts(measures: Measures, say: Language = ENGLISH) -> dict[str, tuple[Plot, str]]:
    """Return each chart by its file's name: the drawing and the conclusion; none of no tickets."""
    if not measures.total.size:
        return {}
    found = {
        "per-day": (per_day(measures, say), _per_day_words(measures, say)),
        "endings": (endings(measures.by_trigger, say), _endings_words(measures, say)),
    }
    if any(group.median is not None for group in measures.by_role):
        found["time-to-decide"] = (
            time_to_decide(measures.by_role, say),
            _time_words(measures.by_role, say),
        )
    return found


def _per_day_words(measures: Measures, say: Language) -> str:
    day, count = max(measures.per_day, key=lambda one: sum(one[1].values()))
    first = measures.by_trigger[0]
    return say(
        "per-day.says",
        day=say.weekday(day),
        count=say.number(sum(count.values())),
        total=say.number(measures.total.size),
        trigger=say.named("trigger", first.name),
        size=say.number(first.size),
    )


def per_day(measures: Measures, say: Language = ENGLISH) -> Plot:
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
                said = f"{say.day(day)}: {say.number(count[name])} × {_trigger(name, say)}"
                parts.append(rectangle(x, y, max(1.0, step - 6), size, colours[name], said))
        if at % every == 0:
            parts.append(text(x + step / 2 - 3, floor + 28, say.short_day(day), "middle"))
        if len(days) <= 14:
            parts.append(text(x + step / 2 - 3, y - 8, say.number(sum(count.values())), "middle", "name"))
    title = say("per-day.drawn", count=say.number(measures.total.size))
    return chart(title, height, parts, [(colours[name], _trigger(name, say)) for name in names])


def _endings_words(measures: Measures, say: Language) -> str:
    known = [group for group in measures.by_trigger if group.unchanged.total >= FEWEST]
    if not known:
        return say("endings.too_few", fewest=say.number(FEWEST))
    most = max(known, key=lambda group: group.unchanged.low)
    found = most.unchanged
    return say(
        "endings.says",
        trigger=say.named("trigger", most.name),
        of=say.of(found.count, found.total),
        between=say.between(found.low, found.high),
    )


def endings(groups: Sequence[TicketGroup], say: Language = ENGLISH) -> Plot:
    """One bar for each group under its name, as long as the group is large, split by how tickets ended."""
    top = max((group.size for group in groups), default=0) or 1
    parts = []
    for row, group in enumerate(groups):
        x, y = 2.0, 24.0 + row * 62
        name = _trigger(group.name, say)
        said = f"{name}: {say.number(group.size)}{_few(group, say)}"
        parts.append(text(2, y, said, "start", "name"))
        for ending, count in group.endings.items():
            size, colour = count * (WIDTH - 4) / top, ENDING_COLOURS[ending]
            told = f"{name}: {say.number(count)} {say.named('ending', ending)}"
            parts.append(rectangle(x, y + 9, size, 26, colour, told))
            if size > 44:
                parts.append(text_on(x + size / 2, y + 28, say.number(count), colour))
            x += size
    used = [ending for ending in TicketEnding if any(ending in group.endings for group in groups)]
    legend = [(ENDING_COLOURS[one], say.named("ending", one)) for one in used]
    return chart(say("endings.drawn"), 6 + 62 * len(groups), parts, legend)


def _time_words(groups: Sequence[TicketGroup], say: Language) -> str:
    late = [group for group in groups if group.late.count]
    if late:
        worst = max(late, key=lambda group: (group.late.low, group.late.count))
        of = say.of(worst.late.count, worst.late.total)
        return say("time-to-decide.late", role=_plain(worst.name), of=of)
    slow = [group for group in groups if group.slowest_tenth is not None]
    slowest = max(slow, key=lambda group: group.slowest_tenth or timedelta(0))
    tenth = say.span(slowest.slowest_tenth)
    return say("time-to-decide.says", role=_plain(slowest.name), time=tenth)


def time_to_decide(groups: Sequence[TicketGroup], say: Language = ENGLISH) -> Plot:
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
        parts.append(text(x, bottom + 26, say.span(timedelta(seconds=seconds)), "middle"))
    for row, group in enumerate(rows):
        y = 56 + row * 66
        said = say("time-to-decide.row", role=_plain(group.name), time=say.span(group.median))
        parts.append(text(2, y - 24, f"{said}{_few(group, say)}", "start", "name"))
        for case in group.cases:
            if case.took is not None:
                colour = ENDING_COLOURS[TicketEnding.EXPIRED] if case.is_late else COLOURS[0]
                place = _at(case.took.total_seconds(), axis)
                parts.append(circle(place, y, 6, colour, f"{case.id}: {say.span(case.took)}"))
        for span in {case.decide_by - case.created_at for case in group.cases if case.decide_by}:
            x = _at(span.total_seconds(), axis)
            parts.append(line(x, y - 14, x, y + 14, "deadline"))
    is_late = any(case.is_late and case.took is not None for group in rows for case in group.cases)
    legend = [(COLOURS[0], say("time-to-decide.in_time"))]
    legend += [(ENDING_COLOURS[TicketEnding.EXPIRED], say("ticket.late"))] if is_late else []
    legend += [(MARK, say("time-to-decide.deadline"))] if given else []
    return chart(say("time-to-decide.drawn"), bottom + 38, parts, legend)


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


def _few(group: TicketGroup, say: Language) -> str:
    return f" ({say('few')})" if group.size < FEWEST else ""


def _trigger(name: str, say: Language) -> str:
    return say.named("trigger", name)


def _plain(name: str) -> str:
    return name.replace("_", " ")
