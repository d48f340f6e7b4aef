import re
from pathlib import Path

from handrail.policy import loads
from handrail.policy.file.cases import run_cases
from handrail.policy.language import sources

PAGE = Path(__file__).parents[4] / "docs" / "howto" / "facts.md"


def test_the_policies_on_the_page_of_sources_hold_their_tests_and_show_each_kind() -> None:
    text = PAGE.read_text(encoding="utf-8")
    policies = [loads(example) for example in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    kinds = {type(fact.source) for policy in policies for fact in policy.facts.values()}
    assert [one.differences for policy in policies for one in run_cases(policy)] == [()]
    assert kinds >= {
        sources.ToolArgument,
        sources.ToolResult,
        sources.ContextField,
        sources.Caller,
        sources.Ledger,
        sources.Conversation,
        sources.InputFindings,
        sources.OtherThan,
    }
