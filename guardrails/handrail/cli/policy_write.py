"""`handrail policy new`, `copy`, `upgrade`: from a table, a shipped one, an old one in today's form."""

from pathlib import Path
from typing import Annotated

import typer

from handrail.cli.options import file_to_change, text_of

TableOption = Annotated[
    Path, typer.Option("--from", help="A CSV with situation, limit, role, because, example.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Where to write it; printed if left out.")
]


def new(
    table: TableOption,
    out: OutOption = None,
    name: Annotated[str, typer.Option(help="The policy's name; the table's if left out.")] = "",
) -> None:
    """Make a policy with its tests from a table of situations. What was guessed is marked `check:`.

    Exit code 2: the table cannot be read, or the file to write exists.

    **Examples**

    - `handrail policy new --from situations.csv --out support.yaml`
    """
    from handrail.errors import ConfigError
    from handrail.policy.tools.skeleton import read_table, skeleton

    if out is not None and out.exists():
        raise typer.BadParameter(f"{out} exists already", param_hint="--out")
    try:
        text = skeleton(read_table(text_of(table)), name=name or table.stem)
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="--from") from None
    if out is None:
        typer.echo(text, nl=False)
        return
    out.write_text(text, encoding="utf-8")
    typer.echo(f"wrote {out}; next: handrail policy check {out}")


def copy(
    name: Annotated[str, typer.Argument(help="Name of a policy that comes with handrail.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to write it.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a shipped policy into a file of your own, to change it and to accept what a review proposes.

    Exit code 2: there is no such policy, or the file exists.

    **Examples**

    - `handrail policy copy support`
    - `handrail policy copy support --out policies/support.yaml`
    """
    from handrail.errors import ConfigError
    from handrail.policy.file.read import not_shipped, read_source, shipped

    if name not in shipped():
        raise ConfigError(not_shipped(name))
    target = out or Path(f"{name}.yaml")
    if target.exists() and not force:
        raise ConfigError(f"{target} exists already; --force overwrites")
    target.write_text(read_source(name)[1], encoding="utf-8")
    typer.echo(f"wrote {target}; next: handrail policy check {target}")


def upgrade(
    file: Annotated[Path, typer.Argument(callback=file_to_change, help="A policy file of 0.1.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the new text and write nothing.")] = False,
) -> None:
    """Rewrite a policy file of 0.1 in today's form; comments and layout stay.

    Exit code 1: something is left to do by hand, or a test of the file fails now. It is written all the same.
    Exit code 2: the file is no policy.

    **Examples**

    - `handrail policy upgrade support.yaml`
    - `handrail policy upgrade support.yaml --dry-run`
    """
    from handrail.policy.file.read import read_source
    from handrail.policy.tools.upgrade import upgrade as upgraded

    path, text = read_source(file)
    found = upgraded(text, file=str(path), folder=path.parent)
    if dry_run:
        typer.echo(found.text, nl=False)
    elif found.text != text:
        path.write_text(found.text, encoding="utf-8")
    for change in found.changes:
        typer.echo(f"{path}: {change}", err=dry_run)
    for words in (*found.left, *(f"the test '{name}' fails now" for name in found.failing)):
        typer.echo(f"{path}: by hand: {words}", err=True)
    if not (found.changes or found.left):
        typer.echo(f"{path}: nothing to change", err=dry_run)
    raise typer.Exit(1 if found.left or found.failing else 0)
