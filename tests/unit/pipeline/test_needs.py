"""One generator machine: steps ask, a plain or an awaiting driver answers."""

import asyncio
from collections.abc import Callable, Generator

import pytest

from handrail.pipeline.needs import arun, run


def sum_of(names: list[str]) -> Generator[str, int, int]:
    total = 0
    for name in names:
        total += yield name
    return total


def run_awaiting(steps: Generator[str, int, int], answer: Callable[[str], object]) -> int:
    async def later(need: str) -> object:
        await asyncio.sleep(0)
        return answer(need)

    return asyncio.run(arun(steps, later))


DRIVERS = pytest.mark.parametrize("drive", [run, run_awaiting])


@DRIVERS
def test_every_need_is_answered_and_the_result_comes_back(drive):
    assert drive(sum_of(["a", "bb", "ccc"]), len) == 6
    assert drive(sum_of([]), len) == 0


@DRIVERS
def test_a_stop_iteration_of_an_answer_is_an_error_and_not_the_end(drive):
    with pytest.raises(RuntimeError):
        drive(sum_of(["a"]), lambda need: next(iter(())))


@DRIVERS
def test_an_error_of_an_answer_is_raised_as_it_is(drive):
    def answer(need: str) -> int:
        raise KeyError(need)

    with pytest.raises(KeyError, match="a"):
        drive(sum_of(["a"]), answer)
