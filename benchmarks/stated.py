"""Facts that answers state, on 200 written answers under six policies: `python -m benchmarks.stated`.

Half of the answers contradict their policy in other words. Those with odd numbers were worked with, the
others are held out: bars are on these. An answer counts as stopped if the policy hands it off.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from benchmarks.report import close, wilson

from handrail.pipeline.stated import all_stated
from handrail.policy import Policy, load
from handrail.records import Effect, Stage

ANSWERS = Path(__file__).parent / "written" / "answers.txt"
NOW = datetime.fromisoformat("2026-11-28T12:00+00:00")
RECALL, FALSE_ALARMS = 0.90, 0.03

POLICIES: Mapping[str, tuple[str, ...]] = {
    "returns": ("returns: {type: duration, says: [refund, return, money back]}; != 30 days",),
    "contracts": (
        "late_fee: {type: money, currencies: [USD],"
        " says: [late fee, late payment, pay late, overdue]}; != 15 USD",
        'cancel_by: {type: one of, values: [letter, email, phone, online], says: [cancel]}; != "letter"',
    ),
    "shop": ("sale_ends: {type: date, says: [sale, offer]}; != 2026-12-24",),
    "members": ('discount: {type: percent, says: [discount, "off", save]}; != 10 percent',),
    "repairs": (
        "water_covered: {type: yes/no,"
        " says: [water damage, damage by water, damage from water, liquid damage]}; == yes",
    ),
    "flights": ("bags: {type: whole number, says: [bag, luggage]}; != 2",),
}
"""By policy its facts, each with the comparison that is against the policy."""


def policy_of(name: str, folder: Path) -> Policy:
    """Write a policy file and load it."""
    facts = [line.partition("; ") for line in POLICIES[name]]
    rules = [(fact.partition(":")[0], wrong) for fact, _, wrong in facts]
    lines = [
        f"policy: {name}",
        'version: "1"',
        "if_unsure: lead",
        "roles: {lead: {answer_within: 1 hours}}",
        "facts:",
        *(f"  answer.{fact}" for fact, _, _ in facts),
        "hand_offs:",
        *(f"  - {{id: {fact}, when: 'answer.{fact} {wrong}', to: lead}}" for fact, wrong in rules),
    ]
    path = folder / f"{name}.yaml"
    path.write_text("\n".join(lines) + "\n")
    return load(path)


def answers() -> Iterator[tuple[str, bool, str]]:
    """Yield the written answers: which fact they are about, whether they are wrong, and their words."""
    for line in ANSWERS.read_text().splitlines():
        if line and not line.startswith("#"):
            fact, kind, text = line.split("\t")
            yield fact, kind == "bad", text


def is_stopped(policy: Policy, text: str) -> bool:
    """Tell whether a policy hands an answer off."""
    values, _ = all_stated(policy, text, NOW)
    return policy.decide(values, Stage.ANSWER).effect is Effect.HAND_OFF


def main() -> None:
    """Measure and close."""
    homes = {line.partition(":")[0]: name for name, lines in POLICIES.items() for line in lines}
    counts = {"worked with": [0, 0, 0, 0], "held out": [0, 0, 0, 0]}
    with tempfile.TemporaryDirectory() as folder:
        policies = {name: policy_of(name, Path(folder)) for name in POLICIES}
        for number, (fact, is_wrong, text) in enumerate(answers(), start=1):
            count = counts["held out" if number % 2 == 0 else "worked with"]
            stopped = is_stopped(policies[homes[fact]], text)
            count[0 if is_wrong else 2] += stopped
            count[1 if is_wrong else 3] += 1
            if "--show" in sys.argv and number % 2 and stopped is not is_wrong:
                print(f"{number} {fact}: {'missed' if is_wrong else 'needless'}")
    figures: dict[str, float] = {}
    for half, (caught, wrong, needless, right) in counts.items():
        low, _ = wilson(caught, wrong)
        _, high = wilson(needless, right)
        print(
            f"{half:12} recall {caught}/{wrong} (at least {low:.2f})"
            f"  false {needless}/{right} (at most {high:.2f})"
        )
        key = half.replace(" ", "_")
        figures |= {f"{key}_recall": caught / wrong, f"{key}_false": needless / right}
    short = ["held_out_recall"] if figures["held_out_recall"] < RECALL else []
    short += ["held_out_false"] if figures["held_out_false"] > FALSE_ALARMS else []
    close("stated", figures, short)


if __name__ == "__main__":
    main()
