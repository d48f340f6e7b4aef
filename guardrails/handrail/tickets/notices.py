"""What the person on the other side is told: a notice with role, due time and reference put in."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

SOON = "as soon as possible"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFields:
    """What a notice may speak of; `ticket` is the reference people say, or the id where there is none."""

    role: str
    due: datetime | None
    ticket: str


def render(notice: str, about: NoticeFields, *, zone: str, now: datetime) -> str:
    """Put role, local due time and reference into a notice; pure. Other braces stay as they are."""
    when = SOON
    if about.due is not None:
        local = about.due.astimezone(ZoneInfo(zone))
        is_today = local.date() == now.astimezone(ZoneInfo(zone)).date()
        when = local.strftime("%H:%M %Z" if is_today else "%d %b %H:%M %Z")
    words = {"{role}": about.role.replace("_", " "), "{due}": when, "{ticket}": about.ticket}
    for name, word in words.items():
        notice = notice.replace(name, word)
    return notice
