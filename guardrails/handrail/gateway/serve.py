"""Runs a gateway until it is told to stop, and lets requests under way end."""

import gc
import signal
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from handrail.gateway.settings import Settings


class Server(uvicorn.Server):
    """A server that tells its application of a shutdown as soon as the signal comes."""

    def __init__(self, config: uvicorn.Config, app: Starlette) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take no new request from now on; a second SIGINT does not wait for those under way."""
        self._app.state.gateway.is_draining = True
        # The parent would raise the signal once more after the shutdown, and the process would end by it.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def serve(app: Starlette, settings: Settings, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; then finish requests under way, for at most `drain_s` seconds.

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
    _settle_memory()
    Server(config, app).run()


def _settle_memory() -> None:
    """Keep the garbage collector away from what was loaded at the start, and run it less often.

    A stream makes many short-lived objects; walking all modules for them costs more than the streams do.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
