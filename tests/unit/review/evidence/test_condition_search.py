import numpy as np

from handrail.records import FactValue
from handrail.review.evidence.condition_search import missing_conditions, needless_condition
from handrail.review.log.conditions import FactCondition, FactTest, value_tests
from handrail.review.log.review_log import RIGHT, WRONG, ReviewLog

TOOL_A = FactTest(fact="tool", operator="in", values=("a",))
FROM_X = FactTest(fact="country", operator="in", values=("x",))


def log(wrong_of: dict[tuple[str, str], float], *, each: int = 40) -> ReviewLog:
    """As many cases of every tool and country, of which a share is wrong."""
    facts: list[dict[str, FactValue]] = []
    verdicts = []
    for tool in "abc":
        for country in "xyz":
            wrong = round(wrong_of.get((tool, country), 0.0) * each)
            facts += [{"tool": tool, "country": country}] * each
            verdicts += [WRONG] * wrong + [RIGHT] * (each - wrong)
    return ReviewLog(
        exchange=tuple(map(str, range(len(facts)))), facts=tuple(facts), verdict=np.array(verdicts)
    )


def test_what_two_facts_say_together_is_found_as_a_condition_of_both() -> None:
    found = missing_conditions(log({("a", "x"): 0.9, ("a", "y"): 0.1}), 0.25, frozenset())
    assert set(found[0][1].tests) == {TOOL_A, FROM_X}


def test_what_one_fact_says_needs_no_second_one() -> None:
    found = missing_conditions(log({("a", "x"): 0.6, ("a", "y"): 0.6, ("a", "z"): 0.6}), 0.25, frozenset())
    assert found[0][1] == FactCondition(tests=(TOOL_A,))


def test_a_rule_is_needless_where_two_facts_say_so() -> None:
    shares = {(tool, country): 0.5 for tool in "abc" for country in "xyz" if (tool, country) != ("a", "x")}
    found = needless_condition(log(shares), 0.2, frozenset())
    assert found is not None
    assert set(found[1].tests) == {TOOL_A, FROM_X}


def test_where_nobody_changes_anything_a_rule_is_needless_everywhere() -> None:
    found = needless_condition(log({}), 0.2, frozenset())
    assert found is not None
    assert found[1] == FactCondition()


def test_a_text_that_stands_for_another_one_is_no_condition() -> None:
    facts: list[dict[str, FactValue]] = [
        {"tool": "something_else-1"},
        {"tool": "something_else"},
        {"tool": "a"},
    ]
    assert list(value_tests(facts * 5)) == [TOOL_A]
