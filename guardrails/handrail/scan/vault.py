"""Reversible pseudonyms for one exchange: the model sees `<EMAIL_1>`, the caller gets the value back."""

import json
import re
from collections.abc import Callable, Iterable

from handrail.records import Finding
from handrail.scan.redact import replaced
from handrail.text.json_data import json_segments, json_tokens, with_tokens

_PSEUDONYM = re.compile(r"<([A-Z][A-Z0-9_]*_\d+)>")
_MAY_HOLD = re.compile(r"<|\\u003c", re.IGNORECASE)
_OPEN = re.compile(r"<(?:[A-Z][A-Z0-9_]*)?$")
_LONGEST = 80


class Vault:
    """Remembers which pseudonym stands for which value. Belongs to one exchange and is thrown away with it.

    The same value of the same type always gets the same pseudonym. Nothing is written anywhere, and `repr`
    shows counts only.
    """

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._given: set[str] = set()
        self._counts: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"Vault({len(self._values)} values)"

    def __len__(self) -> int:
        return len(self._values)

    def holds(self, value: str) -> bool:
        """True if a pseudonym stands for this value."""
        return value in self._given

    def hide(self, text: str, findings: Iterable[Finding]) -> str:
        """Return the text with every finding replaced by its pseudonym.

        Text that already looks like a pseudonym this vault could give out is never given out again.
        """
        for taken in _PSEUDONYM.findall(text):
            self._reserve(taken)
        return replaced(text, findings, self.pseudonym)

    def pseudonym(self, value: str, finding: Finding) -> str:
        """Return the pseudonym of a value; also a style for `StreamScanner`."""
        kind = finding.type.upper()
        name = self._names.get((kind, value))
        if name is None:
            number = self._counts.get(kind, 0) + 1
            self._counts[kind] = number
            name = f"{kind}_{number}"
            self._names[kind, value] = name
            self._values[name] = value
            self._given.add(value)
        return f"<{name}>"

    def restore(self, text: str) -> str:
        """Return the text with the vault's pseudonyms replaced by their values; others stay.

        JSON in the text, and JSON in its strings, stays valid and keeps its layout.
        """
        if not _MAY_HOLD.search(text):
            return text
        out, at = [], 0
        for start, end, tokens in json_segments(text):
            told = {token.start: self.restore(token.text) for token in tokens}
            changes = {token.start: told[token.start] for token in tokens if told[token.start] != token.text}
            out += [_PSEUDONYM.sub(self._value, text[at:start]), with_tokens(text[start:end], changes)]
            at = end
        return "".join([*out, _PSEUDONYM.sub(self._value, text[at:])])

    def restore_arguments(self, arguments: str) -> str:
        """Return a tool call's JSON arguments with pseudonyms replaced, still valid JSON.

        What is no JSON is restored as plain text would be, each value escaped for a JSON string.
        """
        return (
            self.restore(arguments) if json_tokens(arguments) is not None else self.restore_escaped(arguments)
        )

    def restore_escaped(self, text: str) -> str:
        """Return a piece of JSON text with pseudonyms replaced by values escaped for a JSON string."""
        return _PSEUDONYM.sub(lambda match: json.dumps(self._value(match), ensure_ascii=False)[1:-1], text)

    def stream(self, *, is_json: bool = False) -> "RestoringStream":
        """Return what restores an answer, or the JSON arguments of a tool call, that arrive in chunks."""
        return RestoringStream(self.restore_escaped if is_json else self.restore)

    def _reserve(self, name: str) -> None:
        kind, _, number = name.rpartition("_")
        if name not in self._values and len(number) < 10:
            self._counts[kind] = max(self._counts.get(kind, 0), int(number))

    def _value(self, match: "re.Match[str]") -> str:
        return self._values.get(match.group(1), match.group())


class RestoringStream:
    """Restores pseudonyms in a text that arrives in chunks; holds back at most one unfinished pseudonym."""

    def __init__(self, restore: Callable[[str], str]) -> None:
        self._restore = restore
        self._held = ""

    def feed(self, chunk: str) -> str:
        """Take a chunk, return what can be shown now."""
        text = self._held + chunk
        opening = _OPEN.search(text, max(0, len(text) - _LONGEST))
        cut = opening.start() if opening else len(text)
        self._held = text[cut:]
        return self._restore(text[:cut])

    def finish(self) -> str:
        """Return what is left."""
        rest, self._held = self._held, ""
        return self._restore(rest)
