"""A blank pipeline with an entity ruler: models cannot be had from a package index, rules can."""

import pytest
import spacy

from handrail.scan import Scanner, ScanSpec, redact
from handrail.scan.stream import StreamScanner
from handrail_adapters.spacy import SpacyScanner


@pytest.fixture(scope="module")
def pipeline() -> spacy.Language:
    blank = spacy.blank("en")
    ruler = blank.add_pipe("entity_ruler")
    ruler.add_patterns(  # type: ignore[attr-defined]
        [
            {"label": "PERSON", "pattern": [{"LOWER": "zebulon"}, {"LOWER": "quirke"}]},
            {"label": "GPE", "pattern": "Atlantis"},
            {"label": "PRODUCT", "pattern": "Gizmo"},
        ]
    )
    return blank


def test_entities_with_a_known_label_become_findings_named_after_the_scanner(pipeline):
    found = SpacyScanner(pipeline).analyze("zebulon quirke took a Gizmo to Atlantis")
    assert [(f.type, f.category, f.start, f.end, f.scanner) for f in found] == [
        ("person", "identifier", 0, 14, "spacy"),
        ("address", "location", 31, 39, "spacy"),
    ]


def test_labels_can_be_given_types_of_ones_own(pipeline):
    own = SpacyScanner(pipeline, types={"PRODUCT": ("product", "identifier")}, score=0.6)
    assert [(f.type, f.score) for f in own.analyze("a Gizmo for Zebulon Quirke")] == [("product", 0.6)]


def test_offsets_are_those_of_the_text_whatever_characters_it_holds(pipeline):
    text = "💳 日本 é Zebulon Quirke"
    found = SpacyScanner(pipeline).analyze(text)
    assert [text[f.start : f.end] for f in found] == ["Zebulon Quirke"]


def test_a_pipeline_can_stand_in_for_the_shipped_tagger_whole_and_streamed(pipeline):
    scanner = Scanner(ScanSpec(tagger="spacy", analyzers=(SpacyScanner(pipeline),)))
    text = "ask zebulon quirke or jane@example.com"
    expected = redact(text, scanner.scan(text))
    assert expected == "ask [PERSON] or [EMAIL]"
    stream = StreamScanner(scanner)
    pieces = [piece for character in text for piece in stream.feed(character)]
    assert "".join(pieces) + "".join(stream.finish()) == expected


def test_a_pipeline_folder_is_loaded_by_its_name(pipeline, tmp_path):
    pipeline.to_disk(tmp_path / "own")
    found = SpacyScanner(str(tmp_path / "own")).analyze("Zebulon Quirke")
    assert [f.type for f in found] == ["person"]


def test_a_pipeline_that_is_not_installed_is_an_error():
    with pytest.raises(OSError, match="no_such_pipeline"):
        SpacyScanner("no_such_pipeline")
