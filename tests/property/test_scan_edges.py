"""Every type between many neighbours: found, its span exact, the rest untouched; near misses are left
alone."""

import itertools
import random

import pytest
from benchmarks import edge_code, edge_values, scan_edges
from benchmarks.edge_frames import fits, frames

from handrail.scan import redact
from handrail.scan.stream import StreamScanner

OWN = scan_edges.scanner()
VALUES = [*edge_values.values(2, seed=3), *edge_values.grouped(3), *edge_values.nested(3)]
PAIRS = [(value, frame) for value, frame in itertools.product(VALUES, frames()) if fits(frame, value)]
SOME = random.Random(3).sample(PAIRS, 1500)


def is_exact(value, frame):
    text, start = frame.around(value)
    end = start + len(value.text)
    seen = scan_edges.spans(OWN, text)
    return (value.type, start, end) in seen


def test_there_are_seventy_types_and_a_hundred_and_twenty_neighbours():
    assert len({value.type for value in VALUES}) >= 70
    assert len(frames()) >= 120


def test_a_value_is_found_with_its_exact_span_between_any_neighbours():
    missed = [(value.type, frame.around(value)[0]) for value, frame in SOME if not is_exact(value, frame)]
    assert len(missed) <= 0.01 * len(SOME), missed[:20]


def test_a_near_miss_is_left_alone():
    framed = [frame for frame in frames() if frame.form in ("plain", "quote")]
    left_alone = scan_edges.near_misses(OWN, edge_values.near_misses(1, seed=3), framed[:4])
    assert left_alone.hits.total() >= 0.99 * left_alone.trials.total(), left_alone.missed


def test_secrets_in_code_are_found_and_look_alikes_are_not():
    found, left_alone = scan_edges.code(OWN)
    assert len(edge_code.snippets()) >= 300
    assert found.hits.total() >= 0.95 * found.trials.total(), found.missed
    assert left_alone.hits.total() >= 0.97 * left_alone.trials.total(), left_alone.missed


@pytest.mark.parametrize(("value", "frame"), random.Random(4).sample(PAIRS, 60))
def test_split_anywhere_a_framed_value_is_redacted_as_in_the_whole(value, frame):
    check_splits(frame.around(value)[0])


def check_splits(text):
    expected = redact(text, OWN.scan(text))
    for cut in (*range(1, len(text)), None):
        pieces = list(text) if cut is None else [text[:cut], text[cut:]]
        stream = StreamScanner(OWN)
        out = "".join(piece for chunk in pieces for piece in stream.feed(chunk))
        assert expected.startswith(out), cut
        assert out + "".join(stream.finish()) == expected, cut


@pytest.mark.slow
def test_every_value_between_every_pair_of_neighbours():
    missed = [(value.type, frame.around(value)[0]) for value, frame in PAIRS if not is_exact(value, frame)]
    assert len(missed) <= 0.01 * len(PAIRS), missed[:50]


@pytest.mark.slow
@pytest.mark.parametrize(("value", "frame"), random.Random(5).sample(PAIRS, 1500))
def test_many_framed_values_stream_as_they_scan(value, frame):
    check_splits(frame.around(value)[0])
