"""`handrail export`: people's decisions as fine-tuning, preference and evaluation data."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handrail.cli.options import DEFAULT_STORE, StoreOption, TenantOption, opened
from handrail.errors import ConfigError

if TYPE_CHECKING:
    from handrail.review.training.consents import Consents
    from handrail.review.training.export import TrainingSet

HELP = """Export people's decisions as data for training and tests.

**Examples**

- `handrail export sft --consent "Terms v3, section 4" --consent-date 2026-05-01`
- `handrail export eval --consents consents.csv --out data`
"""
commands = typer.Typer(no_args_is_help=True, help=HELP)

OutOption = Annotated[Path, typer.Option("--out", "-o", file_okay=False, help="Folder for the files.")]
MOST_NAMED = 5
SHAPES = ("openai", "trl")
ShapeOption = Annotated[
    str, typer.Option(help="openai, or trl: pairs as TRL's DPO trainer reads them (chats are alike in both).")
]
SinceOption = Annotated[str, typer.Option(help="First moment, e.g. 2026-01-05; by default all.")]
UntilOption = Annotated[str, typer.Option(help="Moment after the last one; by default now.")]
PolicyName = Annotated[
    str, typer.Option("--policy", "-p", help="Policy whose own entities are masked as well.")
]
ConsentOption = Annotated[
    str,
    typer.Option("--consent", help="Where it is said that these conversations may be used, for all of them."),
]
DateOption = Annotated[
    str, typer.Option("--consent-date", help="Since when, e.g. 2026-05-01; tickets opened before stay out.")
]
ConsentsOption = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="A CSV with ticket, source and date, for single tickets."),
]


def _exporter(form: str, about: str) -> Callable[..., None]:
    def export(  # noqa: PLR0913 - one parameter per option
        store: StoreOption = DEFAULT_STORE,
        tenant: TenantOption = "default",
        since: SinceOption = "",
        until: UntilOption = "",
        policy: PolicyName = "",
        consent: ConsentOption = "",
        consent_date: DateOption = "",
        consents: ConsentsOption = None,
        shape: ShapeOption = "openai",
        out: OutOption = Path("export"),
    ) -> None:
        if shape not in SHAPES or (shape == "trl" and form == "eval"):
            raise ConfigError(f"no shape {shape!r} for {form}; write {' or '.join(SHAPES)}")
        from handrail.review.training.consents import read_consents
        from handrail.review.training.export import as_trl

        said = read_consents(consent, consent_date, consents, today=datetime.now(UTC).date())
        made, card, unknown = _made(form, store, tenant, (since, until), policy, said)
        out.mkdir(parents=True, exist_ok=True)
        paths = [out / f"{form}.card.md"]
        paths[0].write_text(card, encoding="utf-8")
        for split in ("train", "test"):
            path = out / f"{form}.{split}.jsonl"
            shaped = as_trl if shape == "trl" and form == "preference" else dict
            lines = (json.dumps(shaped(one.data), ensure_ascii=False) for one in made.of(split))
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            paths.append(path)
        left = ", ".join(f"{count} {why}" for why, count in sorted(made.left_out.items()))
        typer.echo(f"{len(made.examples)} examples{f'; left out: {left}' if left else ''}")
        if unknown:
            named = ", ".join(unknown[:MOST_NAMED]) + (", …" if len(unknown) > MOST_NAMED else "")
            typer.echo(f"{consents}: no such ticket in this store and period: {named} ({len(unknown)})")
        for path in paths:
            typer.echo(str(path))

    export.__doc__ = (
        f"{about}\n\n"
        "Only tickets with a consent that has a source and a date that does not lie ahead: one for all\n"
        "counts for tickets opened from its day on, one of the CSV for its ticket. Texts are scanned and\n"
        "masked once more, nothing is written when a value survives that. Copies are left out, each\n"
        "conversation is on one side of the split, and a data card lies beside.\n\n"
        "**Examples**\n\n"
        f'- `handrail export {form} --consent "Terms v3, section 4" --consent-date 2026-05-01`\n'
        f"- `handrail export {form} --consents consents.csv --since 2026-09-01 --out data`\n"
    )
    return export


for _form, _about in (
    ("sft", "Write what people approved, edited or answered in OpenAI's fine-tuning chat format."),
    ("preference", "Write what people put in place of what was proposed as pairs (OpenAI's format for DPO)."),
    ("eval", "Write what people decided as samples that Inspect reads, also what must not come."),
):
    commands.command(_form)(_exporter(_form, _about))


def _made(
    form: str,
    store: str,
    tenant: str,
    span: tuple[str, str],
    policy: str,
    consents: "Consents",
) -> "tuple[TrainingSet, str, tuple[str, ...]]":
    from handrail.cli.review import moment_of, scanner_of_policy
    from handrail.review.log.cases import Collector, ReviewPeriod
    from handrail.review.log.log_rows import rows_of
    from handrail.review.training.data_card import data_card
    from handrail.review.training.export import FindingSurvives, Form, training_set

    since = moment_of(span[0]) if span[0] else datetime(2000, 1, 1, tzinfo=UTC)
    period = ReviewPeriod(since=since, until=moment_of(span[1]) if span[1] else datetime.now(UTC))
    scanner = scanner_of_policy(policy)
    with opened(store) as found:
        cases = list(Collector(source=found, tenant=tenant, scanner=scanner).cases(period))
        rows = rows_of(found.export(period.since), tenant)
    conversations = {row.ticket or row.exchange: row.conversation for row in rows if row.conversation}
    try:
        made = training_set(
            cases,
            Form(form),
            scanner,
            consent=consents.of,
            conversation=lambda ticket: conversations.get(ticket, ""),
        )
    except FindingSurvives as error:
        raise ConfigError(str(error)) from None
    policies = sorted({case.policy for case in cases if case.policy})
    unknown = consents.unknown(case.id for case in cases)
    if not span[0] and cases:
        # Nobody said when it begins: the first ticket does.
        period = ReviewPeriod(since=min(case.created_at for case in cases), until=period.until)
    return made, data_card(made, period=str(period), policies=policies), unknown
