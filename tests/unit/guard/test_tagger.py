"""A policy that leaves names to an analyzer is run by a guard that has it, and by no other."""

import pytest

from handrail import ConfigError, Guard, Handoff
from handrail.guard import scanner_of
from handrail.policy import Policy, loads
from handrail.records import Finding
from handrail.store import Spool, open_store

POLICY = """\
policy: names
version: "1"
owner: desk
if_unsure: desk
scan: {tagger: TAGGER}
roles: {desk: {answer_within: 30 minutes}}
facts: {input.findings: {type: set, values: [person]}}
hand_offs:
  - {id: names, when: input.findings has person, to: desk, because: Names are looked at.}
tests: []
"""


class Named:
    name = "names-of-the-house"

    def analyze(self, text: str) -> tuple[Finding, ...]:
        at = text.find("Zebulon")
        if at < 0:
            return ()
        end = at + len("Zebulon")
        return (
            Finding(type="person", category="identifier", start=at, end=end, score=1.0, scanner=self.name),
        )


def policy_of(tagger: str) -> Policy:
    return loads(POLICY.replace("TAGGER", tagger))


def guard_of(policy: Policy, tmp_path, **given) -> Guard:
    url = f"sqlite:///{tmp_path}/handrail.db"
    return Guard(policy, store=open_store(url), spool=Spool.beside(url), **given)


@pytest.mark.parametrize("tagger", ["names-of-the-house", "presidio", "ruels"])
def test_a_policy_whose_tagger_nobody_gives_is_refused(tagger, tmp_path):
    (tmp_path / "policy.yaml").write_text(POLICY.replace("TAGGER", tagger))
    with pytest.raises(ConfigError, match=tagger):
        Guard.from_policy(tmp_path / "policy.yaml", store=f"sqlite:///{tmp_path}/handrail.db")
    with pytest.raises(ConfigError, match=tagger):
        guard_of(policy_of("rules"), tmp_path).reload(policy_of(tagger))


def test_an_analyzer_that_the_guard_is_given_finds_the_names(tmp_path):
    policy = policy_of(Named.name)
    guard = guard_of(policy, tmp_path, scanner=scanner_of(policy, [Named()]))

    @guard
    def answer(question: str) -> str:
        return "We are open from 9 to 17."

    assert isinstance(guard.result(answer, "Zebulon asks when you are open."), Handoff)
    assert guard.result(answer, "When are you open?") == "We are open from 9 to 17."
    guard.close()


@pytest.mark.parametrize("tagger", ["rules", "none"])
def test_the_shipped_tagger_and_none_need_no_scanner(tagger, tmp_path):
    guard_of(policy_of(tagger), tmp_path).close()
