"""Proposals on the review's page: changes of the policy with their diff, and notes for people. Pure."""

from collections.abc import Sequence
from html import escape

from handrail.review.proposal import Proposal, without_folder
from handrail.review.tables import Counted, Link, counted, in_page


def changes(proposals: Sequence[Proposal], link: Link = in_page) -> str:
    """Return the proposed changes of the policy as HTML, those that can be accepted first."""
    found = [one for one in proposals if not one.is_note]
    return _listed(sorted(found, key=lambda one: not one.is_ready), link)


def notes(proposals: Sequence[Proposal], link: Link = in_page) -> str:
    """Return what people may do outside the policy's file as HTML."""
    return _listed([one for one in proposals if one.is_note], link)


def _listed(proposals: Sequence[Proposal], link: Link) -> str:
    items = "".join(
        f'<li id="change-{escape(one.id, quote=True)}"><h3>{escape(one.title)} '
        f'<span class="kind">{escape(one.kind.replace("_", " "))}</span></h3>{evidence(one, link)}'
        f"{diff(one.diff)}{_state(one)}</li>"
        for one in proposals
    )
    return f'<ol class="changes">{items}</ol>' if items else ""


def evidence(one: Proposal, link: Link = in_page) -> str:
    """Return why something is proposed, what it did to past cases, and what is expected, as HTML."""
    words = "".join(
        f"<p>{escape(text)}</p>"
        for text in (one.why, " ".join(filter(None, (one.replay, one.effect))))
        if text
    )
    said = f"{len(one.tickets)} {'ticket' if len(one.tickets) == 1 else 'tickets'}"
    shown = f"<p>{counted(Counted(said=said, tickets=one.tickets), link)}</p>" if one.tickets else ""
    return f"{words}{f'<p>{escape(one.suggestion)}</p>' if one.suggestion else ''}{shown}"


def diff(text_of_it: str) -> str:
    """Return a diff as HTML: what is added and what is removed can be told apart, and no folder is named."""
    lines = []
    for row in without_folder(text_of_it).splitlines():
        if row.startswith(("--- ", "+++ ")):
            lines.append(f'<span class="file">{escape(row)}</span>')
        elif row.startswith(("+", "-")):
            name = "ins" if row[0] == "+" else "del"
            lines.append(f"<{name}>{escape(row)}</{name}>")
        else:
            lines.append(f"<span>{escape(row)}</span>")
    return f"<pre>{''.join(lines)}</pre>" if lines else ""


def _state(one: Proposal) -> str:
    if one.is_note:
        return ""
    if not one.is_ready:
        return f"<p>Not ready: {escape('; '.join(one.problems))}.</p>"
    tests = f" Tests given their new outcome: {escape(', '.join(one.tests))}." if one.tests else ""
    command = f"<code>handrail review accept {escape(one.id)}</code>"
    return f"<p>Check, tests and replay passed.{tests} {command}</p>"
