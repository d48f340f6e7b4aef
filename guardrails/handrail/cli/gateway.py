"""`handrail gateway`: an OpenAI-compatible proxy that guards every call."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handrail.cli.options import SETTINGS

if TYPE_CHECKING:
    from handrail.gateway import Settings


def gateway(  # noqa: PLR0913 - one parameter per option
    upstream: Annotated[
        str | None, typer.Option("--upstream", help="The provider's address, with its /v1.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy", "-p", envvar="HANDRAIL_POLICY", help="Policy file, or a shipped one's name."
        ),
    ] = None,
    people: Annotated[
        str | None,
        typer.Option("--people", envvar="HANDRAIL_PEOPLE", help="File that maps people to roles."),
    ] = None,
    store: Annotated[
        str | None, typer.Option("--store", envvar="HANDRAIL_STORE", help="URL of the ticket store.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="Settings: callers, limits and the rest. In YAML, or under [gateway] in TOML. Without it: "
            "handrail.toml, if there.",
        ),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.")] = 8080,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Processes that serve the port together.")
    ] = 1,
    check: Annotated[bool, typer.Option("--check", help="Only check the settings, then end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --check: print one JSON document.")] = False,
) -> None:
    """Guard an OpenAI-compatible provider for programs in any language.

    The provider's key is read from OPENAI_API_KEY (or the variable that the settings name) and never leaves
    the gateway. Point the application's base URL at http://HOST:PORT/v1.

    Exit code 0: stopped by SIGTERM or SIGINT, or `--check` found nothing wrong. 2: a setting, the policy or
    the store cannot be used.

    **Examples**

    - `handrail gateway --upstream https://api.openai.com/v1 --policy support`
    - `handrail gateway --config gateway.yaml --host 0.0.0.0 --port 8443`
    - `handrail gateway --config gateway.yaml --workers 4`
    - `handrail gateway --config gateway.yaml --check`
    """
    from handrail.gateway.serve import serve

    settings = _settings(config, {"upstream": upstream, "policy": policy, "people": people, "store": store})
    settings.check_listening(host)
    if check:
        _print_checked(settings, as_json=as_json)
        return
    if workers == 1:
        serve(_app(settings), settings, host=host, port=port)
        return
    from handrail.gateway.callers import policies_of
    from handrail.gateway.workers import serve_workers
    from handrail.policy import load
    from handrail.store import open_store

    # What is wrong is said once, and a new store is made once.
    for name in policies_of(settings):
        load(name)
    open_store(settings.store).close()
    serve_workers(_app, settings, host=host, port=port, workers=workers)


def _settings(config: Path | None, options: dict[str, str | None]) -> "Settings":
    from handrail.gateway import checked, read_settings

    file = config or (SETTINGS if SETTINGS.exists() else None)
    base = read_settings(file) if file else {}
    given = {name: value for name, value in options.items() if value is not None}
    return checked({**base, **given}, source=str(file or "options"))


def _app(settings: "Settings") -> Any:
    from handrail.gateway import create_app
    from handrail.guard import Guard
    from handrail.store import open_store

    # One store for all policies: it has one log, whose entries form one chain.
    store = open_store(settings.store)

    def make_guard(policy: str) -> Guard:
        return Guard.from_policy(policy, people=settings.people, store=store)

    return create_app(settings, make_guard=make_guard)


def _print_checked(settings: "Settings", *, as_json: bool) -> None:
    import json

    from handrail.gateway.callers import policies_of
    from handrail.policy import load

    refs = {name: load(name).ref for name in policies_of(settings)}
    found = {
        "callers": len(settings.callers),
        "policies": {name: ref.version for name, ref in refs.items()},
        "has_key": settings.upstream_key() is not None,
    }
    if as_json:
        typer.echo(json.dumps(found))
        return
    policies = ", ".join(f"{ref.name} {ref.version}" for ref in refs.values())
    key = "set" if found["has_key"] else "NOT set"
    typer.echo(f"{len(settings.callers)} callers; policies: {policies}; {settings.upstream_key_env} is {key}")
