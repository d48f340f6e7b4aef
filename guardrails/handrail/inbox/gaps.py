"""What is not known about a ticket, in words: facts that nothing gave, and measures that were missing."""

from collections.abc import Iterable

from handrail.inbox.words import Words
from handrail.records import NOT_SAID
from handrail.service import TicketScreen

CONFIDENCE = "confidence"
"""A fact that has a panel of its own."""


def gaps(screen: TicketScreen, t: Words) -> list[str]:
    """Return a sentence for each reason why facts are not known, with their names; pure."""
    by_why: dict[str, list[str]] = {}
    for name, why in _unknown(screen).items():
        by_why.setdefault(why, []).append(name)
    return [t.of("unknown.why", why, names=_listed(names), why=why) for why, names in by_why.items()]


def _unknown(screen: TicketScreen) -> dict[str, str]:
    facts = screen.ticket.facts if screen.ticket is not None else {}
    found = {name: one.value for name, one in facts.items() if one.kind == "unknown"}
    asked = {name: "missing" for rule in screen.rules for name in rule.unknown if name not in found}
    return {name: why for name, why in {**found, **asked}.items() if name != CONFIDENCE and why != NOT_SAID}


def lacking(missing: Iterable[str], t: Words) -> str:
    """Return what a measure of confidence lacked; pure."""
    return _listed([t.of("confidence.lacks", name.replace(" ", "_"), what=name) for name in missing])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
