import math

import pytest

from handrail.confidence import score
from handrail.records import Draft, TokenLogprob


def tokens(*pairs: tuple[str, float], top: tuple[tuple[str, float], ...] = ()) -> tuple[TokenLogprob, ...]:
    return tuple(TokenLogprob(token=t, logprob=p, data=t.encode(), top=top) for t, p in pairs)


def test_a_label_sums_the_variants_of_its_spelling_and_its_beginnings() -> None:
    top = (("Tru", -1.0), (" true", -2.0), ("False", -3.0), ("T", -4.0), ("The", -5.0))
    draft = Draft(text="True", logprobs=tokens(("Tru", -1.0), ("e", 0.0), top=top))
    found = score(draft, labels=("True", "False"))
    assert found.method == "label"
    assert found.value == pytest.approx(math.exp(-1) + math.exp(-2) + math.exp(-4))


def test_a_beginning_that_two_labels_share_speaks_for_neither() -> None:
    draft = Draft(
        text="refund", logprobs=tokens(("re", -0.1), ("fund", -0.5), top=(("re", -0.1), ("refund", -3.0)))
    )
    assert score(draft, labels=("refund", "return")).value == pytest.approx(math.exp(-3.0))


def test_marks_around_a_label_do_not_hide_its_token() -> None:
    draft = Draft(
        text=" (B).",
        logprobs=(
            *tokens((" (", -2.0)),
            *tokens(("B", -0.5), top=(("B", -0.5), ("A", -1.2))),
            *tokens((").", -3.0)),
        ),
    )
    assert score(draft, labels="ABCD").value == pytest.approx(math.exp(-0.5))
