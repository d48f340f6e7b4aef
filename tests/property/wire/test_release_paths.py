"""A stream whose chunks are told by the one before them is shown as one whose chunks are each parsed."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.http.incremental import IncrementalRelease
from handrail.pipeline.stream import StreamRelease
from handrail.scan import default_scanner
from handrail.wire.chat.stream import ChatStream, TextOnly
from handrail.wire.foreign_json import Json, load_object
from property.wire.test_alike import CHUNKS, HEAD, PADDED, TAIL, told

WORDS = st.sampled_from(
    [
        "Write to ",
        "ann@",
        "example",
        ".org ",
        "and bring the parcel. ",
        "It is late",
        "\\n",
        '\\"',
        "é",
        "4111 ",
    ]
)
SAID = st.one_of(
    WORDS.map(lambda word: HEAD + word + TAIL),
    WORDS.map(lambda word: HEAD + word + PADDED + 'aZ09"}'),
    CHUNKS,
)


class ParsingStream(ChatStream):
    """Parses every chunk."""

    def feed_data(self, data: str) -> Json | TextOnly | None:
        payload = load_object(data)
        if payload is None:
            self.broken()
        else:
            self.feed(payload)
        return payload


def shown(stream: ChatStream, pieces: list[bytes]) -> tuple[list[bytes], bytes, object]:
    """Return what is shown after each piece, what is left at the end, and what the stream says."""
    release = IncrementalRelease(
        lambda: StreamRelease(default_scanner(), frozenset({"email"})), strips_logprobs=False
    )
    release.stream = stream
    given_back = [release.take(piece) for piece in pieces]
    release.end()
    return given_back, release.rest(), told(stream)


@settings(max_examples=60, deadline=None)
@given(events=st.lists(SAID, max_size=12), cuts=st.lists(st.integers(0, 2000), max_size=6))
def test_told_by_the_one_before_or_parsed_the_same_is_shown_and_held(
    events: list[str], cuts: list[int]
) -> None:
    body = "".join(f"data: {data}\n\n" for data in events).encode()
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    pieces = [body[start:end] for start, end in pairwise(edges)]
    fast, slow = shown(ChatStream(), pieces), shown(ParsingStream(), pieces)
    assert fast == slow
    assert b"".join(fast[0]) + fast[1] == b"".join(slow[0]) + slow[1]


def test_an_address_stops_both_at_the_same_place() -> None:
    texts = ["Nothing to see here, ", "it is late. ", "Write to ann@", "example.org", " today. ", "Good bye."]
    pieces = [f"data: {HEAD}{text}{TAIL}\n\n".encode() for text in texts]
    fast, slow = shown(ChatStream(), pieces), shown(ParsingStream(), pieces)
    assert fast == slow
    assert b"it is late" in b"".join(fast[0])
    assert b"ann@" not in b"".join(fast[0])
    assert b"Good bye" in fast[1]
