"""`handrail gateway`: an OpenAI-compatible proxy that guards every call."""

from pathlib import Path
from typing import Annotated

import typer


def gateway(
    upstream: Annotated[
        str | None, typer.Option("--upstream", help="The provider's address, with its /v1.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", help="Policy file, or a shipped one's name.")
    ] = None,
    store: Annotated[str | None, typer.Option("--store", help="URL of the ticket store.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings in YAML: callers, limits and the rest.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.")] = 8080,
) -> None:
    """Guard an OpenAI-compatible provider for programs in any language.

    The provider's key is read from `OPENAI_API_KEY` (or the variable that the settings name) and never leaves
    the gateway. Point the application's base URL at `http://HOST:PORT/v1`.

    **Examples**

    - `handrail gateway --upstream http://127.0.0.1:9000/v1 --policy support`
    - `handrail gateway --config gateway.yaml --port 8443`
    """
    from handrail.errors import MissingExtra

    try:
        import uvicorn

        from handrail.gateway import create_app, read_settings
        from handrail.gateway.settings import checked
    except ImportError as error:
        raise MissingExtra("server", error.name or "starlette") from None
    from handrail.guard import Guard

    given = {"upstream": upstream, "policy": policy, "store": store}
    given = {name: value for name, value in given.items() if value is not None}
    base = read_settings(config).model_dump() if config else {}
    settings = checked({**base, **given}, source=str(config or "options"))
    app = create_app(settings, make_guard=lambda name: Guard.from_policy(name, store=settings.store))
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=int(settings.limits.drain_s) + 1,
    )
