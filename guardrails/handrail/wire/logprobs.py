"""Log-probabilities of tokens as providers write them, and how many of them a shortened text keeps."""

from collections.abc import Iterator, Sequence

from handrail.records import TokenLogprob
from handrail.wire.foreign_json import Json, objects_of, text_of


def read_logprobs(content: object) -> tuple[TokenLogprob, ...] | None:
    """Read a list of tokens; None if there is none or one of them has no number."""
    if not isinstance(content, list) or not content:
        return None
    tokens = []
    for entry in objects_of(content):
        number = entry.get("logprob")
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            return None
        token = text_of(entry.get("token"))
        rivals = [
            (text_of(rival.get("token")), float(value))
            for rival in objects_of(entry.get("top_logprobs"))
            if isinstance(value := rival.get("logprob"), (int, float))
        ]
        tokens.append(
            TokenLogprob(
                token=token, logprob=float(number), data=_data(entry.get("bytes"), token), top=tuple(rivals)
            )
        )
    return tuple(tokens)


def _data(raw: object, token: str) -> bytes:
    if isinstance(raw, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in raw):
        return bytes(raw)
    return token.encode()


# A longer token is no part of a word that a model weighed, and is judged.
_LONGEST_RIVAL = 8


def repeats(content: object, text: str) -> Iterator[tuple[str | int, ...]]:
    """Yield where in a list of tokens a text is only repeated; nothing if they tell more than it."""
    if not isinstance(content, list) or len(objects_of(content)) != len(content):
        return
    if "".join(text_of(token.get("token")) for token in content) != text:
        return
    for index, token in enumerate(content):
        yield (index, "token")
        if _spells(token):
            yield (index, "bytes")
        for number, rival in enumerate(objects_of(token.get("top_logprobs"))):
            if len(text_of(rival.get("token"))) <= _LONGEST_RIVAL and _spells(rival):
                yield (index, "top_logprobs", number, "token")
                yield (index, "top_logprobs", number, "bytes")


def _spells(token: Json) -> bool:
    """True if the bytes of a token are those of its text, or a part of a character."""
    data, text = token.get("bytes"), text_of(token.get("token"))
    if data is None or data == list(text.encode()):
        return True
    return isinstance(data, list) and len(data) < 4 and all(isinstance(byte, int) for byte in data)


def clip(tokens: Sequence[TokenLogprob], before: str, after: str) -> int | None:
    """Return how many tokens lie wholly within `after`, None if it is not the beginning of `before`."""
    if not before.startswith(after):
        return None
    room, kept = len(after.encode()), 0
    for token in tokens:
        room -= len(token.data)
        if room < 0:
            break
        kept += 1
    return kept
