"""`handrail tickets`: list, show, claim and decide tickets from a terminal."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handrail.cli.options import (
    DEFAULT_PEOPLE,
    DEFAULT_STORE,
    JsonOption,
    PeopleOption,
    PersonOption,
    PolicyOption,
    StoreOption,
    TenantOption,
    actor_of,
    opened,
    who,
)
from handrail.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail.tickets.ports import Attempt
    from handrail.tickets.resolution import TicketRow
    from handrail.tickets.ticket import TicketView

commands = typer.Typer(no_args_is_help=True, help="List, show, claim and decide tickets.")


@commands.command(name="list")
def list_(  # noqa: PLR0913 - one parameter per option
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    role: Annotated[str | None, typer.Option(help="Only tickets of this role.")] = None,
    state: Annotated[str | None, typer.Option(help="Only this state; by default what is open.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    policy: PolicyOption = "support",
    as_json: JsonOption = False,
) -> None:
    """List tickets, soonest due first.

    **Examples**

    - `handrail tickets list --role finance_lead`
    """
    from handrail.store import Filter
    from handrail.tickets.lifecycle import State

    if state is not None and state not in list(State):
        raise ConfigError(f"no state {state!r}; there are {', '.join(State)}")
    wanted = Filter(role=role, state=State(state) if state else None, limit=limit)
    with opened(store) as found:
        page = found.list(tenant, wanted)
        if role is not None and not page.rows:
            _check_role(
                role, policy, {row.role for row in found.list(tenant, replace(wanted, role=None)).rows}
            )
    if as_json:
        rows = [
            {
                "id": row.id,
                "state": row.state.value,
                "role": row.role,
                "trigger": row.trigger,
                "rule": row.reason_code,
                "severity": ("low", "medium", "high")[row.severity],
                "decide_by": row.decide_by.isoformat() if row.decide_by else None,
                "claimed_by": row.claimed_by,
            }
            for row in page.rows
        ]
        typer.echo(json.dumps({"tickets": rows, "cursor": page.cursor}))
        return
    for row in page.rows:
        due = f"{row.decide_by:%Y-%m-%d %H:%M}" if row.decide_by else "no deadline"
        held = f" ({row.claimed_by})" if row.claimed_by else ""
        typer.echo(f"{row.id}  {due}  {row.role}  {row.trigger}  {row.reason_code}  {row.state}{held}")
    if not page.rows:
        typer.echo("No tickets.")


def _check_role(role: str, policy: str, busy: set[str]) -> None:
    """Tell a role that has no ticket from a role that is not there.

    Raises:
        ConfigError: neither the policy nor any ticket knows the role.
    """
    from handrail.policy import load
    from handrail.text.suggest import near

    known = busy | set(load(policy).roles)
    if role not in known:
        raise ConfigError(
            f"no ticket is for {role!r}, and policy {policy} has no such role{near(role, known)}"
        )


@commands.command()
def show(  # noqa: PLR0913 - one parameter per option
    ticket: Annotated[str, typer.Argument(help="Id of the ticket.")],
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    unmask: Annotated[bool, typer.Option("--unmask", help="Show masked texts; this is recorded.")] = False,
    person: PersonOption = "",
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
    as_json: JsonOption = False,
) -> None:
    """Show a ticket: the summary, the action, why, what was said and tried, and its history.

    **Examples**

    - `handrail tickets show 0197f… --unmask --as fay --people people.yaml`
    """
    if unmask and not person:
        raise ConfigError("unmasking needs --as: it is recorded who saw what")
    with opened(store) as found:
        actor = actor_of(person, policy, people) if person else None
        if actor is None:
            found.look(tenant, ticket, by=who())
        view = found.view(tenant, ticket, actor) if actor else found.get(tenant, ticket)
        raw = found.unmask(tenant, ticket, actor).model_dump(mode="json") if unmask and actor else None
        history, joined = found.history(tenant, ticket), found.attempts(tenant, ticket)
        others = found.of_same_customer(tenant, ticket)
    if as_json:
        document = {"view": view.model_dump(mode="json"), "unmasked": raw}
        typer.echo(json.dumps(document))
        return
    for line in (*told(view), *tried(view), *decided(view)):
        typer.echo(line)
    if raw is not None:
        typer.echo(json.dumps(raw, indent=2, ensure_ascii=False))
    for line in (*later(joined), *elsewhere(others)):
        typer.echo(line)
    typer.echo("\nHistory")
    for event in history:
        typer.echo(f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.kind}  {event.actor}")


def told(view: "TicketView") -> list[str]:
    """Return a ticket as lines of text."""
    from handrail.tickets.questions import six_answers

    head = f"{view.id}  {view.state}  {view.role}  " + (
        f"due {view.decide_by:%Y-%m-%d %H:%M %Z}" if view.decide_by else "no deadline"
    )
    if view.duplicate_of is not None:
        head = f"{view.id}  {view.state} of {view.duplicate_of}, whose decision counts for both"
    if view.ticket is None:
        return [head, "The data subject was erased; nothing of the content is left."]
    summary = view.ticket.summary
    lines = [head, "", summary.situation, summary.background, summary.assessment, summary.request, ""]
    for question, answer in six_answers(view.ticket).items():
        lines += [question, *(f"  {line}" for line in answer.splitlines())]
    return lines


def tried(view: "TicketView") -> list[str]:
    """Return the calls that were made before, with what came back, as lines of text."""
    calls = view.ticket.tried if view.ticket else ()
    lines = [f"  {call.tool} {call.arguments} → {call.result or 'no result on record'}" for call in calls]
    return ["What was tried before?", *lines] if lines else []


def decided(view: "TicketView") -> list[str]:
    """Return what a person decided as lines of text, nothing while nobody has."""
    said = view.resolution
    if said is None:
        return []
    waits = "" if said.is_final else f"; {', '.join(view.waiting_for)} must agree too"
    what = {"approve": "approved", "edit": "edited", "reject": "rejected", "answer": "answered"}[said.verdict]
    head = f"  {what} by {said.person} ({said.role}), {said.decided_at:%Y-%m-%d %H:%M %Z}{waits}"
    told = {
        "Answer": said.answer,
        "To the customer": said.message_to_user,
        "To the assistant": said.message_to_agent,
        "Reason": said.reason_code,
        "Note": said.note,
    }
    lines = [f"  {label}: {text}" for label, text in told.items() if text]
    return ["What was decided?", head, *(f"  {change}" for change in said.changes), *lines]


def later(attempts: "Sequence[Attempt]") -> list[str]:
    """Return what came in while the ticket was open, as lines of text."""
    lines = [
        f"  {one.at:%Y-%m-%d %H:%M %Z}  {', '.join(one.rules) or one.note}  {one.text}".rstrip()
        for one in attempts
    ]
    return ["", "What came in later?", *lines] if lines else []


def elsewhere(others: "Sequence[TicketRow]") -> list[str]:
    """Return what else the customer waits for, as lines of text."""
    lines = [f"  {row.id}  {row.state}  {row.role}  {row.reason_code}" for row in others]
    return ["", "What else does this customer wait for?", *lines] if lines else []


@commands.command()
def claim(
    ticket: Annotated[str, typer.Argument(help="Id of the ticket.")],
    person: PersonOption,
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
) -> None:
    """Claim a ticket of one of your roles, so that nobody else works on it.

    **Examples**

    - `handrail tickets claim 0197f… --as fay --people people.yaml`
    """
    with opened(store) as found:
        view = found.claim(tenant, ticket, actor_of(person, policy, people))
    until = f" until {view.lease_until:%H:%M %Z}" if view.lease_until else ""
    typer.echo(f"{ticket} is yours{until}")


@commands.command()
def decide(  # noqa: PLR0913 - one parameter per option
    ticket: Annotated[str, typer.Argument(help="Id of the ticket.")],
    verdict: Annotated[str, typer.Argument(help="approve, edit, reject or answer.")],
    person: PersonOption,
    changes: Annotated[list[str] | None, typer.Option("--set", help="name=value of an argument.")] = None,
    answer: Annotated[str, typer.Option(help="Text for the customer, for answer and edit.")] = "",
    message: Annotated[str, typer.Option(help="What the customer is told beside it.")] = "",
    to_agent: Annotated[str, typer.Option(help="What the assistant is told.")] = "",
    reason: Annotated[str, typer.Option(help="Reason code.")] = "",
    note: Annotated[str, typer.Option(help="Note for colleagues.")] = "",
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
    preview: Annotated[
        bool, typer.Option("--preview", help="Say what an edit changes, record nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask on a terminal.")] = False,
) -> None:
    """Decide a ticket. It is claimed first if nobody has it; an approved action then runs once.

    What an edit changes is shown, and on a terminal asked about, before it is recorded.

    **Examples**

    - `handrail tickets decide 0197f… approve --as fay --people people.yaml`
    - `handrail tickets decide 0197f… edit --set amount=590 --message "590 USD is on its way" --as fay`
    - `handrail tickets decide 0197f… answer --answer "Yes, until Friday." --as sam`
    """
    from handrail.guard.resolve import DecidedBy
    from handrail.guard.resolve import resolve as record
    from handrail.policy import load
    from handrail.tickets.lifecycle import State
    from handrail.tickets.resolution import Resolution
    from handrail.tickets.ticket import Verdict

    if verdict not in list(Verdict):
        raise ConfigError(f"no verdict {verdict!r}; there are {', '.join(Verdict)}")
    resolution = Resolution(
        verdict=Verdict(verdict),
        reason_code=reason,
        note=note,
        message_to_user=message,
        message_to_agent=to_agent,
        answer=answer,
        changes=dict(_pair(text) for text in changes or ()),
        opened_at=datetime.now(UTC),
    )
    actor = actor_of(person, policy, people)
    with opened(store) as found:
        for change in found.preview(tenant, ticket, resolution):
            typer.echo(change)
        if preview:
            return
        if not yes and sys.stdin.isatty():
            typer.confirm(f"{verdict} {ticket}?", abort=True)
        view = record(found, tenant, ticket, resolution, DecidedBy(actor=actor, policy=load(policy)))
    waits = f"; {', '.join(view.waiting_for)} must agree too" if view.state is State.READY else ""
    typer.echo(f"{ticket} is {view.state}{waits}")


def _pair(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise ConfigError(f"write --set name=value, not {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


@commands.command()
def withdraw(  # noqa: PLR0913 - one parameter per option
    ticket: Annotated[str, typer.Argument(help="Id of the ticket.")],
    person: PersonOption,
    words: Annotated[str, typer.Option(help="What the customer said; it is kept sealed.")] = "",
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
) -> None:
    """End a ticket because its customer withdraws what they asked for.

    An approval that has not begun is taken back. Once its action has begun it is too late: that the customer
    asked is then on record for the people of its roles.

    **Examples**

    - `handrail tickets withdraw 0197f… --words "I keep them after all" --as fay --people people.yaml`
    """
    with opened(store) as found:
        found.withdraw_for(tenant, ticket, actor_of(person, policy, people), words=words)
    typer.echo(f"{ticket} is withdrawn")


@commands.command()
def link(  # noqa: PLR0913 - one parameter per option
    ticket: Annotated[str, typer.Argument(help="Id of the ticket that is the duplicate.")],
    person: PersonOption,
    of: Annotated[str, typer.Option(help="Id of the ticket whose decision counts for both.")],
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
) -> None:
    """Say that a ticket is the duplicate of another one of the same customer.

    One decision then counts for both, and the action of the other ticket is the only one that can run.
    `handrail tickets show` lists what else a customer waits for.

    **Examples**

    - `handrail tickets link 0198a… --of 0197f… --as fay --people people.yaml`
    """
    with opened(store) as found:
        view = found.link(tenant, ticket, of=of, actor=actor_of(person, policy, people))
    typer.echo(f"{ticket} is a duplicate of {view.duplicate_of}")


@commands.command()
def schema() -> None:
    """Print the JSON Schema of a ticket.

    **Examples**

    - `handrail tickets schema > ticket.schema.json`
    """
    from handrail.tickets.ticket import schema as ticket_schema

    typer.echo(json.dumps(ticket_schema(), indent=2))


@commands.command()
def reconcile(  # noqa: PLR0913 - one parameter per option
    ticket: Annotated[str, typer.Argument(help="Id of the ticket.")],
    outcome: Annotated[str, typer.Argument(help="done or released: did the action take effect?")],
    person: PersonOption,
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
) -> None:
    """Settle an unknown outcome, once you have looked it up by its idempotency key (ticket-round).

    **Examples**

    - `handrail tickets reconcile 0197f… done --as fay --people people.yaml`
    """
    from handrail.tickets.ports import Settlement

    if outcome not in ("done", "released"):
        raise ConfigError("write done or released")
    with opened(store) as found:
        found.reconcile(tenant, ticket, Settlement(outcome), actor_of(person, policy, people))
    typer.echo(f"{ticket} is settled as {outcome}")
