from handrail.policy import loads
from handrail.policy.analyse import CODES, Level, check


def test_what_a_policy_lacks_is_said() -> None:
    policy = loads(
        """
policy: p
version: "1"
if_unsure: a
roles: {a: , b: {answer_within: 1 hours, backup: a}}
facts: {flag: {type: yes/no}, unused: {type: yes/no}}
hand_offs:
  - {id: h, when: flag, to: b}
  - {id: tested, when: flag == no, to: b, because: x}
tests:
  - {name: fires, given: {flag: no}, expect: {hand_off: [b]}}
  - {name: fails, given: {flag: no}, expect: {hand_off: [a], owner: a, decision: {d: x}, rules: [h],
     triggers: [fault], shadow: [h], effect: block}}
"""
    )
    checked = check(policy)
    by_code = {code: [r for r in checked.remarks if r.code == code] for code in CODES}
    assert "role 'a'" in by_code["no-deadline"][0].message
    assert "role 'a'" in by_code["no-backup"][0].message
    assert [r.rules for r in by_code["no-because"]] == [("h",)]
    assert [r.rules for r in by_code["untested"]] == [("h",)]
    assert "'unused'" in by_code["unread-fact"][0].message
    assert len(by_code["test-failed"]) == 7
    assert by_code["test-failed"][0].line == 12
    levels = [remark.level for remark in checked.remarks]
    assert levels == sorted(levels, key=list(Level).index)


def test_a_fact_without_a_source_and_a_test_that_is_not_read_are_remarked_on() -> None:
    text = """\
policy: p
version: "1"
if_unsure: q
roles: {q: {answer_within: 1 hours, backup: r}, r: {answer_within: 1 hours, backup: q}}
facts:
  vip: {type: yes/no}
  given: {type: yes/no, from: caller}
  age: {type: duration, from: context.age}
hand_offs:
  - {id: a, when: vip or given or age > 5 days, to: q, because: it is}
tests:
  - {name: t, given: {vip: yes, given: no, age: 30d}, expect: {hand_off: [q]}}
"""
    found = {remark.code: remark.message for remark in check(loads(text)).remarks}
    assert found["no-source"].startswith("'vip' has no `from:`; write `from: context.vip`")
    assert found["unreadable-test"].endswith(
        "states age as '30d', which is not read: write the duration as 30 days"
    )
