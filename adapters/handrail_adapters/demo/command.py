"""`handrail demo`: the refunds shop, turn by turn, over real HTTP on this machine."""

import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from handrail.errors import ConfigError, MissingExtra


def demo(
    policy: Annotated[
        str,
        typer.Option("--policy", help="support, or a file with its roles: the shop's people fill no others."),
    ] = "support",
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Keep the ticket store in this folder.", file_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and no chat.")] = False,
    fast: Annotated[bool, typer.Option("--fast", help="Do not pause between turns.")] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Open the shop's chat and the inbox in a browser instead.")
    ] = False,
) -> None:
    """Play a refunds shop turn by turn: who decides, why, which role, due when.

    A scripted model speaks over real HTTP on this machine; no key, no network. The policy decides. Then a
    reviewer edits and approves one ticket, the refund runs once, and a second click is refused. Exit code 1
    means that a turn did not go as expected.

    With `--serve` you are the customer and the reviewer: the chat and the inbox are served side by side on
    this machine until you stop them.

    **Examples**

    - `handrail demo`
    - `handrail demo --serve`
    - `handrail demo --json`
    - `handrail demo --policy my-support.yaml --keep ./demo`
    - `handrail tickets list --store sqlite:///demo/handrail.db`
    """
    from rich.console import Console

    import handrail_adapters.openai  # noqa: F401 - where it is missing, this says which extra to install
    from handrail_adapters.demo.scenario import SHOP
    from handrail_adapters.demo.terminal import Demonstration, Terminal, as_data

    if serve:
        _serve(keep, policy)
        return
    console = Console(quiet=as_json, highlight=False)
    pause_s = 0.0 if fast or as_json or not console.is_terminal else 0.5
    started = time.monotonic()
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="handrail-demo-")))
        _must_be_new(folder)
        show = Demonstration(scenario=SHOP, screen=Terminal(console), pause_s=pause_s)
        played = show.run(policy=policy, store=f"sqlite:///{folder / 'handrail.db'}")
    if as_json:
        typer.echo(json.dumps(as_data(played), indent=2))
    Terminal(console).close(
        turns=len(played.turns),
        problems=len(played.problems),
        seconds=time.monotonic() - started,
        kept=keep,
    )
    if played.problems:
        raise typer.Exit(1)


def _must_be_new(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "handrail.db").exists():
        raise ConfigError(f"{folder} holds tickets already; choose a new folder, so that no turn is pending")


def _serve(keep: Path | None, policy: str) -> None:
    try:
        from handrail_adapters.demo.side_by_side import serve_demo
    except ImportError:
        raise MissingExtra("server", "uvicorn", setting="--serve") from None
    with tempfile.TemporaryDirectory(prefix="handrail-demo-") as temporary:
        serve_demo(keep or Path(temporary), policy=policy, say=typer.echo)
