"""`handrail audit`: verify the hash chain, export it, sign where it ends."""

import csv
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    text_of,
    who,
)
from handrail.errors import ConfigError

if TYPE_CHECKING:
    from handrail.store.audit.bundle_check import CaseReport

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


@commands.command()
def bundle(  # noqa: PLR0913 - one parameter per option
    ticket: Annotated[str, typer.Argument(help="Id of the ticket.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="The file to write.")],
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="File with the key to sign it with.")
    ] = None,
    unmask: Annotated[
        bool, typer.Option("--unmask", help="With unmasked texts, for a person of its roles (--as).")
    ] = False,
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    person: PersonOption = "",
    policy: PolicyOption = "",
    people: PeopleOption = DEFAULT_PEOPLE,
) -> None:
    """Write one case to a file that an auditor checks without the store.

    It holds the ticket, what people decided, the policy, the entries of the audit log and who saw the ticket.
    Texts stay masked; `--unmask` is on record first. Sign it, or keep its SHA-256 elsewhere: who can rewrite
    the whole of an unsigned one can make it fit.

    **Examples**

    - `handrail audit bundle 0197f… --out case.zip --key auditor/signing.key`
    - `handrail audit bundle 0197f… --out case.zip --unmask --as fay -p policy.yaml --people people.yaml`
    """
    import hashlib

    from handrail.store.bundle import BundleRequest
    from handrail.store.crypto.signing import read_signer

    if unmask and not (person and policy):
        raise ConfigError("unmasked texts are for a person of its roles: --as, --policy, --people")
    wanted = BundleRequest(
        by=person or who(),
        reader=actor_of(person, policy, people) if unmask else None,
        signer=read_signer(text_of(key)) if key is not None else None,
        policies=_content_of(policy),
    )
    with opened(store) as found:
        data = found.bundle(tenant, ticket, wanted)
    try:
        out.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror or 'unknown'}") from None
    typer.echo(f"{out} sha256 {hashlib.sha256(data).hexdigest()}")


def _content_of(policy: str) -> dict[str, str]:
    if not policy:
        return {}
    from handrail.policy import load
    from handrail.policy.file.compile import content_of

    loaded = load(policy)
    return {loaded.ref.sha256: content_of(loaded)}


@commands.command(name="verify-bundle")
def verify_bundle(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The bundle.")],
    trusted: Annotated[
        str,
        typer.Option(envvar="HANDRAIL_TRUSTED_KEYS", help="Public keys that sign bundles."),
    ] = "",
    checkpoint: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A checkpoint kept elsewhere.")
    ] = None,
    sha256: Annotated[str, typer.Option("--sha256", help="What `bundle` printed.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Check a case that `bundle` wrote, without any store, and list who saw it.

    Exit code 0: nothing was altered, and everything fits. 1: something was or does not; each place is named.
    2: it cannot be checked.

    **Examples**

    - `handrail audit verify-bundle case.zip --trusted "$PUBLIC_KEYS"`
    """
    from handrail.store.audit.bundle_check import check
    from handrail.store.audit.verify import read_checkpoint
    from handrail.store.crypto.signing import read_trusted

    keys = read_trusted(trusted) if trusted else None
    if checkpoint is not None and keys is None:
        raise ConfigError("a checkpoint is worth what its signature is; pass --trusted id:base64")
    known = read_checkpoint(text_of(checkpoint), keys) if checkpoint is not None and keys else None
    try:
        report = check(file.read_bytes(), keys, known)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror or 'unknown'}") from None
    problems = list(report.problems)
    if sha256 and sha256.lower() != report.sha256:
        problems.append("it is not the file of this SHA-256")
    if as_json:
        typer.echo(json.dumps({**asdict(report), "problems": problems}))
    else:
        for line in (*problems, *(_told(report) if report.ticket else ())):
            typer.echo(line)
    if problems:
        raise typer.Exit(1)


def _told(report: "CaseReport") -> list[str]:
    from handrail.store.tables import moment

    verbs = {"ticket.view": "seen by", "ticket.unmask": "unmasked by", "ticket.bundle": "bundled by"}
    lines = []
    for view in report.views:
        role = f" ({view['role']})" if view["role"] else ""
        lines.append(f"{verbs[view['kind']]} {view['person']}{role}, {moment(view['at']):%Y-%m-%d %H:%M %Z}")
    signed = "signed by a trusted key" if report.is_signed else "no signature checked (--trusted)"
    chains = "chains are whole" if report.is_followed else "others' entries are left out of its chains"
    if report.is_pruned:
        lines.append("the log was pruned and no longer reaches back to this ticket")
    state = "intact" if report.is_intact else f"{len(report.problems)} problems"
    head = f"ticket {report.ticket} ({report.state}), {report.entries} entries"
    return [*lines, f"{head}; {chains}; {signed}: {state}"]
