"""A spaCy pipeline as one more scanner: whatever entities its components set.

Pass `SpacyScanner("en_core_web_sm")`, or a pipeline that is loaded already, in `ScanSpec.analyzers`, and
name it as the tagger.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol, cast

from handrail.errors import MissingExtra
from handrail.records import Finding

TYPES: Mapping[str, tuple[str, str]] = {
    "PERSON": ("person", "identifier"),
    "PER": ("person", "identifier"),
    "GPE": ("address", "location"),
    "LOC": ("address", "location"),
    "FAC": ("address", "location"),
}
"""spaCy's label → handrail's type and category; labels that are not listed are left out."""


class Entity(Protocol):
    """A span of a document with its label; offsets count characters."""

    label_: str
    start_char: int
    end_char: int


class Document(Protocol):
    """The part of spaCy's `Doc` that is used."""

    @property
    def ents(self) -> Iterable[Entity]:
        """The entities that the pipeline set."""
        ...


class Pipeline(Protocol):
    """The part of spaCy's `Language` that is used."""

    def __call__(self, text: str) -> Document:
        """Run every component over a text."""
        ...


class SpacyScanner:
    """Runs a spaCy pipeline and returns its entities as findings named after it."""

    name = "spacy"

    def __init__(
        self,
        pipeline: Pipeline | str,
        *,
        types: Mapping[str, tuple[str, str]] = TYPES,
        score: float = 0.85,
    ) -> None:
        """Wrap a pipeline.

        Args:
            pipeline: A `spacy.Language`, or the name or folder of an installed one, which is loaded.
            types: Label → type and category of its findings; other labels are left out.
            score: Score of every finding, 0..1: spaCy gives none.

        Raises:
            MissingExtra: A name is given and spaCy is not installed.
            OSError: No pipeline of that name is installed.
        """
        self._pipeline = _loaded(pipeline) if isinstance(pipeline, str) else pipeline
        self._types = dict(types)
        self._score = score

    def analyze(self, text: str) -> tuple[Finding, ...]:
        """Return the entities with a known label.

        Raises:
            ValueError: The text is longer than the pipeline's `max_length`.
        """
        return tuple(
            self._finding(entity) for entity in self._pipeline(text).ents if entity.label_ in self._types
        )

    def _finding(self, entity: Entity) -> Finding:
        kind, category = self._types[entity.label_]
        return Finding(
            type=kind,
            category=category,
            start=entity.start_char,
            end=entity.end_char,
            score=self._score,
            scanner=self.name,
        )


def _loaded(name: str) -> Pipeline:
    try:
        import spacy
    except ImportError:
        raise MissingExtra("spacy", "spacy") from None
    return cast("Pipeline", spacy.load(name))
