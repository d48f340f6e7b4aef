"""The list of tickets: whose they are, how soon they are due, and what is new."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handrail.errors import AmbiguousReference, TicketError
from handrail.inbox.context import form_of, inbox_of, reviewer_of
from handrail.inbox.pages.page import go_to, page, remember, telling_of
from handrail.inbox.telling import OPEN_STATES, Telling, due_group, rules_of, spoken
from handrail.service import ListQuery, ListRow, Whose
from handrail.tickets.lifecycle import State

SEEN = "handrail-seen"
KEPT: Final = frozenset({"q", "role", "whose", "state"})
_VISIT = timedelta(minutes=10)
"""How long a list is not looked at before the next look is another visit."""
_GROUPS = ("late", "soon", "hour", "later", "no_due")
_TONES = {"late": "late", "soon": "soon"}
_ENDED = (State.APPLIED, State.REJECTED, State.ANSWERED, State.EXPIRED, State.WITHDRAWN, State.FAILED)
_UNSURE = (State.OUTCOME_UNKNOWN,)
_VIEWS: Final[Mapping[str, Mapping[str, str]]] = {
    "open": {},
    "mine": {"whose": "mine"},
    "unclaimed": {"whose": "nobody"},
    "outcome_unknown": {"state": "outcome_unknown"},
    "ended": {"state": "ended"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One view in the rail; `count` None where it is not counted."""

    label: str
    href: str
    count: int | None
    is_here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Tickets that are due about the same time."""

    title: str
    tone: str
    rows: Sequence[ListRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a person looks for: the query, the words that were understood, and one reference if it is that."""

    query: ListQuery
    said: str = ""
    reference: str = ""


def show(request: Request) -> Response:
    """Show the tickets of the reader's roles, soonest due first."""
    inbox, who, telling = inbox_of(request), reviewer_of(request), telling_of(request)
    roles = inbox.service.roles_of(who)
    views = inbox.service.views(who)
    search = searched(request.query_params, telling, roles)
    view = request.query_params.get("view", "")
    if view in views:
        search = Search(query=replace(views[view], cursor=search.query.cursor))
    said = search.said
    if search.reference:
        try:
            inbox.service.find(who, search.reference)
        except AmbiguousReference as error:
            said = telling.t("list.ambiguous", reference=search.reference, candidates=error.candidates)
        except TicketError:
            said = telling.t("list.not_found", reference=search.reference)
        else:
            return go_to(f"/tickets/{search.reference}")
    found = inbox.service.page(who, search.query)
    pace = inbox.pace.minutes(who, search.query.roles or roles)
    baseline, stamp = _visit(request, found.now)
    new = {
        row.reference for row in found.rows if row.created_at > baseline and row.state.value in OPEN_STATES
    }
    more = [(name, value) for name, value in request.query_params.items() if name not in ("cursor", "said")]
    values = {
        "here": "list",
        "rail": _rail(request, telling, roles, tuple(views)),
        "view": view if view in views else "",
        "to_save": [(name, value) for name, value in request.query_params.items() if name in KEPT],
        "heading": _heading(request, telling),
        "groups": _groups(found.rows, found.now, telling),
        "now": found.now,
        "new": new,
        "new_count": len(new),
        "pace": telling.duration(pace) if pace is not None else "",
        "empty": _empty(request),
        "q": request.query_params.get("q", ""),
        "said": said,
        "cursor": found.cursor,
        "more": f"/?{urlencode([*more, ('cursor', found.cursor or '')])}",
        "can_claim": bool(found.rows) and not search.query.states,
    }
    response = page(request, "list.html", values, telling=telling)
    remember(response, SEEN, stamp, is_secure=inbox.settings.is_secure)
    return response


def _visit(request: Request, now: datetime) -> tuple[datetime, str]:
    """Return from when on tickets are new, and what is remembered: that moment and this one."""
    since, _, last = request.cookies.get(SEEN, "").partition("-")
    try:
        before = datetime.fromtimestamp(int(since), UTC), datetime.fromtimestamp(int(last), UTC)
    except (ValueError, OverflowError, OSError):
        # Nothing is new to somebody who has not been here.
        return now, f"{int(now.timestamp())}-{int(now.timestamp())}"
    baseline = before[1] if now - before[1] > _VISIT else before[0]
    return baseline, f"{int(baseline.timestamp())}-{int(now.timestamp())}"


def _groups(rows: Iterable[ListRow], now: datetime, telling: Telling) -> list[Group]:
    by_due: dict[str, list[ListRow]] = {}
    for row in rows:
        name = due_group(row.decide_by, now) if row.state.value in OPEN_STATES else "ended"
        if row.state is State.RESOLVED:
            name = "resolved"
        by_due.setdefault(name, []).append(row)
    return [
        Group(title=telling.t(f"list.{name}"), tone=_TONES.get(name, ""), rows=by_due[name])
        for name in (*_GROUPS, "resolved", "ended")
        if name in by_due
    ]


def _empty(request: Request) -> str:
    """Return which words an empty list has."""
    params = request.query_params
    if params.get("q") or params.get("view"):
        return "search"
    return {"mine": "mine"}.get(params.get("whose", ""), "ended" if params.get("state") == "ended" else "")


def _rail(
    request: Request, telling: Telling, roles: Sequence[str], saved: Sequence[str]
) -> list[tuple[str, list[Link]]]:
    params = request.query_params
    counts = inbox_of(request).service.counts(reviewer_of(request))
    here = (params.get("role", ""), params.get("whose", ""), params.get("state", ""))
    open_by_role = {role: _sum(counts.get(role, {}), OPEN_STATES) for role in roles}
    totals = {
        "open": sum(open_by_role.values()),
        "outcome_unknown": sum(_sum(counts.get(role, {}), {"outcome_unknown"}) for role in roles),
    }
    views = [
        Link(
            label=telling.t(f"list.{name}"),
            href="/" + (f"?{urlencode(given)}" if given else ""),
            count=totals.get(name),
            is_here=here == ("", given.get("whose", ""), given.get("state", ""))
            and not (params.get("q") or params.get("view")),
        )
        for name, given in _VIEWS.items()
        if name != "outcome_unknown" or totals["outcome_unknown"]
    ]
    by_role = [
        Link(
            label=spoken(role),
            href=f"/?{urlencode({'role': role})}",
            count=open_by_role[role],
            is_here=here == (role, "", ""),
        )
        for role in roles
    ]
    own = [
        Link(
            label=name, href=f"/?{urlencode({'view': name})}", count=None, is_here=params.get("view") == name
        )
        for name in saved
    ]
    parts = [("list.view", views), ("list.role", by_role), ("list.saved", own)]
    return [(telling.t(key), links) for key, links in parts if links]


def _sum(counts: Mapping[State, int], states: Iterable[str]) -> int:
    wanted = frozenset(states)
    return sum(count for state, count in counts.items() if state.value in wanted)


def _heading(request: Request, telling: Telling) -> str:
    params = request.query_params
    if params.get("view"):
        return params["view"]
    if params.get("role"):
        return spoken(params["role"]).capitalize()
    name = {"mine": "mine", "nobody": "unclaimed"}.get(params.get("whose", ""))
    state = {"ended": "ended", "outcome_unknown": "outcome_unknown"}.get(params.get("state", ""))
    return telling.t(f"list.{name or state or 'open'}")


def searched(params: Mapping[str, str], telling: Telling, roles: Sequence[str]) -> Search:
    """Read what a person looks for from a page's address, or from a form with the same fields."""
    query = ListQuery(cursor=params.get("cursor") or None)
    if params.get("role") in roles:
        query = replace(query, roles=(params["role"],))
    if params.get("whose") in list(Whose):
        query = replace(query, whose=Whose(params["whose"]))
    states = {"ended": _ENDED, "outcome_unknown": _UNSURE}.get(params.get("state", ""), ())
    query = replace(query, states=states)
    said: list[str] = []
    for word in params.get("q", "").split():
        if word.upper().startswith("HR-"):
            return Search(query=query, reference=word.upper())
        query = _narrowed(query, word, telling, roles, said)
    told = telling.t("list.searched", words=", ".join(said)) if said else ""
    return Search(query=query, said=told)


def _narrowed(
    query: ListQuery, word: str, telling: Telling, roles: Sequence[str], said: list[str]
) -> ListQuery:
    """Return a query narrowed by one word, `name:value` or a name that the policy knows."""
    policy = telling.policy
    name, separator, value = word.partition(":")
    if not separator:
        known = {
            "role": word in roles,
            "rule": any(rule.id == word for rule in rules_of(policy)),
            "tool": word in policy.tools,
            "state": word in list(State),
        }
        name, value = next((name for name, is_so in known.items() if is_so), "customer"), word
    said.append(f"{name} {value}")
    if name == "state" and value in list(State):
        return replace(query, states=(State(value),))
    if name == "role" and value in roles:
        return replace(query, roles=(value,))
    if name == "rule":
        return replace(query, rule=value)
    if name == "tool":
        return replace(query, tool=value)
    if name == "trigger":
        return replace(query, trigger=value)
    if name == "customer":
        return replace(query, customer=value)
    return query


def keep(request: Request) -> Response:
    """Keep what a person looks for as a view of their own, under a name; or forget one."""
    inbox, who, form = inbox_of(request), reviewer_of(request), form_of(request)
    name = form.get("name", "")
    if "forget" in form:
        inbox.service.drop_view(who, name)
        return go_to("/")
    search = searched(form, telling_of(request), inbox.service.roles_of(who))
    inbox.service.save_view(who, name, search.query)
    return go_to(f"/?{urlencode({'view': ' '.join(name.split())})}")


routes = [Route("/", show, methods=["GET"]), Route("/views", keep, methods=["POST"])]
