from pathlib import Path

import pytest

from handrail.errors import PolicyError
from handrail.policy import load, loads, shipped
from handrail.policy.file.compile import compile_policy
from handrail.policy.file.load import problems
from support.valid_policy import GOOD, error_of

DECISION = """\
on_conflict: {to: supervisor}
decisions:
  refund:
    answers: {allowed: pass, refused: block}
    rules:
      - {id: a, when: refund.amount > 1 USD, then: allowed, overrides: [b]}
      - {id: b, when: refund.amount > 2 USD, then: refused}
"""


CALIBRATED = GOOD.replace(
    "hand_offs:\n",
    """\
thresholds: {answer: calibration.json}
hand_offs:
  - id: doubtful
    when: confidence < model.threshold
    to: queue_manager
    because: Too likely to be wrong.
""",
).replace("  refund.amount:", "  confidence: {type: number}\n  refund.amount:")


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "words"),
    [
        ("if_unsure: queue_manager", "if_unsure: queue_manger", 3, 12, "did you mean 'queue_manager'?"),
        ("refund.amount > 200 USD", "refund.amont > 200 USD", 12, 43, "did you mean 'refund.amount'?"),
        ("refund.amount > 200 USD", "refund.amount > 200", 12, 43, "write a currency"),
        ("    to: supervisor", "    too: supervisor", 13, 5, "did you mean 'to'?"),
        ("backup: supervisor", "backup: supervisr", 5, 54, "did you mean 'supervisor'?"),
        ("answer_within: 30 minutes", "answer_within: 30 minuts", 5, 34, "write a duration"),
        ("type: money", "type: mony", 9, 25, "is one of"),
        ("from: tool.args.amount", "from: tool.arg.amount", 9, 57, "not a source"),
        ("  supervisor:\n", "  supervisor:\n  Fin Lead:\n", 7, 3, "not snake_case"),
        ("refund.amount: 201 USD", "refund.amout: 201 USD", 17, 38, "did you mean 'refund.amount'?"),
        ("expect: {hand_off: [supervisor]}", "expect: {}", 16, 5, "expects nothing"),
        ("    to: supervisor\n", "", 11, 5, "needs `to:`"),
        ('version: "1"\n', "", 1, 1, "'version' is missing"),
    ],
)
def test_an_error_cites_its_place_and_the_near_word(
    old: str, new: str, line: int, column: int, words: str
) -> None:
    assert old in GOOD
    error = error_of(GOOD.replace(old, new, 1))
    assert words in str(error)
    assert (error.file, error.line) == ("p.yaml", line)
    if "needs `to:`" not in words:
        assert error.column == column
    assert str(error).startswith(f"p.yaml:{line}:")


def test_four_typos_give_four_errors_with_their_lines() -> None:
    text = (
        GOOD.replace("if_unsure: queue_manager", "if_unsure: queue_manger")
        .replace("backup: supervisor", "backup: supervisr")
        .replace("refund.amount > 200 USD", "refund.amont > 200 USD")
        .replace("[supervisor]", "[supervizor]")
    )
    policy, found = compile_policy(text, file="p.yaml")
    assert policy is None
    assert [error.line for error in found] == [3, 5, 12, 18]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  - id: big\n", "  - id: big\n    effect: redact\n", "only redacts"),
        ("hand_offs:\n", "notices: {hand_of: x}\nhand_offs:\n", "did you mean 'hand_off'?"),
        ("hand_offs:\n", "notices: {hand_off: '{role.x}'}\nhand_offs:\n", "only {role}, {due}, {ticket}"),
        ("hand_offs:\n", "notices: {hand_off: '{role!r}'}\nhand_offs:\n", "only {role}, {due}, {ticket}"),
        ("hand_offs:\n", "notices: {hand_off: '{'}\nhand_offs:\n", "brace"),
        ("hand_offs:\n", "time_zone: Mars/Olympus\nhand_offs:\n", "is not a time zone"),
        ("  refund.amount:", "  has.x: {type: yes/no}\n  refund.amount:", "is a reserved word"),
        ("currencies: [USD], ", "", "needs `currencies:`"),
        ("from: tool.args.amount}", "from: ledger}", "needs `within:`"),
        ("from: tool.args.amount}", "from: signal.dispute}", "not money"),
        ("from: tool.args.amount}", "from: tool.args.amount, unit: days}", "'unit' does not apply"),
        (", values: [issue_refund, reply]", "", "needs `values:`"),
        ("hand_offs:\n", "thresholds: {answer: x.json}\nfoo: 1\nhand_offs:\n", "unknown key 'foo'"),
        (
            "hand_offs:\n  - id: big\n",
            "hand_offs:\n  - {id: big, when: true, to: supervisor}\n  - id: big\n",
            "twice",
        ),
    ],
)
def test_what_does_not_fit_together_is_said(old: str, new: str, words: str) -> None:
    assert old in GOOD
    assert words in str(error_of(GOOD.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("overrides: [b]", "overrides: [c]", "rule 'c' is not in this decision"),
        ("overrides: [b]", "overrides: [a]", "cannot override itself"),
        ("then: refused}", "then: refused, overrides: [a]}", "form a circle"),
        ("then: allowed,", "then: alowed,", "did you mean 'allowed'?"),
        ("refused: block", "refused: hand_off", "needs `to:`"),
        ("on_conflict: {to: supervisor}\n", "", "needs `on_conflict:"),
    ],
)
def test_a_decision_must_be_well_formed(old: str, new: str, words: str) -> None:
    assert loads(GOOD + DECISION)
    assert words in str(error_of(GOOD + DECISION.replace(old, new, 1)))


def test_a_path_and_a_shipped_name_load(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(GOOD)
    assert load(path).ref.name == load(str(path)).ref.name == "shop"
    assert load("support").ref.name == "support"
    assert "support" in shipped()


def test_a_name_like_no_shipped_policy_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(PolicyError, match=", ".join(shipped())):
        load("nosuch")


def test_a_policy_that_is_not_there_is_a_policy_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="did you mean 'support'"):
        load("suport")
    with pytest.raises(PolicyError, match="cannot be read"):
        load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"policy: \xff\n")
    assert "not UTF-8" in str(problems(tmp_path / "latin.yaml")[0])


def test_the_hash_is_of_the_content_not_of_its_looks() -> None:
    sha = loads(GOOD).ref.sha256
    assert (
        loads(
            "# comment\n" + GOOD.replace("{answer_within: 30 minutes", "{ answer_within: 30 minutes")
        ).ref.sha256
        == sha
    )
    assert loads(GOOD.replace("name: large", "name: larger")).ref.sha256 == sha
    assert loads(GOOD.replace("200 USD", "300 USD")).ref.sha256 != sha


def test_a_calibrated_threshold_is_a_fact_and_its_file_part_of_the_hash(tmp_path: Path) -> None:
    artefact = tmp_path / "calibration.json"
    artefact.write_text('{"threshold": 0.62, "model": "m"}')
    policy = loads(CALIBRATED, folder=tmp_path)
    assert not policy.warnings
    assert str(policy.constants["model.threshold"]) == "0.62"
    artefact.write_text('{"threshold": 0.7, "model": "m"}')
    assert loads(CALIBRATED, folder=tmp_path).ref.sha256 != policy.ref.sha256


def test_a_calibration_that_does_not_exist_puts_its_rules_in_shadow_and_says_so_once(tmp_path: Path) -> None:
    policy = loads(CALIBRATED, folder=tmp_path)
    assert len(policy.warnings) == 1
    assert [rule.id for rule in policy.hand_offs if rule.is_shadow] == ["doubtful"]


@pytest.mark.parametrize(
    "content", ["{}", "[", '{"threshold": 2}', '{"threshold": true}', '{"threshold": "x"}', "[" * 9999]
)
def test_a_calibration_without_a_threshold_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "calibration.json").write_text(content)
    with pytest.raises(PolicyError, match="holds no `threshold`"):
        loads(CALIBRATED, folder=tmp_path)


MANY = """\
policy: many
if_unsure: q
roles: {q: {answer_within: 30 min}, f: {answer_within: 4 hours, backp: q}}
notices: {hand_off: "A person will answer by {deadline}."}
facts:
  amount: {type: money, currencies: [USD]}
  age: {type: duraton}
  score: {type: number}
hand_offs:
  - {id: a, when: age > 30 days, to: q}
  - {id: b, wen: score > 1, to: q}
  - {id: c, when: "score > $5", to: z}
  - {id: d, when: amount > 100 EUR, to: q}
tests:
  - {name: t, given: {scor: 1}, expect: {hand_off: [f]}}
"""


def test_everything_that_is_wrong_is_said_at_once_and_consequences_are_not() -> None:
    with pytest.raises(PolicyError) as found:
        loads(MANY)
    problems = [found.value, *found.value.others]
    assert [(one.line, one.problem.splitlines()[0][:44]) for one in problems] == [
        (1, "'version' is missing"),
        (3, "'30 min': write the duration as 30 minutes"),
        (3, "unknown key 'backp'; did you mean 'backup'?"),
        (4, "there is no {deadline}; write {due}; a notic"),
        (7, "'type' is one of yes/no, number, whole numbe"),
        (11, "unknown key 'wen'; did you mean 'when'?"),
        (12, "'$5': write the amount as 5 USD"),
        (12, "role 'z' is not declared"),
        (13, "amount is never in EUR; declared: USD. Compa"),
        (15, "fact 'scor' is not declared; did you mean 's"),
    ]
    assert all(one.problem in str(found.value) for one in problems)


def test_a_tab_is_answered_with_spaces() -> None:
    with pytest.raises(PolicyError, match="YAML takes no tabs, write spaces"):
        loads("policy: p\nfacts:\n\tx: 1\n")
