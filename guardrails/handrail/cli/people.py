"""`handrail people`: who fills which role, who is away, and what people who left have still claimed."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from handrail.cli.options import (
    DEFAULT_PEOPLE,
    DEFAULT_STORE,
    JsonOption,
    PeopleOption,
    PolicyOption,
    StoreOption,
    opened,
    who,
)

if TYPE_CHECKING:
    from handrail.policy import People

commands = typer.Typer(
    no_args_is_help=True, help="Show who fills which role and who is away; free what others claimed."
)


@commands.command(name="list")
def list_(
    policy: PolicyOption = "support", people: PeopleOption = DEFAULT_PEOPLE, as_json: JsonOption = False
) -> None:
    """List people with their roles, absences and delegates; a file that cannot be used is said to be none.

    Exit code 0: the file can be used. 2: it cannot.

    **Examples**

    - `handrail people list --policy support --people people.yaml`
    """
    found = _loaded(policy, people)
    now = datetime.now(UTC)
    rows = []
    for person in sorted(set().union(*found.roles.values(), found.details)):
        until = found.away_until(person, now)
        row: dict[str, Any] = {
            "person": person,
            "roles": sorted(found.roles_of(person)),
            "away_until": str(until) if until else None,
            "acts_for": sorted(found.acts_for(person, now, now)),
        }
        rows.append(row)
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        away = f"  away until {row['away_until']}" if row["away_until"] else ""
        acts = f"  acts for {', '.join(row['acts_for'])}" if row["acts_for"] else ""
        typer.echo(f"{row['person']}  {', '.join(row['roles']) or 'no role'}{away}{acts}")


@commands.command()
def release(
    store: StoreOption = DEFAULT_STORE,
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
) -> None:
    """Give back to their roles what people have claimed who left or are away.

    A desk with `--people` does the same every second, and whoever claims such a ticket gets it at once.

    **Examples**

    - `handrail people release --policy support --people people.yaml`
    """
    found = _loaded(policy, people)
    with opened(store) as opened_store:
        for ticket in opened_store.drop_claims(found, now=datetime.now(UTC), by=who()):
            typer.echo(f"{ticket} is ready again")


def _loaded(policy: str, people: PeopleOption) -> "People":
    from handrail.policy import load, load_people

    return load_people(people, load(policy))
