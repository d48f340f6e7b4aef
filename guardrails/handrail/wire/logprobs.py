"""Log-probabilities of tokens as providers write them, and how many of them a shortened text keeps."""

from collections.abc import Sequence

from handrail.records import TokenLogprob
from handrail.wire.foreign_json import objects_of, text_of


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
