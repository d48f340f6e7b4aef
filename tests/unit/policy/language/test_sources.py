"""Where facts come from, and from which stage on they exist."""

from datetime import timedelta

import pytest

from handrail.policy import loads
from handrail.policy.language import sources
from handrail.records import SignalKind, Stage

HEAD = "policy: p\nversion: 1\nif_unsure: a\nroles: {a: }\nfacts:\n"


@pytest.mark.parametrize(
    ("line", "source", "stage"),
    [
        ("tool.name: {type: text}", sources.ToolName(), Stage.TOOL),
        ("x: {type: text, from: tool.args.a.0.b}", sources.ToolArgument(path=("a", "0", "b")), Stage.TOOL),
        (
            "x: {type: text, from: tool.result.get.a.b}",
            sources.ToolResult(tool="get", path=("a", "b")),
            Stage.TOOL,
        ),
        ("context.plan: {type: text}", sources.ContextField(name="plan"), Stage.INPUT),
        ("input.findings: {type: set, values: [a]}", sources.InputFindings(), Stage.INPUT),
        ("output.findings: {type: set, values: [a]}", sources.OutputFindings(), Stage.ANSWER),
        ("x: {type: set, values: [a], from: tool.findings}", sources.ToolFindings(), Stage.TOOL),
        (
            "x: {type: yes/no, from: signal.dispute}",
            sources.SignalSeen(kind=SignalKind.DISPUTE),
            Stage.INPUT,
        ),
        ("x: {type: number, from: confidence}", sources.ConfidenceValue(), Stage.ANSWER),
        ("fault: {type: one of}", sources.FaultSeen(), Stage.ANSWER),
        ("answer.kind: {type: one of}", sources.AnswerKind(), Stage.ANSWER),
        ("clock.time: {type: time of day}", sources.Clock(field="time"), Stage.INPUT),
        ("day: {type: weekday, from: clock.weekday}", sources.Clock(field="weekday"), Stage.INPUT),
        (
            "x: {type: yes/no, from: conversation, after: user_yes}",
            sources.Conversation(after="user_yes"),
            Stage.INPUT,
        ),
        (
            "n: {type: whole number, from: ledger, count: true, where: pay, per: customer, within: 30 days}",
            sources.Ledger(kind="count", tool="pay", amount="", per="customer", within=timedelta(days=30)),
            Stage.INPUT,
        ),
        ("own: {type: text}", sources.Caller(), Stage.INPUT),
    ],
)
def test_a_source_is_read_with_its_stage(line: str, source: sources.Source, stage: Stage) -> None:
    name = line.partition(":")[0]
    fact = loads(HEAD + f"  {line}\n").facts[name]
    assert fact.source == source
    assert fact.stage is stage


def test_provenance_and_faults_know_their_values() -> None:
    policy = loads(
        HEAD
        + "  a: {type: text}\n  fault: {type: one of}\n"
        + "  from_where: {type: one of, from: provenance, of: a}\n"
    )
    assert policy.facts["from_where"].values == ("tool_result", "user_text", "both", "nowhere")
    assert policy.facts["fault"].values[:2] == ("none", "error")


def test_a_sum_over_the_ledger_names_a_declared_fact_of_its_type() -> None:
    from handrail.errors import PolicyError

    ledger = "from: ledger, where: pay, per: customer, within: 1 days"
    for line, words in (
        (f"s: {{type: money, currencies: [USD], {ledger}, sum: none}}", "is not declared"),
        (f"a: {{type: number}}\n  s: {{type: money, currencies: [USD], {ledger}, sum: a}}", "a is number"),
        (f"s: {{type: money, currencies: [USD], {ledger}, count: true}}", "a whole number"),
        (f"s: {{type: whole number, {ledger}}}", "either `sum:`"),
        ("s: {type: yes/no, from: conversation}", "needs `after:"),
        ("s: {type: one of, from: provenance, of: z}", "is not declared"),
        ("fault: {type: one of, values: [eror]}", "did you mean 'error'"),
    ):
        with pytest.raises(PolicyError, match=words):
            loads(HEAD + f"  {line}\n")
