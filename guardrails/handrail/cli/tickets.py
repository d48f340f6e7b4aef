"""`handrail tickets`: list, show, claim and decide tickets from a terminal."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

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
    opened,
    serving,
    who,
)
from handrail.cli.own_answer import own_answer
from handrail.cli.part_options import Words, proposal_of
from handrail.cli.ticket_text import (
    decided,
    elsewhere,
    later,
    listed,
    local,
    past,
    previewed,
    together,
    told,
    tried,
)
from handrail.errors import ConfigError
from handrail.text.suggest import near

if TYPE_CHECKING:
    from handrail.service import Preview
    from handrail.tickets.resolution import TicketRow

EVERY_FIELD = (
    "customer",
    "conversation",
    "arguments",
    "draft_answer",
    "shown",
    "lines",
    "tried",
    "values",
    "parts",
)
commands = typer.Typer(no_args_is_help=True, help="List, show, claim and decide tickets.")
commands.command(name="own-answer")(own_answer)


@commands.command(name="list")
def list_(  # noqa: PLR0913 - one parameter per option
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    role: Annotated[str | None, typer.Option(help="Only tickets of this role.")] = None,
    state: Annotated[str | None, typer.Option(help="Only this state; by default what is open.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only what this rule stopped.")] = None,
    tool: Annotated[str | None, typer.Option(help="Only what proposes this tool.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    policy: PolicyOption = "support",
    ids: Annotated[bool, typer.Option("--ids", help="Print ids alone, nothing where there is none.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List tickets, those of unknown outcome first, then the open ones, soonest due first.

    **Examples**

    - `handrail tickets list --role finance_lead`
    - `handrail tickets list --customer anna@example.org --state applied`
    - `handrail tickets list --role finance_lead --ids --limit 1`
    """
    from handrail.service.overseeing import Overseeing
    from handrail.store import Filter
    from handrail.tickets.lifecycle import State

    if state is not None and state not in list(State):
        raise ConfigError(f"no state {state!r}; there are {', '.join(State)}")
    wanted = Filter(
        role=role,
        state=State(state) if state else None,
        rule=rule,
        tool=tool,
        customer=customer,
        limit=limit,
    )
    with opened(store) as found:
        tickets = Overseeing(found, tenant)
        page = tickets.page(wanted)
        rows = list(page.rows)
        if state is None:
            unknown = tickets.page(replace(wanted, state=State.OUTCOME_UNKNOWN)).rows
            rows = [*unknown, *rows][:limit]
        if not rows:
            busy = {row.role for row in tickets.page(replace(wanted, role=None, customer=None)).rows}
            _check_names(role, customer, policy, busy)
    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps({"tickets": [_data(row) for row in rows], "cursor": page.cursor}))
        return
    for row in rows:
        typer.echo(row.id if ids else listed(row, now))
    if not rows:
        typer.echo("No tickets.", err=ids)


def _data(row: "TicketRow") -> dict[str, object]:
    return {
        "id": row.id,
        "reference": row.reference,
        "state": row.state.value,
        "role": row.role,
        "trigger": row.trigger,
        "rule": row.reason_code,
        "tool": row.tool,
        "severity": ("low", "medium", "high")[row.severity],
        "decide_by": row.decide_by.isoformat() if row.decide_by else None,
        "claimed_by": row.claimed_by,
    }


def _check_names(role: str | None, customer: str | None, policy: str, busy: set[str]) -> None:
    """Tell names under which there is no ticket from names that nobody has.

    Raises:
        ConfigError: neither the policy nor any ticket knows the role, or no such ticket is the customer's.
    """
    from handrail.policy import load

    known = busy | (set(load(policy).roles) if role is not None else set())
    if role is not None and role not in known:
        raise ConfigError(
            f"no ticket is for {role!r}, and policy {policy} has no such role{near(role, known)}"
        )
    if customer is not None:
        raise ConfigError("no such ticket is of this customer; write the name that the application uses")


@commands.command()
def show(  # noqa: PLR0913 - one parameter per option
    ticket: Annotated[str, typer.Argument(help="Its reference, or id.")],
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    unmask: Annotated[bool, typer.Option("--unmask", help="Show masked texts; this is recorded.")] = False,
    reason: Annotated[str, typer.Option(help="Why it is unmasked; kept on record.")] = "at_terminal",
    person: PersonOption = "",
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
    as_json: JsonOption = False,
) -> None:
    """Show a ticket: the summary, the action, why, what was said and tried, and its history.

    **Examples**

    - `handrail tickets show HR-7K3F --unmask --as fay --people people.yaml`
    """
    from handrail.service.overseeing import Overseeing, named

    if unmask and not person:
        raise ConfigError("unmasking needs --as: it is recorded who saw what")
    with opened(store) as found:
        tickets, name = Overseeing(found, tenant), named(found, tenant, ticket)
        raw = None
        if person:
            service, reviewer = serving(found, person, tenant, policy, people)
            view = service.screen(reviewer, name).view
            if unmask:
                every = service.unmask(reviewer, name, EVERY_FIELD, reason=reason)
                raw = every.model_dump(mode="json")
        else:
            view = tickets.look(name, by=who())
        history, joined = tickets.history(name), tickets.attempts(name)
        others = tickets.of_same_customer(name)
    if as_json:
        document = {"view": view.model_dump(mode="json"), "unmasked": raw}
        typer.echo(json.dumps(document))
        return
    for line in (*told(view, datetime.now(UTC)), *together(view), *tried(view), *decided(view)):
        typer.echo(line)
    if raw is not None:
        typer.echo(json.dumps(raw, indent=2, ensure_ascii=False))
    for line in (*later(joined), *elsewhere(others), *past(history)):
        typer.echo(line)


@commands.command()
def claim(
    ticket: Annotated[str, typer.Argument(help="Its reference, or id.")],
    person: PersonOption = "",
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
) -> None:
    """Claim a ticket of one of your roles, so that nobody else works on it.

    **Examples**

    - `handrail tickets claim HR-7K3F --as fay --people people.yaml`
    """
    with opened(store) as found:
        service, reviewer = serving(found, person, tenant, policy, people)
        receipt = service.claim(reviewer, ticket)
    typer.echo(f"{ticket} is yours until {local(receipt.until)}" if receipt.until else f"{ticket} is yours")


@commands.command(name="next")
def next_(
    person: PersonOption = "",
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
) -> None:
    """Claim the ticket of your roles that is due soonest and that nobody has.

    **Examples**

    - `handrail tickets next --as fay --people people.yaml`
    """
    with opened(store) as found:
        service, reviewer = serving(found, person, tenant, policy, people)
        receipt = service.claim_next(reviewer)
    typer.echo(f"{receipt.reference} is yours" if receipt is not None else "No tickets.")


@commands.command()
def decide(  # noqa: PLR0913 - one parameter per option
    ticket: Annotated[str, typer.Argument(help="Its reference, or id.")],
    verdict: Annotated[str, typer.Argument(help="approve, edit, reject, answer, revise or part.")],
    person: PersonOption = "",
    changes: Annotated[list[str] | None, typer.Option("--set", help="name=value of an argument.")] = None,
    calls: Annotated[
        list[str] | None, typer.Option("--call", help="For part: call-2=approve, =edit or =reject:CODE.")
    ] = None,
    answer: Annotated[str, typer.Option(help="Text for the customer, for answer and edit.")] = "",
    message: Annotated[str, typer.Option(help="What the customer is told beside it.")] = "",
    to_agent: Annotated[str, typer.Option(help="What the assistant is told.")] = "",
    reason: Annotated[str, typer.Option(help="Reason as a code, e.g. too_much; for reports.")] = "",
    note: Annotated[str, typer.Option(help="Note for colleagues.")] = "",
    readback: Annotated[str, typer.Option(help="The argument that the role wants typed again.")] = "",
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

    - `handrail tickets decide HR-7K3F edit --set amount=590`
    - `handrail tickets decide HR-7K3F-2Q approve --as fay --people people.yaml --yes`
    - `handrail tickets decide HR-7K3F answer --answer "Yes, until Friday." --as sam`
    - `handrail tickets decide HR-7K3F revise --to-agent "Offer a voucher first."`
    - `handrail tickets decide HR-7K3F part --call call-1=approve --call call-2=reject:too_much`
    """
    from handrail.tickets.lifecycle import State

    words = Words(note=note, message_to_user=message, message_to_agent=to_agent, answer=answer)
    proposal = proposal_of(verdict, changes or (), calls or (), reason, words)
    with opened(store) as found:
        service, reviewer = serving(found, person, tenant, policy, people)
        shown = service.preview(reviewer, ticket, proposal)
        for line in previewed(shown):
            typer.echo(line)
        if preview:
            return
        if not yes and sys.stdin.isatty():
            typer.confirm(f"{verdict} {ticket}?", abort=True)
        seen = replace(
            proposal,
            readback=readback or _typed_again(shown),
            digest=shown.digest,
            version=shown.version,
            previewed=shown.token,
        )
        receipt = service.decide(reviewer, ticket, seen, must_be_previewed=True)
    waits = f"; {', '.join(receipt.waits_for)} must agree too" if receipt.state is State.READY else ""
    typer.echo(f"{ticket} is {receipt.state}{waits}")


def _typed_again(shown: "Preview") -> str:
    if not shown.readback or not sys.stdin.isatty():
        return ""
    calls = shown.readback_of
    each = f" of {', '.join(calls)}, with commas between" if len(calls) > 1 else ""
    return str(typer.prompt(f"Type {shown.readback}{each} again, as it will run"))


@commands.command()
def withdraw(  # noqa: PLR0913 - one parameter per option
    ticket: Annotated[str, typer.Argument(help="Its reference, or id.")],
    person: PersonOption = "",
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

    - `handrail tickets withdraw HR-7K3F --words "I keep them after all" --as fay --people people.yaml`
    """
    with opened(store) as found:
        service, reviewer = serving(found, person, tenant, policy, people)
        service.withdraw(reviewer, ticket, words=words)
    typer.echo(f"{ticket} is withdrawn")


@commands.command()
def link(  # noqa: PLR0913 - one parameter per option
    ticket: Annotated[str, typer.Argument(help="Id of the ticket that is the duplicate.")],
    of: Annotated[str, typer.Option(help="Reference or id of the ticket whose decision counts for both.")],
    person: PersonOption = "",
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
) -> None:
    """Say that a ticket is the duplicate of another one of the same customer.

    One decision then counts for both, and the action of the other ticket is the only one that can run.
    `handrail tickets show` lists what else a customer waits for.

    **Examples**

    - `handrail tickets link HR-9MPA --of HR-7K3F --as fay --people people.yaml`
    """
    with opened(store) as found:
        service, reviewer = serving(found, person, tenant, policy, people)
        service.link(reviewer, ticket, of=of)
    typer.echo(f"{ticket} is a duplicate of {of}")


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
    ticket: Annotated[str, typer.Argument(help="Its reference, or id.")],
    outcome: Annotated[str, typer.Argument(help="done or released: did the action take effect?")],
    person: PersonOption = "",
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
) -> None:
    """Settle an unknown outcome, once you have looked it up by its idempotency key (ticket-round).

    **Examples**

    - `handrail tickets reconcile HR-7K3F done --as fay --people people.yaml`
    """
    from handrail.tickets.ports import Settlement

    if outcome not in ("done", "released"):
        raise ConfigError("write done or released")
    with opened(store) as found:
        service, reviewer = serving(found, person, tenant, policy, people)
        service.reconcile(reviewer, ticket, Settlement(outcome))
    typer.echo(f"{ticket} is settled as {outcome}")
