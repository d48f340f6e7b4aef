"""What a person does with a ticket besides deciding it: one form for each step that is theirs to take."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handrail.inbox.context import form_of, inbox_of, reviewer_of
from handrail.inbox.pages.page import go_to
from handrail.inbox.security import local_path
from handrail.inbox.telling import Telling, spoken
from handrail.service import ListQuery, Reviewer, TicketScreen, TicketService, Whose
from handrail.tickets.ports import Settlement

SNOOZES: Final = (15, 60, 240)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One field of a step's form."""

    name: str
    label: str
    is_long: bool = False
    choices: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step as a page offers it."""

    name: str
    label: str
    key: str = ""
    hint: str = ""
    fields: Sequence[Input] = ()

    @property
    def is_near(self) -> bool:
        """True for a step that is taken often, and so is one key away."""
        return bool(self.key)


_KEYS = {"claim": "c", "ask": "q", "reassign": "g", "snooze": "s"}
_BUTTONS = ("claim", "release")
_SHEETS = (
    "ask", "inform", "reassign", "snooze", "extend", "take_over", "link", "withdraw", "reconcile",
)  # fmt: skip


def buttons(screen: TicketScreen, telling: Telling) -> list[Step]:
    """Return the steps that one click takes."""
    mine = {operation.value for operation in screen.operations}
    is_claimed = screen.view.claimed_by is not None
    return [
        Step(name=name, label=telling.t(f"step.{name}"), key=_KEYS.get(name, ""))
        for name in _BUTTONS
        if name in mine and not (name == "claim" and is_claimed)
    ]


def sheets(request: Request, screen: TicketScreen, telling: Telling) -> list[Step]:
    """Return the steps that ask for something first."""
    mine = {operation.value for operation in screen.operations}
    return [
        Step(
            name=name,
            label=telling.t(f"step.{name}"),
            key=_KEYS.get(name, ""),
            hint=telling.t(f"step.{name}_hint"),
            fields=_fields(name, request, screen, telling),
        )
        for name in _SHEETS
        # Asking claims a ticket that nobody has.
        if name in mine or (name == "ask" and "claim" in mine)
    ]


def _fields(name: str, request: Request, screen: TicketScreen, telling: Telling) -> list[Input]:
    t = telling.t
    roles = [(role, spoken(role)) for role in inbox_of(request).policy.roles if role != screen.view.role]
    lengths = [(str(minutes), telling.duration(minutes)) for minutes in SNOOZES]
    outcomes = [("done", t("step.done")), ("released", t("step.released"))]
    given: Mapping[str, list[Input]] = {
        "ask": [Input(name="text", label=t("step.question"), is_long=True)],
        "inform": [Input(name="text", label=t("step.information"), is_long=True)],
        "reassign": [
            Input(name="role", label=t("step.role"), choices=roles),
            Input(name="text", label=t("step.why")),
        ],
        "snooze": [Input(name="minutes", label=t("step.until"), choices=lengths)],
        "extend": [Input(name="minutes", label=t("step.until"), choices=lengths)],
        "link": [Input(name="of", label=t("step.reference"))],
        "withdraw": [Input(name="text", label=t("step.words"), is_long=True)],
        "reconcile": [Input(name="outcome", label=t("step.outcome"), choices=outcomes)],
    }
    return given.get(name, [])


_Taken = Callable[[TicketService, Reviewer, str, Mapping[str, str]], object]

_TAKE: Final[Mapping[str, _Taken]] = {
    "claim": lambda service, who, ref, form: service.claim(who, ref),
    "release": lambda service, who, ref, form: service.release(who, ref),
    "take_over": lambda service, who, ref, form: service.take_over(who, ref),
    "ask": lambda service, who, ref, form: _asked(service, who, ref, form["text"]),
    "own_answer": lambda service, who, ref, form: _own_answer(service, who, ref, form["text"]),
    "inform": lambda service, who, ref, form: service.inform(who, ref, form["text"]),
    "reassign": lambda service, who, ref, form: service.reassign(who, ref, form["role"], why=form["text"]),
    "link": lambda service, who, ref, form: service.link(who, ref, of=form["of"]),
    "withdraw": lambda service, who, ref, form: service.withdraw(who, ref, words=form["text"]),
    "reconcile": lambda service, who, ref, form: service.reconcile(who, ref, Settlement(form["outcome"])),
    "snooze": lambda service, who, ref, form: service.snooze(who, ref, service.now + _minutes(form)),
    "extend": lambda service, who, ref, form: service.extend(who, ref, _minutes(form), why="by_person"),
}


def _minutes(form: Mapping[str, str]) -> timedelta:
    given = form["minutes"]
    return timedelta(minutes=int(given) if given in {str(length) for length in SNOOZES} else SNOOZES[0])


def _asked(service: TicketService, who: Reviewer, ref: str, question: str) -> object:
    # Who asks has the ticket; a ticket that nobody has is claimed by asking.
    service.claim(who, ref)
    return service.ask(who, ref, question)


def _own_answer(service: TicketService, who: Reviewer, ref: str, text: str) -> object:
    # Who writes an answer has the ticket, as with a question.
    service.claim(who, ref)
    return service.give_own_answer(who, ref, text)


def take(request: Request) -> Response:
    """Take one step with a ticket, then show it."""
    name, ref = request.path_params["step"], request.path_params["ref"]
    form = dict(form_of(request).items())
    if name not in _TAKE:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    _TAKE[name](inbox_of(request).service, reviewer_of(request), ref, _Given(form))
    back = local_path(form["next"]) if form.get("next") else f"/tickets/{ref}"
    return go_to(back, name)


class _Given(dict[str, str]):
    """A form in which what was left out is empty."""

    def __missing__(self, key: str) -> str:
        return ""


def claim_next(request: Request) -> Response:
    """Claim the ticket that is due first of those that nobody has, and show it."""
    service, who = inbox_of(request).service, reviewer_of(request)
    found = service.claim_next(who)
    return go_to("/", "nothing_to_claim") if found is None else go_to(f"/tickets/{found.reference}", "claim")


def next_one(request: Request) -> Response:
    """Show the ticket that is due first of those that the reader could decide."""
    service, who = inbox_of(request).service, reviewer_of(request)
    after = request.query_params.get("after", "")
    for whose in (Whose.MINE, Whose.NOBODY):
        for row in service.page(who, ListQuery(whose=whose)).rows:
            if row.reference != after:
                return go_to(f"/tickets/{row.reference}")
    return go_to("/", "nothing_left")


routes = [
    Route("/claim-next", claim_next, methods=["POST"]),
    Route("/next", next_one, methods=["GET"]),
    Route("/tickets/{ref}/{step}", take, methods=["POST"]),
]
