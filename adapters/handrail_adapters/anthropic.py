"""The Anthropic client, guarded: same class, same types, every request judged on its way."""

from typing import TYPE_CHECKING, TypeVar

from handrail.errors import MissingExtra
from handrail.http.client import guarded_http_client
from handrail.http.exchange import ExchangeSettings, HandoffShape
from handrail.http.handed_off import find_handoff
from handrail.records import Handoff

if TYPE_CHECKING:
    from handrail.guard import Guard

try:
    from anthropic import Anthropic, AsyncAnthropic
except ImportError as error:
    raise MissingExtra("anthropic", "anthropic") from error

ClientT = TypeVar("ClientT", Anthropic, AsyncAnthropic)


def guard_anthropic(
    client: ClientT,
    guard: "Guard",
    *,
    shape: HandoffShape = "auto",
    named: tuple[str, ...] = (),
    trusted: tuple[str, ...] = (),
) -> ClientT:
    """Return a guarded copy of an `Anthropic` or `AsyncAnthropic` client; the one given is not changed.

    Messages are guarded, whole and streamed. Listing models is let through. Anything else (batches, counting
    tokens, files) raises ConfigError unless it is named.

    Args:
        client: a client of the `anthropic` package that speaks to the provider itself.
        guard: decides.
        shape: `auto` answers a hand-off in the shape the request expects; `error` with status 400.
        named: resources let through unguarded, as `files` or `messages/count_tokens`.
        trusted: kinds of content that may go upstream unread: `image`, `file`.
    """
    settings = ExchangeSettings(shape=shape, named=named, trusted=trusted)
    http_client = guarded_http_client(client._client, guard, settings, retries=client.max_retries)
    return client.with_options(http_client=http_client)


def get_handoff(message: object) -> Handoff | None:
    """Return the hand-off in a message or an API error; None if it is an answer.

    Raises:
        ConfigError: no hand-off could stand in this, and what to pass instead.
    """
    return find_handoff(message)
