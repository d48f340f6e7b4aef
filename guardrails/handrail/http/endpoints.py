"""Which addresses carry a model's words, which are open, and what a request may hold beside its body.

Nothing is let through for want of a rule. An address is open only if one of a few patterns matches it whole:

    GET  BASE/models             the list of models
    GET  BASE/models/ID          one model, named by one segment
    any  BASE/NAME[/…]           what the program itself has named

BASE is one of `BASES`, or the path of the client's own base address. An address is guarded if a request posts
to `chat/completions`, `responses` or `v1/messages`, whatever stands before these: its answer is then judged,
so a wrong guess costs an answer and never shows one. Every other address is unknown, and so is one that a
server could read in another way than it is written: with an empty or dotted segment, with an escaped slash,
or with an escape inside a fixed word.
"""

import re
from enum import StrEnum
from functools import lru_cache
from urllib.parse import unquote_to_bytes


class Endpoint(StrEnum):
    """What a request is about. `unknown` is refused: nothing is known of the words it carries."""

    CHAT = "chat/completions"
    RESPONSES = "responses"
    MESSAGES = "v1/messages"
    OPEN = "open"
    UNKNOWN = "unknown"


Segments = tuple[str, ...]

# What may stand before an open resource; `*` is one segment, the name of a deployment.
BASES: tuple[Segments, ...] = (
    (),
    ("v1",),
    ("api", "v1"),
    ("openai",),
    ("openai", "v1"),
    ("openai", "deployments", "*"),
)
_GUARDED = tuple((kind, tuple(kind.split("/"))) for kind in list(Endpoint)[:3])
# No leading dot, and no `;`: some servers cut a segment there before they resolve the dots.
_PLAIN = re.compile(r"[A-Za-z0-9_~@][A-Za-z0-9._~:@!$'()*+,=-]*")
_NOT_IN_A_NAME = re.compile(r"[/\\%;?#\x00-\x1f\x7f]|^\.")

# An id names something and says nothing: no address, and no number that could be somebody's.
_ID = re.compile(r"(?=.{0,6}$|.*[A-Za-z])[A-Za-z0-9_][A-Za-z0-9._:-]{0,99}")
# Parameters that choose a version of the API or a page of a list; they carry no words.
_PARAMETERS = {
    "api-version": re.compile(r"\d{4}-\d{2}-\d{2}(?:-preview)?|v\d{1,2}|preview|latest"),
    "beta": re.compile(r"true|false"),
    "limit": re.compile(r"\d{1,4}"),
    "order": re.compile(r"asc|desc"),
    **dict.fromkeys(("after", "before", "after_id", "before_id"), _ID),
}


@lru_cache(maxsize=256)
def endpoint(method: str, path: str, *, named: tuple[str, ...] = (), base: str = "") -> Endpoint:
    """Tell what a request is about.

    Args:
        method: HTTP method, upper case.
        path: path of the address as it is sent, escapes and all, without its query.
        named: resources that the program lets through unguarded, as `embeddings` or `audio/speech`.
        base: path of the client's base address, which may stand before an open resource.
    """
    segments = _segments(path)
    if segments is None:
        return Endpoint.UNKNOWN
    if method == "POST":
        for kind, words in _GUARDED:
            if segments[-len(words) :] == words:
                return kind
    rests = _rests(segments, base)
    is_open = (method == "GET" and any(map(_is_of_models, rests))) or _is_named(rests, named)
    return Endpoint.OPEN if is_open else Endpoint.UNKNOWN


def is_known_query(query: str) -> bool:
    """True when a query holds nothing but parameters that choose a version or a page, each once."""
    if not query:
        return True
    pairs = [part.partition("=") for part in query.split("&")]
    names = {name for name, _, _ in pairs}
    return len(names) == len(pairs) and all(
        name in _PARAMETERS and _PARAMETERS[name].fullmatch(value) for name, _, value in pairs
    )


def words_beside(path: str, query: str, *, has_body: bool, named: tuple[str, ...], base: str = "") -> str:
    """Return what an open request carries that nobody judges (`body` or `query`), nothing if it is fine.

    What the program has named goes as it is. Models are listed without a word.
    """
    if _is_named(_rests(_segments(path) or (), base), named):
        return ""
    if has_body:
        return "body"
    return "" if is_known_query(query) else "query"


def _segments(path: str) -> Segments | None:
    """Return the segments of a path, None if a server could find others in it."""
    if not path.startswith("/"):
        return None
    raw = tuple(path[1:].split("/"))
    return raw if all(_PLAIN.fullmatch(segment) or _is_escaped_name(segment) for segment in raw) else None


def _is_escaped_name(segment: str) -> bool:
    """True for a name that needs its escapes: it decodes, once, to one segment and to nothing else."""
    if "%" not in segment or _PLAIN.fullmatch(segment.replace("%", "")) is None:
        return False
    try:
        name = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        return False
    # A name that could be written without escapes was disguised.
    return not _NOT_IN_A_NAME.search(name) and not _PLAIN.fullmatch(name)


def _plain(path: str) -> Segments:
    return tuple(segment for segment in path.split("/") if segment)


def _rests(segments: Segments, base: str) -> list[Segments]:
    """Return what follows each base that these segments may begin with."""
    return [segments[len(b) :] for b in (*BASES, _plain(base)) if _begins(segments, b)]


def _is_of_models(rest: Segments) -> bool:
    return rest[:1] == ("models",) and (
        len(rest) == 1 or (len(rest) == 2 and _ID.fullmatch(rest[1]) is not None)
    )


def _is_named(rests: list[Segments], named: tuple[str, ...]) -> bool:
    return any(rest[: len(name)] == name for name in map(_plain, named) if name for rest in rests)


def _begins(segments: Segments, base: Segments) -> bool:
    return len(segments) > len(base) and all(
        theirs in ("*", own) for own, theirs in zip(segments, base, strict=False)
    )
