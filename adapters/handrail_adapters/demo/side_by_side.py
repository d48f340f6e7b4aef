"""The shop's chat and the inbox of its tickets, side by side on this machine, until they are stopped."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import uvicorn

from handrail.desk import Desk
from handrail.inbox import checked, make_app
from handrail.inbox.serve import serve
from handrail_adapters.demo.chat import make_chat
from handrail_adapters.demo.play import open_shop

if TYPE_CHECKING:
    from handrail.store import SqlStore

HOST: Final = "127.0.0.1"


def serve_demo(folder: Path, *, policy: str | Path, say: Callable[[str], None]) -> None:
    """Serve both until SIGTERM or SIGINT.

    Args:
        folder: where the ticket store lies.
        policy: a policy file, or the name of a shipped one.
        say: told the two addresses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    store = f"sqlite:///{folder / 'handrail.db'}"
    with as_file(files(__package__) / "people.yaml") as cast_file:
        settings = checked(
            {
                "policy": str(policy),
                "people": str(cast_file),
                "store": store,
                "development": True,
                "managers": ["quinn"],
            },
            source="demo",
        )
        with open_shop(store=store, policy=policy) as shop:
            tickets = cast("SqlStore", shop.guard.store)
            desk = Desk.of_policy(tickets, shop.guard.policy, people=shop.guard.people)
            inbox = make_app(settings, tickets)
            with socket.create_server((HOST, 0)) as free:
                port = free.getsockname()[1]
            chat = make_chat(shop, inbox=f"http://{HOST}:{port}")
            desk.start()
            try:
                with _in_thread(chat) as address:
                    say(f"chat at {address}: be the customer, say for example “Refund the $640 headphones.”")
                    serve(
                        inbox,
                        settings,
                        host=HOST,
                        port=port,
                        say=lambda url: say(f"inbox at {url}: be the reviewer, sign in as fatima"),
                    )
            finally:
                desk.stop()


@contextmanager
def _in_thread(app: object) -> Iterator[str]:
    """Serve an application in a thread, inside the `with` block; gives its address."""
    with socket.create_server((HOST, 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))  # type: ignore[arg-type]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
