"""`handrail review accept`, `due` and `rollback`: a proposal becomes the policy, and is taken back."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from handrail.errors import ConfigError

PolicyFile = Annotated[
    Path, typer.Option("--policy", "-p", exists=True, dir_okay=False, help="The policy's file.")
]
ProposalId = Annotated[str, typer.Argument(help="Id of the proposal, or its beginning.")]
Accepting = Annotated[str, typer.Option("--as", help="In whose name.")]


def accept(
    proposal: ProposalId,
    policy: PolicyFile,
    person: Accepting,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the review.")] = Path("review"),
    people: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Who fills which role.")
    ] = None,
    since: Annotated[str, typer.Option("--from", help="Day from which it counts, e.g. 2026-12-01.")] = "",
) -> None:
    """Accept a proposed change: write the policy, with a line in its changelog.

    A policy with `enforced_by:` needs two members of that role: both run this command. A change of a later
    day is written by `handrail review due` once that day has come.

    **Examples**

    - `handrail review accept 1a2b3c4d --policy policy.yaml --as petra --people people.yaml`
    """
    from handrail.policy import load, load_people
    from handrail.review.accept import accept as accepted
    from handrail.review.proposal import FILE, read_proposal

    today = datetime.now(UTC).date()
    done = accepted(
        read_proposal(out / FILE, proposal),
        policy,
        person,
        people=load_people(people, load(policy)) if people is not None else None,
        today=today,
        effective=_day(since) if since else today,
    )
    if done.is_written:
        typer.echo(f"{policy} is changed: {done.title}; handrail review rollback {done.id} takes it back")
    else:
        typer.echo(f"{done.id} is accepted by {', '.join(done.by)}; waits for {done.waits_for}")


def due(policy: PolicyFile) -> None:
    """Write accepted changes whose day has come.

    **Examples**

    - `handrail review due --policy policy.yaml`
    """
    from handrail.review.accept import write_due

    for name in write_due(policy, today=datetime.now(UTC).date()):
        typer.echo(f"{policy} is changed: {name}")


def rollback(proposal: ProposalId, policy: PolicyFile, person: Accepting) -> None:
    """Put back the text that an accepted change replaced.

    **Examples**

    - `handrail review rollback 1a2b3c4d --policy policy.yaml --as petra`
    """
    from handrail.review.accept import roll_back

    title = roll_back(policy, proposal, person, today=datetime.now(UTC).date())
    typer.echo(f"{policy} is as it was before: {title}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"not a day: {text!r}; write 2026-12-01") from None
