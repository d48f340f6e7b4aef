import re
from pathlib import Path

from handrail.policy import loads
from handrail.policy.language import sources

PAGE = Path(__file__).parents[4] / "docs" / "howto" / "facts.md"


def test_the_policy_on_the_page_of_sources_loads_and_shows_each_kind() -> None:
    text = PAGE.read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    kinds = {type(fact.source) for fact in loads(example).facts.values()}
    assert kinds >= {
        sources.ToolArgument,
        sources.ToolResult,
        sources.ContextField,
        sources.Caller,
        sources.Ledger,
        sources.Conversation,
        sources.InputFindings,
    }
