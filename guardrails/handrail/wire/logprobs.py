"""Log-probabilities of tokens as providers write them, what they say, and how many a shortened text keeps."""

from collections.abc import Iterator, Sequence

from handrail.records import TokenLogprob
from handrail.text.values import Path
from handrail.wire.foreign_json import Json, mapping_of, objects_of, text_of
from handrail.wire.structure import Table, Words


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
    data = _bytes(raw)
    return token.encode("utf-8", "surrogatepass") if data is None else data


def _bytes(raw: object) -> bytes | None:
    if isinstance(raw, list) and all(type(byte) is int and 0 <= byte < 256 for byte in raw):
        return bytes(raw)
    return None


def token_words(tokens: object, text: str, table: Table, at: str, path: Path) -> Words:
    """Return what a list of tokens says that the text does not: all under one path, of the list itself.

    Args:
        tokens: the list.
        text: what the tokens spell if all is well.
        table: what of an entry is structure.
        at: place of an entry in the table.
        path: of the list.
    """
    words = Words()
    if tokens is None:
        return words
    if not isinstance(tokens, list) or len(objects_of(tokens)) != len(tokens):
        words.unreadable.add("logprobs")
        return words
    spelt = {"".join(text_of(entry.get("token")) for entry in tokens), *_spelt(tokens)}
    rivals = [rival for entry in tokens for rival in objects_of(entry.get("top_logprobs"))]
    others = (said for rival in rivals for said in (text_of(rival.get("token")), *_spelt([rival])))
    told = [*sorted(spelt), "\n".join(dict.fromkeys(others)), *_others(tokens, table, at, words)]
    for number, said in enumerate(told):
        if said and said != text:
            words.say((*path, str(number)), said)
    return words


def _spelt(entries: Sequence[Json]) -> Iterator[str]:
    """What the bytes of some entries spell, if they have bytes."""
    data = [_bytes(entry.get("bytes")) for entry in entries]
    if any(data):
        yield b"".join(one or b"" for one in data).decode("utf-8", "replace")


def _others(tokens: Sequence[Json], table: Table, at: str, words: Words) -> Iterator[str]:
    """What stands in entries beside tokens, their bytes and their numbers; what cannot be read is noted."""
    for entry in tokens:
        for one in (entry, *objects_of(entry.get("top_logprobs"))):
            odd = {name: value for name, value in one.items() if not _is_usual(name, value)}
            if odd:
                judged = table.judged(odd, at)
                words.unreadable.update(judged.unreadable)
                yield from (leaf.text for leaf in judged.leaves)


def _is_usual(name: str, value: object) -> bool:
    if name == "token":
        return isinstance(value, str)
    if name == "bytes":
        return value is None or _bytes(value) is not None
    if name == "top_logprobs":
        return value is None or (isinstance(value, list) and len(objects_of(value)) == len(value))
    return name == "logprob" and (
        value is None or (isinstance(value, (int, float)) and -(10**6) < value < 10**6)
    )


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
    if data is None or data == list(text.encode("utf-8", "surrogatepass")):
        return True
    return isinstance(data, list) and len(data) < 4 and all(isinstance(byte, int) for byte in data)


def clip(tokens: Sequence[TokenLogprob], before: str, after: str) -> int | None:
    """Return how many tokens lie wholly within `after`, None if it is not the beginning of `before`."""
    if not before.startswith(after):
        return None
    room, kept = len(after.encode("utf-8", "surrogatepass")), 0
    for token in tokens:
        room -= len(token.data)
        if room < 0:
            break
        kept += 1
    return kept


def without_tokens(logprobs: object, count: int | None) -> Json | None:
    """Return log-probabilities of the first tokens only, None for none."""
    fields = mapping_of(logprobs)
    content = fields.get("content")
    if count is None or not isinstance(content, list):
        return None
    return {**fields, "content": content[:count]}
