"""`handrail init`: a policy, a people file and a settings file to start from."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from handrail.errors import ConfigError

NAMES = ("policy.yaml", "people.yaml", "handrail.toml")


def init(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where the files go.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Write a starter policy, people file and settings of commands, with comments that explain each part.

    **Examples**

    - `handrail init`
    - `handrail init guard/ && handrail policy check guard/policy.yaml`
    """
    there = [str(folder / name) for name in NAMES if (folder / name).exists()]
    if there and not force:
        verb = "exists" if len(there) == 1 else "exist"
        raise ConfigError(f"{' and '.join(there)} {verb} already; --force overwrites")
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        text = files("handrail.cli").joinpath("starter", name).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8")
        typer.echo(f"wrote {folder / name}")
    policy, people, _ = (folder / name for name in NAMES)
    typer.echo(f"Next: handrail policy check {policy}")
    typer.echo(f'Then: Guard.from_policy("{policy}", people="{people}")')
