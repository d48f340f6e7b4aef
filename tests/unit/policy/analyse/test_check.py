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
