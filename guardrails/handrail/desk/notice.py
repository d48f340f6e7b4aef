"""What people outside are told about a ticket: id, role, severity, deadline and a link, never its content."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from handrail.errors import MissingExtra
from handrail.records import Severity
from handrail.store.reviews import PREFIX as REVIEW_PREFIX
from handrail.store.reviews import REVIEW

EVENT_PREFIX: Final = "dev.handrail.ticket."
REVIEW_EVENT: Final = "dev.handrail.review.ready"
_SAYS: Final[Mapping[str, str]] = {
    "open": "waits for {role}",
    "warn": "has used half of its time with {role}",
    "escalate": "has gone on to {role}",
    "reassign": "was given to {role}",
    "expire": "ran out of time; the safe default applies, nothing was approved",
    "lapse": "was approved but not carried out in time; the approval is void",
    "lost": "was begun and never confirmed; its outcome is unknown",
    "approve": "was approved",
    "reject": "was rejected",
    "answer": "was answered",
    "withdraw": "was withdrawn by the customer; nothing is to be done",
    "link": "is a duplicate of another ticket",
    "reopen": "is open again with {role}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that happened to a ticket, as it may leave the house.

    `id` stays the same however often the notice is delivered; `next_role` is warned together with `role`.
    There is no field for anything that was said.
    """

    id: str
    tenant: str
    ticket: str
    kind: str
    role: str
    severity: Severity
    at: datetime
    decide_by: datetime | None = None
    next_role: str | None = None
    link: str = ""

    @property
    def title(self) -> str:
        """One line for a subject or a chat message; pure."""
        if self.kind == REVIEW:
            return f"The review of {self.ticket.removeprefix(REVIEW_PREFIX)} is ready"
        says = _SAYS.get(self.kind, self.kind.replace("_", " ")).format(role=self.role.replace("_", " "))
        return f"Ticket {self.ticket} {says}"

    @property
    def body(self) -> str:
        """The rest as plain lines; pure."""
        if self.kind == REVIEW:
            return "\n".join([f"for: {self.role}", *([self.link] if self.link else [])])
        due = f"{self.decide_by.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if self.decide_by else "none"
        lines = [f"role: {self.role}", f"severity: {self.severity}", f"deadline: {due}"]
        if self.next_role:
            lines.append(f"then: {self.next_role}")
        return "\n".join([*lines, self.link] if self.link else lines)


def data_of(notice: Notice) -> dict[str, str | None]:
    """Return a notice as plain data; pure."""
    return {
        "ticket": notice.ticket,
        "tenant": notice.tenant,
        "event": notice.kind,
        "role": notice.role,
        "next_role": notice.next_role,
        "severity": str(notice.severity),
        "decide_by": notice.decide_by.astimezone(UTC).isoformat() if notice.decide_by else None,
        "link": notice.link or None,
    }


def envelope(notice: Notice, *, source: str) -> tuple[bytes, dict[str, str]]:
    """Return a notice as a CloudEvent 1.0 in structured JSON: body and headers; pure."""
    try:
        from cloudevents.core.bindings.http import to_structured_event
        from cloudevents.core.v1.event import CloudEvent
    except ImportError:
        raise MissingExtra("notify", "cloudevents") from None
    event = CloudEvent(
        attributes={
            "id": notice.id,
            "source": source,
            "type": REVIEW_EVENT if notice.kind == REVIEW else EVENT_PREFIX + notice.kind,
            "subject": notice.ticket,
            "time": notice.at.astimezone(UTC),
            "datacontenttype": "application/json",
        },
        data=data_of(notice),
    )
    message = to_structured_event(event)
    return message.body, dict(message.headers)


def link_to_review(template: str, *, tenant: str, review: str) -> str:
    """Fill `{week}` and `{tenant}` into a link; pure."""
    week = review.removeprefix(REVIEW_PREFIX)
    return template.replace("{week}", quote(week, safe="")).replace("{tenant}", quote(tenant, safe=""))


def link_to(template: str, *, tenant: str, ticket: str) -> str:
    """Fill `{ticket}` and `{tenant}` into a link; pure."""
    return template.replace("{ticket}", quote(ticket, safe="")).replace("{tenant}", quote(tenant, safe=""))
