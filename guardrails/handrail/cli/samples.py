"""`handrail samples`: the passed answers that people check, so that errors nobody reported are seen too."""

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from handrail.cli.bulk import run_with_progress
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
)
from handrail.errors import ConfigError

if TYPE_CHECKING:
    from handrail.store.samples import SampleRow
    from handrail.tickets.samples import SampleText

Code = TypeVar("Code", bound=StrEnum)

commands = typer.Typer(no_args_is_help=True, help="Check passed answers that were drawn for review.")

ExchangeArgument = Annotated[str, typer.Argument(help="Id of the exchange.")]


@commands.command(name="list")
def list_(
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    judged: Annotated[bool, typer.Option("--judged", help="Those that were judged.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    log: Annotated[
        Path | None, typer.Option(help="An export of the decision log, in place of a store.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List answers that wait to be checked, oldest first.

    An export tells of answers by the keyed hash of their exchange, and holds nobody's words.

    **Examples**

    - `handrail samples list --store sqlite:///handrail.db`
    - `handrail samples list --judged --log november.parquet --json`
    """
    if log is not None:
        _list_of(log, tenant, judged=judged, limit=limit, as_json=as_json)
        return
    from handrail.store.samples import labels_of, waiting

    with opened(store) as found:
        rows = waiting(found, tenant, limit=limit, judged=judged)
        labels = labels_of(found, tenant, rows)
    if as_json:
        typer.echo(json.dumps([{**_data(row), "labels": labels.get(row.exchange, {})} for row in rows]))
        return
    for row in rows:
        verdict = f"  {row.verdict} by {row.judged_by}" if row.verdict else f"  for {' or '.join(row.roles)}"
        said = "".join(f"  {name} {value}" for name, value in labels.get(row.exchange, {}).items())
        typer.echo(f"{row.exchange}  {row.at:%Y-%m-%d %H:%M}  {row.model or '-'}{verdict}{said}")
    if not rows:
        typer.echo("no answer was judged" if judged else "no answer waits to be checked")


def _list_of(log: Path, tenant: str, *, judged: bool, limit: int, as_json: bool) -> None:
    from handrail.review.calibration.decision_log import answers_job, drawn_answers

    with run_with_progress(answers_job(tenant), log) as found:
        drawn = [one for one in drawn_answers(found.rows(), tenant) if bool(one.verdict) is judged][:limit]
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in drawn]))
        return
    for one in drawn:
        said = "".join(f"  {name} {value}" for name, value in one.labels.items())
        typer.echo(f"{one.exchange}  {one.at}  {one.model or '-'}  {one.verdict}{said}".rstrip())
    if not drawn:
        typer.echo("no answer was judged" if judged else "no answer waits to be checked")


@commands.command()
def show(  # noqa: PLR0913 - one parameter per option
    exchange: ExchangeArgument,
    person: PersonOption,
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    unmask: Annotated[bool, typer.Option("--unmask", help="Show masked texts; this is recorded.")] = False,
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
    as_json: JsonOption = False,
) -> None:
    """Show the conversation and the answer that was given; who looked is recorded.

    **Examples**

    - `handrail samples show 0197f… --as quinn --policy support --people people.yaml`
    """
    from handrail.store.samples import show as shown

    with opened(store) as found:
        row, words = shown(found, tenant, exchange, actor_of(person, policy, people), unmask=unmask)
    if as_json:
        held = words.model_dump(mode="json") if words is not None else None
        typer.echo(json.dumps({**_data(row), "words": held}))
        return
    for line in told(row, words):
        typer.echo(line)


@commands.command()
def judge(  # noqa: PLR0913 - one parameter per option
    exchange: ExchangeArgument,
    verdict: Annotated[str, typer.Argument(help="right or wrong; what cannot be told is wrong.")],
    person: PersonOption,
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    policy: PolicyOption = "support",
    people: PeopleOption = DEFAULT_PEOPLE,
    cause: Annotated[
        str, typer.Option(help="fact, misunderstood, incomplete, tone, data, action or other.")
    ] = "",
    fix: Annotated[str, typer.Option(help="prompt, policy, tool, knowledge, model, people or nothing.")] = "",
    hand_off: Annotated[
        bool | None, typer.Option("--hand-off/--no-hand-off", help="It should have gone to a person.")
    ] = None,
) -> None:
    """Say whether an answer was right, why not, and what would have to change; once.

    Calibrations are made from the verdict. Cause, hand-off and fix are labels for the review.

    **Examples**

    - `handrail samples judge 0197f… right --as quinn --people people.yaml`
    - `handrail samples judge 0197f… wrong --as quinn --cause fact --fix knowledge --hand-off`
    """
    from handrail.store.samples import judge as judged
    from handrail.tickets.samples import FixTarget, SampleCause, SampleLabels, SampleVerdict

    said = _one_of(SampleVerdict, verdict, "verdict")
    labels = SampleLabels(
        cause=_one_of(SampleCause, cause, "cause") if cause else None,
        should_have_been_handed_off=hand_off,
        fix=_one_of(FixTarget, fix, "fix") if fix else None,
    )
    with opened(store) as found:
        judged(found, tenant, exchange, said, actor_of(person, policy, people), labels)
    typer.echo(f"{exchange} was {verdict}")


def _one_of(kind: type[Code], value: str, what: str) -> Code:
    if value not in list(kind):
        raise ConfigError(f"no {what} {value!r}; there are {', '.join(kind)}")
    return kind(value)


def told(row: "SampleRow", words: "SampleText | None") -> list[str]:
    """Return an answer and what led to it as lines of text."""
    head = f"{row.exchange}  {row.at:%Y-%m-%d %H:%M}  {row.model or '-'}"
    if words is None:
        return [head, "The data subject was erased; nothing of the content is left."]
    lines = [head, ""]
    lines += [f"{line.speaker}: {line.text}{' …' if line.cut else ''}" for line in words.lines]
    lines += [f"proposed: {call}" for call in words.calls]
    return [*lines, f"answer: {words.answer}"]


def _data(row: "SampleRow") -> dict[str, object]:
    return {
        "exchange": row.exchange,
        "at": row.at.isoformat(),
        "model": row.model,
        "roles": list(row.roles),
        "verdict": row.verdict,
        "judged_by": row.judged_by,
        "judged_at": row.judged_at.isoformat() if row.judged_at else None,
    }
