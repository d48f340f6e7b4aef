"""`handrail policy enforce` and `in-force`: two people put a version of a policy in force, from a day on."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from handrail.cli.options import (
    DEFAULT_PEOPLE,
    DEFAULT_STORE,
    JsonOption,
    PeopleOption,
    PersonOption,
    StoreOption,
    opened,
)
from handrail.errors import ConfigError, PolicyNotInForce


def enforce(
    policy: Annotated[str, typer.Argument(help="The policy file.")],
    person: PersonOption,
    since: Annotated[
        datetime | None, typer.Option("--from", help="From when on (UTC); by default at once.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    people: PeopleOption = DEFAULT_PEOPLE,
) -> None:
    """Put a version of a policy in force: one person proposes it, another one of the role agrees.

    Both run this command with the same file. The role is `enforced_by` of the policy that is in force, at
    first that of the file. Programs with this store then take no other version; until the day comes they keep
    the one before.

    **Examples**

    - `handrail policy enforce policy.yaml --from 2026-12-01 --as petra --people people.yaml`
    """
    from handrail.guard.opening import text_results
    from handrail.guard.text_cases import refuse_failing_texts
    from handrail.policy import load_people, loads
    from handrail.policy.file.read import read_source
    from handrail.store import Actor
    from handrail.store.policies import Enforcement, in_force

    path, source = read_source(policy)
    loaded = loads(source, file=str(path), folder=path.parent)
    refuse_failing_texts(text_results(loaded))
    now = datetime.now(UTC)
    with opened(store) as found:
        held = in_force(found.policy_changes(loaded.ref.name), now)
        ruling = loads(held.source, file="in force", folder=path.parent) if held is not None else loaded
        if ruling.enforced_by is None:
            raise PolicyNotInForce(loaded.ref.name, "no `enforced_by:` says whose two people put it in force")
        if held is not None and loaded.enforced_by is None:
            raise PolicyNotInForce(loaded.ref.name, "this version lacks `enforced_by:`")
        wanted = Enforcement(
            ref=loaded.ref,
            source=source,
            role=ruling.enforced_by,
            effective_from=since.replace(tzinfo=UTC) if since is not None else None,
        )
        load_people(people, loaded)
        actor = Actor(person=person, people=load_people(people, ruling), now=now)
        change = found.enforce_policy(wanted, actor)
    version = f"{loaded.ref.name} {loaded.ref.version}"
    if change.since is None:
        typer.echo(f"{version} is proposed; another one of {wanted.role} must agree")
    else:
        typer.echo(f"{version} is in force from {change.since:%Y-%m-%d %H:%M %Z} on")


def show_in_force(
    name: Annotated[str, typer.Argument(help="The policy's name, as `policy:` in the file says.")],
    store: StoreOption = DEFAULT_STORE,
    source: Annotated[bool, typer.Option("--source", help="Print the file that is in force.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the versions of a policy that people proposed or put in force.

    **Examples**

    - `handrail policy in-force shop`
    - `handrail policy in-force shop --source > policy.yaml`
    """
    from handrail.store.policies import in_force

    now = datetime.now(UTC)
    with opened(store) as found:
        changes = found.policy_changes(name)
    held = in_force(changes, now)
    if source:
        if held is None:
            raise ConfigError(f"nobody put a version of {name} in force")
        typer.echo(held.source, nl=False)
        return
    rows = [
        {
            "sha256": one.sha256,
            "by": list(one.by),
            "from": one.effective_from.isoformat(),
            "in_force_since": one.since.isoformat() if one.since else None,
            "is_withdrawn": one.is_withdrawn,
            "is_in_force": held is not None and one.id == held.id,
        }
        for one in changes
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for one in changes:
        state = "proposed" if one.since is None else f"from {one.since:%Y-%m-%d %H:%M %Z}"
        if one.is_withdrawn:
            state = f"withdrawn by {', '.join(one.withdrawn_by)}"
        mark = "  in force" if held is not None and one.id == held.id else ""
        typer.echo(f"{one.sha256[:12]}  {', '.join(one.by)}  {state}{mark}")
    if not changes:
        typer.echo(f"nobody proposed a version of {name}: programs take the one they are given")
