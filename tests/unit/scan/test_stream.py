import pytest

from handrail.records import Finding
from handrail.scan import ListedValue, Scanner, ScanSpec, default_scanner, redact
from handrail.scan.stream import BOUND, WITHHELD, StreamScanner


def streamed(chunks, scanner=None, **options):
    stream = StreamScanner(scanner or default_scanner(), **options)
    pieces = [piece for chunk in chunks for piece in stream.feed(chunk)]
    pieces += stream.finish()
    return pieces, stream


def test_every_chunk_gets_its_piece_and_untouched_ones_come_back_as_they_were():
    chunks = ["Dear ", "Jo, ", "write to jane", "@exam", "ple.com", " today. ", "All the best from here"]
    pieces, _ = streamed(chunks, redact_types=frozenset({"email"}))
    assert len(pieces) == len(chunks)
    assert "".join(pieces) == "Dear Jo, write to [EMAIL] today. All the best from here"
    assert pieces[0] == chunks[0]
    assert pieces[5] == chunks[5]


def test_plain_words_are_let_go_long_before_the_end():
    stream = StreamScanner(default_scanner(), frozenset({"identifier"}))
    out = "".join(
        piece
        for word in ["the", "roof", "was", "finished", "before", "winter", "came"]
        for piece in stream.feed(word + " ")
    )
    assert out.startswith("the roof was finished")


def test_findings_have_offsets_of_the_whole_text():
    text = "first some words, then jane@example.com, then more words to follow"
    _, stream = streamed(list(text), redact_types=frozenset({"email"}))
    assert stream.findings == default_scanner().scan(text)


def test_types_that_are_not_redacted_are_reported_only():
    text = "card 4111 1111 1111 1111 of jane@example.com."
    pieces, stream = streamed(list(text), redact_types=frozenset({"card"}))
    assert "".join(pieces) == "card [CARD] of jane@example.com."
    assert {f.type for f in stream.findings} == {"card", "email"}


def test_a_run_without_an_end_is_withheld_at_the_bound():
    chunks = [
        "start ",
        *(["a" * 100] * (3 * BOUND // 100)),
        " and ",
        "then ",
        "the ",
        "end ",
        "of ",
        "it ",
        "is ",
        "here",
    ]
    pieces, stream = streamed(chunks)
    text = "".join(pieces)
    assert WITHHELD in text
    assert len(text) < 200
    assert "the end of it is here" in text
    assert any(finding.type == "endless_run" for finding in stream.findings)
    assert stream.held == 0


def test_the_hold_back_is_bounded_all_the_way():
    stream = StreamScanner(default_scanner())
    for _ in range(400):
        stream.feed("a" * 100)
        assert stream.held <= BOUND + 100


def test_a_capped_type_closes_the_rest_as_in_the_whole_text():
    scanner = Scanner(ScanSpec(max_findings=2))
    text = "a@example.com b@example.com c@example.com the rest of it"
    pieces, _ = streamed(list(text), scanner)
    assert "".join(pieces) == redact(text, scanner.scan(text)) == "[EMAIL] [EMAIL]"


def test_with_an_analyzer_everything_is_held_to_the_end():
    class Names:
        name = "names"

        def analyze(self, text: str) -> tuple[Finding, ...]:
            at = text.find("secret")
            return (Finding(type="word", category="identifier", start=at, end=at + 6),) if at >= 0 else ()

    stream = StreamScanner(Scanner(ScanSpec(analyzers=(Names(),))), frozenset({"word"}))
    assert stream.feed("a secret ") == ()
    assert stream.feed("word ") == ()
    assert "".join(stream.finish()) == "a [WORD] word "


@pytest.mark.parametrize("style", ["label", "mask"])
def test_styles_of_redact_serve_streams_too(style):
    text = "call me at (212) 555-0142 tomorrow, not today please"
    pieces, _ = streamed(list(text), style=style)
    assert "".join(pieces) == redact(text, default_scanner().scan(text), style=style)


def test_every_denied_value_is_held_back_in_streams():
    scanner = Scanner(ScanSpec(deny=(ListedValue(value="Falcon Nine"), ListedValue(value="Blue Heron"))))
    text = "about falcon nine and the blue heron, as agreed last week"
    pieces, _ = streamed(list(text), scanner, redact_types=frozenset({"denied"}))
    assert "".join(pieces) == "about [DENIED] and the [DENIED], as agreed last week"
