"""`handrail signals`: heads fitted to own words. They count only once a policy names their file."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handrail.cli.options import text_of

if TYPE_CHECKING:
    from handrail.review.calibration.own_heads import Adapted

commands = typer.Typer(no_args_is_help=True, help="Train signals and topics on texts of your own.")


@commands.callback()
def _group() -> None:
    """Train signals and topics on texts of your own."""


@commands.command("train")
def train(
    source: Annotated[
        Path, typer.Option("--from", help='JSON Lines: {"text": …, "labels": ["complaint", …]}.')
    ],
    out: Annotated[Path, typer.Option(help="Where to write the heads.")] = Path("signals.json.gz"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,
) -> None:
    """Fit the shipped heads to labelled texts of your own, and say what that changes on texts held out.

    The file changes nothing by itself: a policy uses it once it says `signals_model: signals.json.gz`. The
    texts stay out of it, but for words that at least two of them share.

    Exit code 0: heads were written; 2: the texts cannot be used.

    **Examples**

    - `handrail signals train --from tickets.jsonl`
    - `handrail signals train --from tickets.jsonl --out shop.json.gz --json`
    """
    from handrail.review.calibration.heads import packed
    from handrail.review.calibration.own_heads import adapt, read_rows
    from handrail.signals.heads import shipped

    heads = shipped()
    adapted = adapt(read_rows(text_of(source), heads.names, source=source.name), heads)
    out.write_bytes(packed(adapted.heads))
    if as_json:
        typer.echo(json.dumps(_as_data(adapted)))
        return
    typer.echo(f"{adapted.trained} texts taught, {adapted.held_out} held out")
    typer.echo(f"{'':<16}{'of':>4}  {'heard before':>12}{'after':>7}  {'false before':>13}{'after':>7}")
    for name, before in adapted.before.items():
        after = adapted.after[name]
        if before.positives or before.false or after.false:
            typer.echo(
                f"{name:<16}{before.positives:>4}  {before.hits:>12}{after.hits:>7}"
                f"  {before.false:>13}{after.false:>7}"
            )
    typer.echo(f"{out} is written; a policy that says `signals_model: {out.name}` uses it.")


def _as_data(adapted: "Adapted") -> dict[str, object]:
    return {
        "trained": adapted.trained,
        "held_out": adapted.held_out,
        "heads": {
            name: {
                "positives": before.positives,
                "negatives": before.negatives,
                "hits": [before.hits, adapted.after[name].hits],
                "false": [before.false, adapted.after[name].false],
            }
            for name, before in adapted.before.items()
        },
    }
