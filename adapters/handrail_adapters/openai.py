"""The OpenAI client, guarded: same class, same types, every request judged on its way."""

from typing import TYPE_CHECKING, Any, TypeVar

from handrail.errors import MissingExtra
from handrail.http.client import guarded_http_client
from handrail.http.exchange import ExchangeSettings, HandoffShape
from handrail.http.handed_off import find_handoff
from handrail.records import Handoff

if TYPE_CHECKING:
    from handrail.guard import Guard

try:
    from openai import AsyncOpenAI, OpenAI
except ImportError as error:
    raise MissingExtra("openai", "openai") from error

ClientT = TypeVar("ClientT", OpenAI, AsyncOpenAI)

# Web sockets do not pass a transport. No library connects to this address, and its error names it.
_REFUSED_SOCKETS = "refused://web-sockets-are-not-guarded"


def guard_openai(
    client: ClientT,
    guard: "Guard",
    *,
    shape: HandoffShape = "auto",
    named: tuple[str, ...] = (),
    trusted: tuple[str, ...] = (),
) -> ClientT:
    """Return a guarded copy of an `OpenAI`, `AsyncOpenAI` or Azure client; the one given is not changed.

    Chat completions and responses are guarded, whole and streamed. Listing models is let through. Anything
    else raises ConfigError unless it is named.

    Args:
        client: any client of the `openai` package.
        guard: decides.
        shape: `auto` answers a hand-off in the shape the request expects; `error` with status 400.
        named: resources let through unguarded, as `embeddings`, `files`, `audio/speech` or `websockets`.
        trusted: kinds of content that may go upstream unread: `image`, `file`, `audio`.
    """
    settings = ExchangeSettings(shape=shape, named=named, trusted=trusted)
    options: dict[str, Any] = {
        "http_client": guarded_http_client(client._client, guard, settings, retries=client.max_retries)
    }
    if "websockets" not in named:
        options["websocket_base_url"] = _REFUSED_SOCKETS
    return client.with_options(**options)


def get_handoff(response: object) -> Handoff | None:
    """Return the hand-off in a completion, a response, a chunk or an API error; None if it is an answer.

    Raises:
        ConfigError: no hand-off could stand in this, and what to pass instead.
    """
    return find_handoff(response)
