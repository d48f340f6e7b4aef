"""`handrail export`: people's decisions as fine-tuning, preference and evaluation data."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handrail.cli.options import DEFAULT_STORE, StoreOption, TenantOption, opened
from handrail.errors import ConfigError

if TYPE_CHECKING:
    from handrail.review.training.export import Consent, TrainingSet

HELP = """Export people's decisions as data for training and tests.

**Examples**

- `handrail export sft --consent "Terms v3, section 4" --consent-date 2026-05-01`
- `handrail export eval --consents consents.csv --out data`
"""
commands = typer.Typer(no_args_is_help=True, help=HELP)

OutOption = Annotated[Path, typer.Option("--out", "-o", file_okay=False, help="Folder for the files.")]
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
DateOption = Annotated[str, typer.Option("--consent-date", help="Since when, e.g. 2026-05-01.")]
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
        from handrail.review.training.export import as_trl

        made, card = _made(
            form, store, tenant, (since, until), policy, _consent(consent, consent_date, consents)
        )
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
        for path in paths:
            typer.echo(str(path))

    export.__doc__ = (
        f"{about}\n\n"
        "Only tickets with a consent that has a source and a date; scanned and masked once more, nothing is\n"
        "written when a value survives that. Copies are left out, each conversation is on one side of\n"
        "the split, and a data card lies beside.\n\n"
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
    consent: "Callable[[str], Consent | None]",
) -> "tuple[TrainingSet, str]":
    from handrail.cli.review import moment_of, scanner_of_policy
    from handrail.review.log.cases import Collector, ReviewPeriod
    from handrail.review.log.log_rows import rows_of
    from handrail.review.training.export import FindingSurvives, Form, data_card, training_set

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
            consent=consent,
            conversation=lambda ticket: conversations.get(ticket, ""),
        )
    except FindingSurvives as error:
        raise ConfigError(str(error)) from None
    policies = sorted({case.policy for case in cases if case.policy})
    return made, data_card(made, period=str(period), policies=policies)


def _consent(source: str, given: str, file: Path | None) -> "Callable[[str], Consent | None]":
    from handrail.review.training.export import Consent

    if not source and file is None:
        raise ConfigError("say who consented: --consent with --consent-date, or --consents FILE")
    if source and not given:
        raise ConfigError("a consent has a date: --consent-date 2026-05-01")
    for_all = Consent(source=source, given=_day(given)) if source else None
    single: dict[str, Consent] = {}
    if file is not None:
        with file.open(encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines), start=2):
                if not (row.get("ticket") and row.get("source") and row.get("date")):
                    raise ConfigError(f"{file}:{number}: ticket, source and date are needed")
                single[row["ticket"]] = Consent(source=row["source"], given=_day(row["date"]))
    return lambda ticket: single.get(ticket, for_all)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError("not a day; write 2026-05-01") from None
