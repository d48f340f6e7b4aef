"""Catalogues of what people read: one TOML file for each language, texts with places, by dotted keys."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FALLBACK: Final = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The catalogue of one language; `texts` maps dotted keys to texts with `{places}`."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its places filled.

        Raises:
            KeyError: the catalogue has no such text, or a place is not filled.
        """
        text = self.texts[key]
        return text.format(**values) if values else text

    def of(self, group: str, name: str, **values: object) -> str:
        """Return the text of a name in a group, or that of `other` where the name has none."""
        key = f"{group}.{name}"
        return self(key if key in self.texts else f"{group}.other", **values)

    def has(self, key: str) -> bool:
        """Tell whether there is such a text."""
        return key in self.texts


@cache
def languages_in(folder: Path) -> tuple[str, ...]:
    """Return the languages that a folder has a catalogue of, the fallback first."""
    found = sorted(path.stem for path in folder.glob("*.toml"))
    return (FALLBACK, *(code for code in found if code != FALLBACK))


@cache
def read_words(folder: Path, language: str) -> Words:
    """Return the catalogue of a language, that of the fallback where there is none."""
    code = language if language in languages_in(folder) else FALLBACK
    raw = tomllib.loads((folder / f"{code}.toml").read_text(encoding="utf-8"))
    return Words(language=code, texts=dict(_flat("", raw)))


def _flat(path: str, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        key = f"{path}.{name}" if path else name
        if isinstance(value, Mapping):
            yield from _flat(key, value)
        else:
            yield key, str(value)
