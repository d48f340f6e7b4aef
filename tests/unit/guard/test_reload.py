"""A policy that is put in force makes no call wait: what finds sensitive data is there, or ready."""

import time
from pathlib import Path

from handrail.guard.opening import scanner_of, spec_of
from handrail.policy import loads
from handrail.records import Draft, Message, Speaker
from handrail.scan import Scanner
from support.shop_guard import POLICY, shop_guard

LADEN = "Card 4111 1111 1111 1111, ann@example.org, 12 High Street, password = 'secret1!' by Ann Smith."
BADGE = "scan: {entities: [{type: badge, category: identifier, terms: [BX-12]}]}"
WITH_BADGE = POLICY.replace("roles:", f"{BADGE}\nroles:", 1)


def seconds(scanner: Scanner) -> float:
    began = time.process_time()
    scanner.scan(LADEN)
    return time.process_time() - began


def test_policies_that_look_for_the_same_share_a_scanner() -> None:
    before = scanner_of(loads(WITH_BADGE))
    assert scanner_of(loads(WITH_BADGE.replace("500 USD", "400 USD"))) is before
    assert scanner_of(loads(POLICY)) is not before


def test_the_scanner_of_a_guard_is_ready_and_stays_so_over_a_reload(tmp_path: Path) -> None:
    fresh = seconds(Scanner(spec_of(loads(WITH_BADGE).scan)))
    with shop_guard(tmp_path) as guard:
        assert seconds(scanner_of(guard.policy)) < fresh / 3
        guard.reload(loads(WITH_BADGE))
        ready = scanner_of(guard.policy)
        assert seconds(ready) < fresh / 3
        assert [finding.type for finding in ready.scan("Badge BX-12.")] == ["badge"]


def test_what_is_put_in_force_is_looked_for_at_the_next_call(tmp_path: Path) -> None:
    masked = WITH_BADGE.replace("values: [credential, email]", "values: [credential, email, badge]")
    masked = masked.replace("or output.findings has email", "or output.findings has badge")
    asked = (Message(speaker=Speaker.USER, text="Which badge?"),)
    with shop_guard(tmp_path) as guard:
        said = [guard.begin(asked).finish([Draft(text="It is BX-12.")]).drafts[0].text]
        guard.reload(loads(masked))
        said.append(guard.begin(asked).finish([Draft(text="It is BX-12.")]).drafts[0].text)
    assert said[0] == "It is BX-12."
    assert "BX-12" not in said[1]
