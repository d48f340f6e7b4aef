"""`handrail store`: upgrade, back up, erase, prune, and the keys."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from handrail.cli.options import DEFAULT_STORE, StoreOption, TenantOption, opened, who
from handrail.errors import ConfigError

commands = typer.Typer(no_args_is_help=True, help="Upgrade, back up, erase and prune the store; its keys.")
AUDIT_FLOOR_DAYS = 183


@commands.command()
def upgrade(
    url: Annotated[str, typer.Argument(help="URL of the store, as the owner of its tables.")],
) -> None:
    """Make or upgrade the tables; on PostgreSQL also roles, grants and row-level security. Safe to repeat.

    **Examples**

    - `handrail store upgrade postgresql://owner@db/handrail`
    """
    from handrail.store.database import Database, parse_url
    from handrail.store.migrate import REVISION
    from handrail.store.migrate import upgrade as run

    database = Database(parse_url(url))
    run(database)
    database.close()
    typer.echo(f"the tables are of version {REVISION}")


@commands.command()
def backup(
    target: Annotated[Path, typer.Argument(help="New file.")], store: StoreOption = DEFAULT_STORE
) -> None:
    """Copy a SQLite store while it is in use. Data keys are not in the copy; see the guide.

    **Examples**

    - `handrail store backup backups/monday.db`
    """
    with opened(store) as found:
        found.back_up(target)
    typer.echo(str(target))


@commands.command()
def erase(
    customer: Annotated[str, typer.Argument(help="Id of the customer, as the application names them.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; it cannot be undone.")] = False,
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
) -> None:
    """Erase a customer by destroying their key: store, spool, exports and backups lose the content.

    Exports of the decision log get a tombstone beside them, which handrail honours when it reads. Those that
    cannot be reached are named; copies that were made of them cannot be known.

    **Examples**

    - `handrail store erase cust-4711 --yes`
    """
    from handrail.bulk.tombstones import bury
    from handrail.store import Spool

    if not yes:
        raise ConfigError("this cannot be undone; add --yes")
    with opened(store) as found:
        now = datetime.now(UTC)
        subject, exports = found.subject(tenant, customer), found.exports()
        count = found.erase(tenant, customer, by=who(), now=now, spool=Spool.beside(store))
    typer.echo(f"{count} tickets emptied")
    for path in dict.fromkeys(str(one["path"]) for one in exports):
        if path == "-":
            typer.echo("not reached: what was exported to standard output")
        elif not bury(Path(path), subject, at=now):
            typer.echo(f"not reached: {path}")
    if exports:
        typer.echo("copies of exports are not reached; read them with their tombstones beside them")


@commands.command()
def prune(
    days: Annotated[int, typer.Option(min=1, help="Remove tickets closed longer ago than this.")],
    audit_days: Annotated[
        int, typer.Option(min=AUDIT_FLOOR_DAYS, help="Remove audit entries older than this.")
    ] = 3650,
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
) -> None:
    """Remove what is older than its retention. The audit chain stays verifiable.

    **Examples**

    - `handrail store prune --days 400`
    """
    from handrail.store import samples as audits

    now = datetime.now(UTC)
    with opened(store) as found:
        gone = found.prune(tenant, before=now - timedelta(days=days), by=who(), now=now)
        answers = audits.prune(found, tenant, before=now - timedelta(days=days), by=who(), now=now)
        entries = found.prune_audit(before=now - timedelta(days=audit_days), by=who(), now=now)
    typer.echo(f"{gone} tickets, the words of {answers} answers and {entries} audit entries removed")


@commands.command(name="rotate-keys")
def rotate_keys(
    file: Annotated[Path, typer.Argument(help="The key file.")], store: StoreOption = DEFAULT_STORE
) -> None:
    """Make a new master key and wrap every data key by it. Content is not encrypted anew.

    **Examples**

    - `handrail store rotate-keys handrail.db.key`
    """
    from handrail.store import open_store
    from handrail.store.crypto.keys import FileKeys

    provider = FileKeys(file)
    provider.rotate()
    found = open_store(store, allow_volatile=True, key_provider=provider)
    try:
        count = found.rotate(by=who(), now=datetime.now(UTC))
    finally:
        found.close()
    typer.echo(f"{count} data keys wrapped anew")


@commands.command(name="new-keys")
def new_keys(folder: Annotated[Path, typer.Argument(help="Where the files go.")]) -> None:
    """Make what PostgreSQL needs: a key ring, the inbox's signing key and the application's public key.

    **Examples**

    - `handrail store new-keys secrets/`
    """
    from handrail.store.crypto.keys import FileKeys
    from handrail.store.crypto.signing import new_signer, write_signer, write_trusted

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ring, secret, public = folder / "handrail.key", folder / "signing.key", folder / "trusted.txt"
    if ring.exists() or secret.exists():
        raise ConfigError(f"{folder} holds keys already")
    FileKeys(ring, create=True).ring()
    signer = new_signer()
    secret.touch(mode=0o600)
    secret.write_text(write_signer(signer))
    public.write_text(write_trusted(signer.public))
    typer.echo(f"{ring}\n{secret} (the inbox only)\n{public}")
