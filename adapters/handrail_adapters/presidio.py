"""Microsoft Presidio as one more scanner: whatever recognisers and language models its analyzer has.

Pass `PresidioScanner(AnalyzerEngine())` in `ScanSpec.analyzers`, and name it as the tagger.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from handrail.errors import MissingExtra
from handrail.records import Finding

TYPES: Mapping[str, tuple[str, str]] = {
    "PERSON": ("person", "identifier"),
    "LOCATION": ("address", "location"),
    "EMAIL_ADDRESS": ("email", "identifier"),
    "PHONE_NUMBER": ("phone", "identifier"),
    "US_SSN": ("us_ssn", "identifier"),
    "US_PASSPORT": ("passport", "identifier"),
    "US_DRIVER_LICENSE": ("us_driver_license", "identifier"),
    "DATE_TIME": ("date", "identifier"),
    "NRP": ("group", "identifier"),
    "CREDIT_CARD": ("card", "financial"),
    "IBAN_CODE": ("iban", "financial"),
    "US_BANK_NUMBER": ("bank_account", "financial"),
    "CRYPTO": ("btc_address", "financial"),
    "IP_ADDRESS": ("ipv4", "network"),
    "URL": ("url", "network"),
    "MEDICAL_LICENSE": ("us_dea", "health"),
}
"""Presidio's entity → handrail's type and category; an entity not listed keeps its name, as an identifier."""


class Result(Protocol):
    """What Presidio says about one span."""

    entity_type: str
    start: int
    end: int
    score: float


class Analyzer(Protocol):
    """The part of Presidio's `AnalyzerEngine` that is used."""

    def analyze(self, *, text: str, language: str, entities: list[str] | None) -> Iterable[Result]:
        """Return what is found in a text."""
        ...


class PresidioScanner:
    """Runs a Presidio analyzer and returns its results as findings named after it."""

    name = "presidio"

    def __init__(
        self,
        analyzer: Analyzer | None = None,
        *,
        language: str = "en",
        entities: Iterable[str] | None = ("PERSON", "LOCATION"),
        floor: float = 0.4,
    ) -> None:
        """Wrap an analyzer.

        Args:
            analyzer: An `AnalyzerEngine`; None makes one, with the language model of its configuration.
            language: Language code given to the analyzer.
            entities: Presidio's entities to look for; None for all it knows.
            floor: Results with a lower score are dropped, 0..1.

        Raises:
            MissingExtra: No analyzer is given and presidio-analyzer is not installed.
        """
        self._analyzer = analyzer if analyzer is not None else _engine()
        self._language = language
        self._entities = None if entities is None else list(entities)
        self._floor = floor

    def analyze(self, text: str) -> tuple[Finding, ...]:
        """Return the analyzer's results above the floor."""
        results = self._analyzer.analyze(text=text, language=self._language, entities=self._entities)
        return tuple(self._finding(result) for result in results if result.score >= self._floor)

    def _finding(self, result: Result) -> Finding:
        kind, category = TYPES.get(result.entity_type, (result.entity_type.lower(), "identifier"))
        return Finding(
            type=kind,
            category=category,
            start=result.start,
            end=result.end,
            score=round(min(1.0, result.score), 2),
            scanner=self.name,
        )


def _engine() -> Analyzer:
    try:
        from presidio_analyzer import AnalyzerEngine
    except ImportError:
        raise MissingExtra("presidio", "presidio-analyzer") from None
    engine: Analyzer = AnalyzerEngine()
    return engine
