import numpy as np
import pytest

from handrail.review.evidence.score_worth import score_worth
from handrail.review.log.review_log import RIGHT, WRONG, ReviewLog


def read(count: int, *, slope: float, seed: int = 1) -> ReviewLog:
    rng = np.random.default_rng(seed)
    doubt = rng.beta(1.0, 3.0, count)
    wrong = rng.random(count) < np.clip(slope * doubt, 0, 1)
    return ReviewLog(
        exchange=tuple(map(str, range(count))),
        score=1.0 - doubt,
        verdict=np.where(wrong, WRONG, RIGHT),
        probability=np.full(count, 0.2),
    )


def test_the_confidence_at_which_a_look_pays_lies_where_a_quarter_is_wrong() -> None:
    found = score_worth(read(4000, slope=1.0), 0.25)
    assert found is not None
    assert found.score == pytest.approx(0.75, abs=0.04)
    assert found.low < found.cautious < found.score < found.high


def test_few_verdicts_say_little_and_very_few_nothing() -> None:
    many, few = score_worth(read(2000, slope=1.0), 0.25), score_worth(read(60, slope=1.0), 0.25)
    assert many is not None
    assert few is not None
    assert few.high - few.low > 2 * (many.high - many.low)
    assert score_worth(read(20, slope=1.0), 0.25) is None
    assert score_worth(read(200, slope=0.0), 0.25) is None


def test_the_same_verdicts_give_the_same_figure() -> None:
    assert score_worth(read(200, slope=1.0), 0.25) == score_worth(read(200, slope=1.0), 0.25)
