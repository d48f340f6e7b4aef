from dataclasses import dataclass

from handrail.scan import Scanner, ScanSpec
from handrail_adapters.presidio import PresidioScanner


@dataclass
class Result:
    entity_type: str
    start: int
    end: int
    score: float


class Engine:
    """Stands for an AnalyzerEngine: answers with what it was given and notes what it was asked."""

    def __init__(self, *results: Result) -> None:
        self.results = results
        self.asked: list[dict[str, object]] = []

    def analyze(self, **asked: object) -> tuple[Result, ...]:
        self.asked.append(asked)
        return self.results


def test_results_become_findings_named_after_the_scanner():
    engine = Engine(Result("PERSON", 0, 4, 0.85), Result("ZODIAC", 5, 8, 0.9), Result("PERSON", 9, 12, 0.1))
    found = PresidioScanner(engine).analyze("Anna Leo abc")
    assert [(f.type, f.category, f.scanner) for f in found] == [
        ("person", "identifier", "presidio"),
        ("zodiac", "identifier", "presidio"),
    ]
    assert engine.asked[0]["entities"] == ["PERSON", "LOCATION"]


def test_an_analyzer_can_stand_in_for_the_shipped_tagger():
    engine = Engine(Result("PERSON", 10, 13, 0.85))
    scanner = Scanner(ScanSpec(tagger="presidio", analyzers=(PresidioScanner(engine),)))
    assert [(f.start, f.end, f.scanner) for f in scanner.scan("my name is Jo")] == [(10, 13, "presidio")]
