"""Proposals on the review's page: changes of the policy with their diff, and notes for people. Pure."""

from collections.abc import Sequence
from html import escape

from handrail.review.changes.proposal import Proposal, without_folder
from handrail.review.page.tables import Tables
from handrail.review.week.first_steps import worth_in_words


def changes(proposals: Sequence[Proposal], tables: Tables) -> str:
    """Return the proposed changes of the policy as HTML, those that can be accepted first."""
    found = [one for one in proposals if not one.is_note]
    return _listed(sorted(found, key=lambda one: not one.is_ready), tables, "changes")


def notes(proposals: Sequence[Proposal], tables: Tables) -> str:
    """Return what people may do outside the policy's file as HTML."""
    return _listed([one for one in proposals if one.is_note], tables, "beside")


def _listed(proposals: Sequence[Proposal], tables: Tables, name: str) -> str:
    items = "".join(
        f'<li id="change-{escape(one.id, quote=True)}"><div>{heading(one, tables)}{evidence(one, tables)}'
        f"{_state(one, tables)}</div>{diff(one.diff)}</li>"
        for one in proposals
    )
    return f'<ol class="{name}">{items}</ol>' if items else ""


def heading(one: Proposal, tables: Tables) -> str:
    """Return what is proposed, of which kind it is, and what it is worth, as HTML."""
    worth = worth_in_words(one, tables.say)
    return (
        f'<h3><span lang="en">{escape(one.title)}</span> '
        f'<span class="kind">{escape(tables.say.named("kind", one.kind))}</span>'
        f"{f' <small>{escape(worth)}</small>' if worth else ''}</h3>"
    )


def evidence(one: Proposal, tables: Tables) -> str:
    """Return why something is proposed, what it did to past cases, and what is expected, as HTML."""
    texts = (one.why, " ".join(filter(None, (one.replay, one.effect))), one.suggestion)
    words = "".join(f'<p lang="en">{kept_together(escape(text))}</p>' for text in texts if text)
    return f"{words}<p>{tables.tickets(one.tickets)}</p>" if one.tickets else words


def kept_together(text: str) -> str:
    """Return a text in which no line breaks before a percent sign, or within an interval; pure."""
    return text.replace(" %", "\u00a0%").replace("%–", "%\u2060–\u2060")


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


def _state(one: Proposal, tables: Tables) -> str:
    if one.is_note:
        return ""
    if not one.is_ready:
        return f"<p>{escape(tables.say('change.not_ready', problems='; '.join(one.problems)))}</p>"
    said = [tables.say("change.passed")]
    if one.tests:
        said.append(tables.say("change.tests", names=", ".join(one.tests)))
    command = f"<code>handrail review accept {escape(one.id)}</code>"
    return f"<p>{escape(' '.join(said))}</p><p>{command}</p>"
