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
    if any(f"/{name.strip('/')}/" in f"{path}/" for name in named):
        return Endpoint.OPEN
    if method == "GET" and "/models/" in f"{path}/":
        return Endpoint.OPEN
    return Endpoint.UNKNOWN
