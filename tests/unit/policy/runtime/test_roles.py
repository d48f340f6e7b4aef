from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from handrail.policy.runtime.roles import RolePlan, covering, unfilled

NAMES = ("clerk", "lead", "head", "legal")
PLANS = {
    "clerk": RolePlan(name="clerk"),
    "lead": RolePlan(name="lead", covers=("clerk",)),
    "head": RolePlan(name="head", covers=("lead",)),
    "legal": RolePlan(name="legal"),
}


def test_a_role_covers_what_the_roles_it_covers_cover() -> None:
    assert covering("clerk", PLANS) == ("lead", "head")
    assert covering("lead", PLANS) == ("head",)
    assert covering("head", PLANS) == covering("legal", PLANS) == ()


def test_one_agreement_fills_one_seat() -> None:
    assert unfilled(["clerk"], [("head", "head")], PLANS) == ()
    assert unfilled(["clerk", "lead"], [("head", "head")], PLANS) == ("lead",)
    assert unfilled(["clerk", "lead"], [("head", "head"), ("lead", "clerk")], PLANS) == ()
    assert unfilled(["lead"], [("clerk", "clerk")], PLANS) == ("lead",)
    assert unfilled(["legal", "legal"], [("legal", "legal")], PLANS) == ()


@given(
    st.lists(st.sampled_from(NAMES), max_size=4, unique=True),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=4),
)
def test_as_many_needed_roles_are_filled_as_any_seating_can_fill(
    needed: list[str], seats: list[tuple[str, str]]
) -> None:
    def fits(role: str, seat: tuple[str, str] | None) -> bool:
        return seat is not None and not {role, *covering(role, PLANS)}.isdisjoint(seat)

    offered = [*seats, *[None] * len(needed)]
    best = max(
        sum(fits(role, seat) for role, seat in zip(needed, order, strict=False))
        for order in permutations(offered, len(needed))
    )
    assert len(unfilled(needed, seats, PLANS)) == len(needed) - best
