from decimal import Decimal

import pytest

from handrail.policy import Policy, loads
from handrail.policy.analyse import check
from handrail.policy.file.compile import compile_policy
from handrail.policy.language.source_text import parse_source, parse_sources
from handrail.policy.language.sources import ToolArgument, written
from handrail.policy.tools.explain import explain
from handrail.records import Effect, FactValue, Money, Stage, Trigger, Unknown

HEAD = """\
policy: scoped
version: "1"
if_unsure: lead
roles: {lead: , boss: }
on_conflict: {to: boss}
facts:
  refund.amount: {type: money, currencies: [USD], from: issue_refund.args.amount}
  vip: {type: yes/no, from: context.vip}
"""


def policy_of(*rules: str, more: str = "") -> Policy:
    return loads(HEAD + "hand_offs:\n" + "".join(f"  - {{{rule}}}\n" for rule in rules) + more)


def called(tool: str, **facts: FactValue) -> dict[str, FactValue]:
    return {"tool.name": tool, **{name.replace("__", "."): value for name, value in facts.items()}}


def usd(amount: int) -> Money:
    return Money(amount=Decimal(amount), currency="USD")


RULES = (
    "refund.amount > 200 USD",
    "not (refund.amount <= 200 USD)",
    "refund.amount is missing",
    "refund.amount is known",
    "refund.amount > 200 USD and vip",
    "refund.amount > 200 USD or refund.amount is missing",
    "not (refund.amount > 200 USD or vip)",
)


@pytest.mark.parametrize("when", RULES)
def test_a_rule_about_an_argument_rests_in_other_calls_and_in_answers(when: str) -> None:
    policy = policy_of(f"id: r, when: '{when}', to: lead")
    assert policy.decide(called("get_order", vip=Unknown(why="missing")), Stage.TOOL).effect is Effect.PASS
    assert policy.decide({"vip": Unknown(why="missing")}, Stage.ANSWER).effect is Effect.PASS
    assert policy.decide({}, Stage.INPUT).effect is Effect.PASS


def test_a_missing_argument_of_the_tool_itself_stays_unknown() -> None:
    policy = policy_of("id: r, when: refund.amount > 200 USD, to: lead")
    decision = policy.decide(called("issue_refund", refund__amount=Unknown(why="missing")), Stage.TOOL)
    assert [(reason.trigger, reason.unknown) for reason in decision.reasons] == [
        (Trigger.UNSURE, ("refund.amount",))
    ]


def test_a_call_whose_tool_has_no_name_is_unsure() -> None:
    policy = policy_of("id: r, when: refund.amount > 200 USD, to: lead")
    assert policy.decide({"refund.amount": usd(300)}, Stage.TOOL).reasons[0].trigger is Trigger.UNSURE


def test_an_argument_of_another_tool_is_not_read_as_ones_own() -> None:
    policy = policy_of("id: r, when: refund.amount > 200 USD, to: lead")
    assert not policy.decide(called("transfer", refund__amount=usd(900)), Stage.TOOL).reasons


def test_the_other_half_of_a_rule_speaks_everywhere() -> None:
    policy = policy_of("id: r, when: refund.amount > 200 USD or vip, to: lead")
    assert policy.decide(called("get_order", vip=True), Stage.TOOL).reasons
    assert policy.decide({"vip": True}, Stage.INPUT).reasons
    unsure = policy.decide(called("get_order", vip=Unknown(why="missing")), Stage.TOOL).reasons[0]
    assert unsure.unknown == ("vip",)


def test_a_fact_may_be_an_argument_of_several_tools() -> None:
    source = parse_sources(["pay.args.sum", "issue_refund.args.order.amount"])
    assert isinstance(source, ToolArgument)
    assert source.path_in("issue_refund") == ("order", "amount")
    assert source.path_in("look") is None
    assert written(source) == "pay.args.sum, issue_refund.args.order.amount"
    assert parse_sources(["pay.args.sum", "pay.args.amount"]) is None
    assert parse_sources(["pay.args.sum", "clock.time"]) is None


def test_a_tools_name_may_hold_anything_before_its_arguments() -> None:
    assert parse_source("mcp/github.create-issue.args.items[0].title") == ToolArgument(
        of=(("mcp/github.create-issue", ("items", "0", "title")),)
    )
    assert parse_source("tool.args.amount") == ToolArgument(path=("amount",))


def test_a_decision_without_applies_when_leaves_no_gap_in_calls_it_does_not_speak_of() -> None:
    decision = """decisions:
  refund:
    answers: {allowed: pass, refused: block}
    rules:
      - {id: small, when: refund.amount <= 100 USD, then: allowed}
      - {id: large, when: refund.amount > 300 USD, then: refused}
"""
    policy = loads(HEAD + decision)
    assert not policy.decide(called("get_order"), Stage.TOOL).reasons
    assert (
        policy.decide(called("issue_refund", refund__amount=usd(200)), Stage.TOOL).reasons[0].rule == "refund"
    )
    gaps = [remark for remark in check(policy).remarks if remark.code == "gap"]
    assert gaps
    assert gaps[0].witness["tool.name"] == "issue_refund"
    named = loads(HEAD + decision.replace("answers:", 'applies_when: tool.name != "x"\n    answers:', 1))
    assert named.decide(called("get_order"), Stage.TOOL).reasons[0].rule == "refund"


def test_a_statement_about_an_argument_is_broken_only_where_the_argument_is() -> None:
    policy = loads(
        HEAD + "always: [refund.amount <= 5000 USD]\nimpossible: [vip and refund.amount == 0 USD]\n"
    )
    assert not policy.decide(called("get_order", vip=True), Stage.TOOL).reasons
    assert policy.decide(called("issue_refund", refund__amount=usd(6000)), Stage.TOOL).reasons
    assert policy.decide(called("issue_refund", refund__amount=usd(0), vip=True), Stage.TOOL).reasons


def test_an_explanation_says_that_a_rule_rests() -> None:
    policy = policy_of("id: r, when: refund.amount > 200 USD, to: lead")
    line = explain(policy, called("get_order"), Stage.TOOL).lines[0]
    assert line.verdict == "rests"
    assert line.facts["refund.amount"] == "does not apply to get_order"


def problems_of(text: str) -> list[str]:
    return [problem.problem for problem in compile_policy(text, file="p")[1]]


def test_a_test_in_the_file_means_the_tool_whose_argument_it_gives() -> None:
    cases = "tests:\n  - {name: n, given: {refund.amount: 300 USD}, expect: {hand_off: [lead]}}\n"
    policy = policy_of("id: r, when: refund.amount > 200 USD, to: lead", more=cases)
    assert policy.cases[0].given["tool.name"] == "issue_refund"
    odd = cases.replace("{refund.amount", "{tool.name: look, refund.amount")
    assert problems_of(HEAD + odd) == ["refund.amount does not apply to look"]


TOOLS = "tools: {get_order: reads, issue_refund: acts}\n"


def test_an_unlisted_tool_makes_one_reason_and_not_every_rule_unsure() -> None:
    policy = policy_of("id: r, when: refund.amount > 200 USD, to: boss", more=TOOLS)
    decision = policy.decide(called("wipe_disk"), Stage.TOOL)
    assert [(reason.rule, reason.role) for reason in decision.reasons] == [("unlisted_tool", "lead")]
    assert not policy.decide(called("get_order"), Stage.TOOL).reasons


def test_an_unlisted_tool_can_be_blocked() -> None:
    policy = policy_of("id: r, when: vip, to: boss", more=TOOLS + "unlisted: block\n")
    assert policy.decide(called("wipe_disk", vip=False), Stage.TOOL).effect is Effect.BLOCK


def test_an_unlisted_tool_that_its_framework_declares_to_read_may_pass() -> None:
    policy = policy_of(
        "id: r, when: refund.amount > 200 USD, to: boss", more=TOOLS + "unlisted: pass_reads\n"
    )
    assert not policy.decide(called("look", tool__kind="reads"), Stage.TOOL).reasons
    for kind in ("acts", "undeclared", Unknown(why="missing")):
        assert policy.decide(called("look", tool__kind=kind), Stage.TOOL).effect is Effect.HAND_OFF
    assert policy.decide(called("look"), Stage.TOOL).effect is Effect.HAND_OFF


def test_doubt_costs_no_ticket_in_a_read_unless_a_rule_names_the_tool() -> None:
    doubt = called("get_order", vip=Unknown(why="missing"))
    assert not policy_of("id: r, when: vip, to: boss", more=TOOLS).decide(doubt, Stage.TOOL).reasons
    named = policy_of("id: r, when: 'tool.name == \"get_order\" and vip', to: boss", more=TOOLS)
    assert named.decide(doubt, Stage.TOOL).reasons
    certain = policy_of("id: r, when: vip, to: boss", more=TOOLS)
    assert certain.decide(called("get_order", vip=True), Stage.TOOL).reasons
    assert certain.decide(called("issue_refund", vip=Unknown(why="missing")), Stage.TOOL).reasons


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("unlisted: block\n", "`unlisted:` needs `tools:`, e.g. tools: {get_order: reads}"),
        (
            "tools: {issue_refnd: acts}\n",
            "the tool 'issue_refund' is not in `tools:`; did you mean 'issue_refnd'?",
        ),
        (
            TOOLS + "hand_offs: [{id: r, when: 'tool.name == \"get_ordr\"', to: lead}]\n",
            "'get_ordr' is not a value of tool.name; did you mean 'get_order'?",
        ),
    ],
)
def test_a_tool_that_does_not_exist_is_an_error(text: str, problem: str) -> None:
    assert any(found.splitlines()[0] == problem for found in problems_of(HEAD + text))


def test_the_old_form_stays_and_a_check_shows_the_new_one() -> None:
    old = HEAD.replace("issue_refund.args", "tool.args") + "  tool.name: {type: text}\n"
    rule = (
        "hand_offs:\n  - {id: r, when: 'tool.name == \"issue_refund\" and refund.amount > 9 USD', to: lead}\n"
    )
    found = [one.message for one in check(loads(old + rule)).remarks if one.code == "unscoped-argument"]
    assert found == [
        "refund.amount: `from: tool.args.amount` is unknown in calls without that argument;"
        " write `from: issue_refund.args.amount`"
    ]


def test_a_check_says_where_each_rule_can_apply() -> None:
    policy = policy_of(
        "id: refunds, when: refund.amount > 200 USD, to: lead",
        "id: either, when: refund.amount > 200 USD or vip, to: lead",
        "id: vips, when: vip, to: lead",
        more=TOOLS,
    )
    assert {place.rule: place.where for place in check(policy).places} == {
        "unlisted_tool": ("calls of any other tool",),
        "refunds": ("calls of issue_refund",),
        "either": ("messages", "calls of any tool"),
        "vips": ("messages",),
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            TOOLS + "unlisted: pass_reads\n",
            "'tool.kind' is whether the tool reads or acts",
        ),
        (
            TOOLS + "hand_offs: [{id: unlisted_tool, when: vip, to: lead}]\n",
            "the id 'unlisted_tool' is that of the rule for tools that `tools:` leaves out",
        ),
        (
            "tests: [{name: t, stage: answer, given: {refund.amount: 3 USD}, expect: {effect: pass}}]\n",
            "refund.amount applies to calls of a tool, not at the stage answer",
        ),
        ("tools: [a]\n", "'tools' is a mapping, e.g. {key: value}"),
    ],
)
def test_what_cannot_be_meant_is_an_error(text: str, problem: str) -> None:
    head = HEAD + "  tool.kind: {type: text, from: context.k}\n" if "pass_reads" in text else HEAD
    assert problem in problems_of(head + text)
