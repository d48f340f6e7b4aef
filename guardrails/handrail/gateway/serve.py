"""Runs a gateway until it is told to stop, and lets requests under way end."""

import gc
import signal
import socket
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from handrail.gateway.log import log_to_stderr, tell_start
from handrail.gateway.settings import Settings


class Server(uvicorn.Server):
    """A server that says how it has started, and tells its application of a shutdown as the signal comes.

    Args:
        config: of uvicorn.
        app: the gateway.
        settings: of the gateway, for what is said at the start; nothing is said without.
    """

    def __init__(self, config: uvicorn.Config, app: Starlette, settings: Settings | None = None) -> None:
        super().__init__(config)
        self._app, self._settings = app, settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so once it does."""
        await super().startup(sockets)
        if self._settings is not None and self.started:
            tell_start(self._settings, self._app.state.gateway.policies(), self._address())

    def _address(self) -> str:
        # The port that the system gave, where none was asked for.
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take no new request from now on; a second SIGINT does not wait for those under way."""
        self._app.state.gateway.is_draining = True
        # The parent would raise the signal once more after the shutdown, and the process would end by it.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def serve(
    app: Starlette,
    settings: Settings,
    *,
    host: str,
    port: int,
    sockets: list[socket.socket] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; then finish requests under way, for at most `drain_s` seconds.

    uvloop and httptools are used where they are installed (extra `[server]`), else asyncio and h11.

    Args:
        app: the gateway.
        settings: how it is set up.
        host: where to listen.
        port: on which port.
        sockets: bound already, in place of host and port.

    Raises:
        ConfigError: it would listen beyond this machine without knowing its callers.
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
        timeout_graceful_shutdown=int(settings.limits.drain_s) + 1,
    )
    log_to_stderr()
    _settle_memory()
    Server(config, app, settings).run(sockets)


def _settle_memory() -> None:
    """Keep the garbage collector away from what was loaded at the start, and run it less often.

    A stream makes many short-lived objects; walking all modules for them costs more than the streams do.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
