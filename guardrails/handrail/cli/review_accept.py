"""`handrail review accept`, `due` and `rollback`: a proposal becomes the policy, and is taken back."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handrail.cli.bulk import run_with_progress
from handrail.cli.options import (
    DEFAULT_STORE,
    PersonOption,
    StoreOption,
    TenantOption,
    changed_policy,
    opened,
)
from handrail.errors import ConfigError

if TYPE_CHECKING:
    from handrail.review.changes.proposal import Proposal
    from handrail.store import Actor

PolicyFile = Annotated[
    Path,
    typer.Option(
        "--policy",
        "-p",
        envvar="HANDRAIL_POLICY",
        callback=changed_policy,
        show_default="policy in handrail.toml",
        help="The policy's file, which is changed.",
    ),
]
ProposalId = Annotated[str, typer.Argument(help="Id of the proposal, or its beginning.")]
LogOption = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="An export of the decision log that proves a certified threshold."
    ),
]
PeopleFileOption = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, envvar="HANDRAIL_PEOPLE", help="Who fills which role."),
]


def accept(  # noqa: PLR0913 - one parameter per option
    proposal: ProposalId,
    policy: PolicyFile = Path(),
    person: PersonOption = "",
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the review.")] = Path("review"),
    people: PeopleFileOption = None,
    since: Annotated[str, typer.Option("--from", help="Day from which it counts, e.g. 2026-12-01.")] = "",
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    log: LogOption = None,
) -> None:
    """Accept a proposed change: write the policy, with a line in its changelog.

    A policy with `enforced_by:` needs two members of that role: both run this command. With a store the
    version is put in force there as well, as `handrail policy enforce` does, so that every program takes it;
    where another version is in force there, nothing is written. A change of a later day is in force from then
    on; `handrail review due` writes it into the file. What lowers a threshold is proved once more, by the
    store or the export that `--log` names, and counts from today on.

    Exit code 0: accepted, or it waits for a second person. 2: it cannot be accepted, and why.

    **Examples**

    - `handrail review accept 1a2b3c4d --policy policy.yaml --as petra`
    - `handrail review accept 1a2b --policy policy.yaml --as petra --people people.yaml --from 2026-12-01`
    """
    from handrail.review.changes.accept import accept as accepted
    from handrail.review.changes.accept_in_force import accept_in_force
    from handrail.review.changes.promise import NOTHING_CERTIFIED
    from handrail.review.changes.proposal import FILE, read_proposal

    today = datetime.now(UTC).date()
    day = _day(since) if since else None
    found = _certified_anew(read_proposal(out / FILE, proposal), policy, store, tenant=tenant, log=log)
    if found.rests_on != NOTHING_CERTIFIED and (day or today) > today:
        raise ConfigError(
            "a certified threshold counts from today on: what is proved may end before another day"
        )
    actor = _actor(person, people, policy)
    if actor is not None and _has_store(store):
        with opened(store) as enforcing:
            done = accept_in_force(enforcing, found, policy, actor, effective=day)
    else:
        who = actor.people if actor is not None else None
        done = accepted(found, policy, person, people=who, today=today, effective=day)
    if done.is_written:
        typer.echo(f"{policy} is changed: {done.title}; handrail review rollback {done.id} takes it back")
    else:
        typer.echo(
            f"{done.id} is accepted by {', '.join(done.by)}; waits for {done.waits_for}; "
            f"handrail review due --list shows what waits, handrail review rollback {done.id} withdraws it"
        )


def _certified_anew(
    found: "Proposal", policy: Path, store: str, *, tenant: str, log: Path | None
) -> "Proposal":
    """Return a proposal with what is certified now, where it needs that: a file proves nothing.

    Raises:
        ConfigError: it rests on a certificate, and neither a store nor an export is there to prove it.
    """
    from handrail.bulk.select import selected
    from handrail.review.changes.patches import problems_of
    from handrail.review.changes.promise import NOTHING_CERTIFIED
    from handrail.review.changes.proposal import digest
    from handrail.review.log.log_cases import review_job
    from handrail.review.log.log_rows import rows_of
    from handrail.review.store_review import HISTORY
    from handrail.review.week.weekly_log import certified_now

    bare, text = replace(found, certified=None, certified_slices=()), policy.read_text(encoding="utf-8")
    is_other = found.rests_on == NOTHING_CERTIFIED or digest(text) != found.base
    if is_other or not problems_of(text, found.text, file=str(policy), folder=policy.parent):
        return bare
    now = datetime.now(UTC)
    if log is not None:
        with run_with_progress(review_job(tenant), log, workers=1, engine="processes") as run:
            rows = list(selected(run))
    elif _has_store(store):
        with opened(store) as held:
            rows = list(rows_of(held.entries(tenant, now - HISTORY, now), tenant))
    else:
        raise ConfigError(
            f"{found.id} rests on a certified threshold: name the store (--store) or the export (--log) that "
            "proves it"
        )
    proved = certified_now(rows, str(policy), now)
    whole = None if math.isinf(proved.whole) else proved.whole
    return replace(found, certified=whole, certified_slices=proved.slices)


def _actor(person: str, people: Path | None, policy: Path) -> "Actor | None":
    """Return who acts by the people file, None without one."""
    from handrail.policy import load, load_people
    from handrail.store import Actor

    if not person:
        raise ConfigError("say who you are: --as, HANDRAIL_PERSON, or person in handrail.toml")
    if people is None:
        return None
    return Actor(person=person, people=load_people(people, load(policy)), now=datetime.now(UTC))


def _has_store(url: str) -> bool:
    """Tell whether a store is meant: one that is named, or that lies where a store lies by default."""
    from handrail.store.database import file_of, parse_url

    file = file_of(parse_url(url))
    return url != DEFAULT_STORE or (file is not None and file.exists())


def due(
    policy: PolicyFile = Path(),
    only_list: Annotated[
        bool, typer.Option("--list", help="Only list the accepted changes that wait; write nothing.")
    ] = False,
) -> None:
    """Write accepted changes whose day has come, and list those that wait for theirs or for a second person.

    **Examples**

    - `handrail review due --policy policy.yaml`
    - `handrail review due --policy policy.yaml --list`
    """
    from handrail.review.changes.accept import write_due
    from handrail.review.changes.kept_change import waiting_changes

    written = () if only_list else write_due(policy, today=datetime.now(UTC).date())
    for one in written:
        typer.echo(f"{policy} is changed: {one.id} {one.title}")
    if not written and not only_list:
        typer.echo(f"no accepted change of {policy} is due")
    waiting = waiting_changes(policy)
    for one in waiting:
        second = "" if one.is_agreed else "; waits for a second person"
        typer.echo(f"{one.id}  from {one.effective} on  {one.title}; accepted by {', '.join(one.by)}{second}")
    if only_list and not waiting:
        typer.echo(f"no accepted change of {policy} waits")


def rollback(
    proposal: ProposalId,
    policy: PolicyFile = Path(),
    person: PersonOption = "",
    people: PeopleFileOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Take an accepted change back: put the text before in place, or withdraw a change that waits.

    A change that two people of `enforced_by:` accepted needs two members of that role again: both run this
    command. What is withdrawn before its day never counts, in the store neither.

    **Examples**

    - `handrail review rollback 1a2b3c4d --policy policy.yaml --as petra --people people.yaml`
    """
    from handrail.review.changes.accept_in_force import roll_back_in_force
    from handrail.review.changes.take_back import take_back

    actor = _actor(person, people, policy)
    if actor is not None and _has_store(store):
        with opened(store) as enforcing:
            done = roll_back_in_force(enforcing, policy, proposal, actor)
    else:
        who, today = actor.people if actor is not None else None, datetime.now(UTC).date()
        done = take_back(policy, proposal, person, people=who, today=today)
    if not done.is_done:
        said = ", ".join(done.by)
        typer.echo(f"{said} takes {done.id} back ({done.title}); waits for another one of the same role")
    elif done.was_written:
        typer.echo(f"{policy} is as it was before: {done.title}")
    else:
        typer.echo(f"{done.id} is withdrawn and will not count: {done.title}; {policy} stays as it is")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"not a day: {text!r}; write 2026-12-01") from None
