"""Which addresses carry a model's words, and which are left alone."""

from enum import StrEnum
from functools import lru_cache


class Endpoint(StrEnum):
    """What a request is about. `unknown` is refused: nothing is known of the words it carries."""

    CHAT = "chat/completions"
    RESPONSES = "responses"
    MESSAGES = "v1/messages"
    OPEN = "open"
    UNKNOWN = "unknown"


# Resources that hold a model's words or a person's: nothing below them is open, whatever it is called.
_HOLD_WORDS = frozenset({"chat", "completions", "responses", "messages", "conversations", "threads"})


@lru_cache(maxsize=256)
def endpoint(method: str, path: str, *, named: tuple[str, ...] = ()) -> Endpoint:
    """Tell what a request is about.

    Args:
        method: HTTP method, upper case.
        path: path of the address, without its query, percent-decoding done.
        named: resources that the program lets through unguarded, as `embeddings` or `audio/speech`.
    """
    if method == "POST":
        for guarded in (Endpoint.CHAT, Endpoint.RESPONSES, Endpoint.MESSAGES):
            if path.endswith(f"/{guarded}"):
                return guarded
    if any(_is_resource(path, name.strip("/")) for name in named):
        return Endpoint.OPEN
    if method == "GET" and _is_resource(path, "models"):
        return Endpoint.OPEN
    return Endpoint.UNKNOWN


def _is_resource(path: str, name: str) -> bool:
    """True when a path is the resource of this name, or lies below it, and below none that holds words."""
    above, found, _ = f"{path}/".partition(f"/{name}/")
    return bool(found) and _HOLD_WORDS.isdisjoint(above.split("/"))
