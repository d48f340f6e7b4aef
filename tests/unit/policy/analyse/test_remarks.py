from handrail.policy.analyse import CODES, check
from handrail.policy.analyse.remarks import sarif
from support.checked_policy import decision


def test_sarif_has_a_rule_for_every_code_and_a_place_for_every_remark() -> None:
    policy = decision("id: a, when: age <= 30 days, then: yes", "id: b, when: sale, then: no")
    found = check(policy).remarks
    run = sarif([("p.yaml", found)], version="1")["runs"][0]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == set(CODES)
    assert len(run["results"]) == len(found)
    conflict = next(result for result in run["results"] if result["ruleId"] == "conflict")
    assert conflict["locations"][0]["physicalLocation"]["region"]["startLine"] > 1
    assert conflict["properties"]["witness"]["sale"] == "yes"
