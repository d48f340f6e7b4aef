"""`handrail audit`: verify the hash chain, export it, sign where it ends."""

import csv
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from handrail.cli.options import DEFAULT_STORE, JsonOption, StoreOption, opened, text_of
from handrail.errors import ConfigError

commands = typer.Typer(no_args_is_help=True, help="Verify, export and sign the audit log.")
FIELDS = (
    "writer", "seq", "tenant", "ticket", "version", "kind", "actor", "role", "at", "data", "prev", "hash",
)  # fmt: skip


@commands.command()
def verify(
    store: StoreOption = DEFAULT_STORE,
    checkpoint: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A checkpoint kept elsewhere.")
    ] = None,
    trusted: Annotated[
        str, typer.Option(envvar="HANDRAIL_TRUSTED_KEYS", help="Public keys that sign checkpoints.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Find any edit, deletion or truncation of the audit log.

    Exit code 0: intact. 1: something was edited, deleted or cut off; each place is named.
    2: it cannot be checked.

    **Examples**

    - `handrail audit verify`
    - `handrail audit verify --checkpoint monday.json --trusted "$PUBLIC_KEYS"`
    """
    from handrail.store.audit.verify import read_checkpoint
    from handrail.store.crypto.signing import read_trusted

    known = None
    if checkpoint is not None:
        if not trusted:
            raise ConfigError("a checkpoint is worth what its signature is; pass --trusted id:base64")
        known = read_checkpoint(text_of(checkpoint), read_trusted(trusted))
    with opened(store) as found:
        report = found.verify(known)
    if as_json:
        problems = [{"where": problem.where, "what": problem.what} for problem in report.problems]
        typer.echo(json.dumps({"entries": report.entries, "writers": report.writers, "problems": problems}))
    else:
        for problem in report.problems:
            typer.echo(f"{problem.where}: {problem.what}")
        state = "intact" if report.is_intact else f"{len(report.problems)} problems"
        typer.echo(f"{report.entries} entries of {report.writers} writers: {state}")
    if not report.is_intact:
        raise typer.Exit(1)


@commands.command()
def export(
    store: StoreOption = DEFAULT_STORE,
    since: Annotated[datetime | None, typer.Option(help="Only entries from this moment on (UTC).")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV in place of one JSON object a line.")] = False,
) -> None:
    """Write the audit log to standard output, with the hashes by which it can be checked.

    **Examples**

    - `handrail audit export --since 2026-01-05 --csv > audit.csv`
    """
    start = since.replace(tzinfo=UTC) if since else None
    with opened(store) as found:
        if not as_csv:
            for entry in found.export(start):
                typer.echo(json.dumps(entry, ensure_ascii=False))
            return
        writer = csv.writer(sys.stdout)
        writer.writerow(FIELDS)
        for entry in found.export(start):
            data = json.dumps(entry["data"], sort_keys=True, ensure_ascii=False)
            writer.writerow([data if name == "data" else entry[name] for name in FIELDS])


@commands.command()
def checkpoint(
    key: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="File with the signing key, kept off this machine."),
    ],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Sign where every chain ends now. Kept elsewhere, it shows later what was cut off.

    **Examples**

    - `handrail store new-keys auditor/`
    - `handrail audit checkpoint --key auditor/signing.key > monday.json`
    """
    from handrail.store.crypto.signing import read_signer

    with opened(store) as found:
        typer.echo(found.checkpoint(read_signer(text_of(key)), now=datetime.now(UTC)))
