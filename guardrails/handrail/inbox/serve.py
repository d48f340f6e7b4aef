"""Runs an inbox until it is told to stop."""

import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from handrail.inbox.settings import Settings

_GRACE_S = 5


class Server(uvicorn.Server):
    """A server that says where it listens, once it does."""

    def __init__(self, config: uvicorn.Config, say: Callable[[str], None]) -> None:
        super().__init__(config)
        self._say = say

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self.started:
            # The port that the system gave, where none was asked for.
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._say(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End by itself; a second SIGINT does not wait for requests under way."""
        # The parent would raise the signal once more after the shutdown, and the process would end by it.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def serve(app: Starlette, settings: Settings, *, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        app: the inbox.
        settings: of the inbox.
        host: address to listen on.
        port: port to listen on, 0 for one that is free.
        say: told the address once it listens.

    Raises:
        ConfigError: it would listen where anybody could sign in, or nobody can.
    """
    settings.check_listening(host)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        timeout_graceful_shutdown=_GRACE_S,
    )
    Server(config, say).run()
