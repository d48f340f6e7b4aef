"""One whole demonstration: every turn, then the review; shown as it goes, returned as data."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handrail_adapters.demo.deciding import Reviewed, decide
from handrail_adapters.demo.opening import open_shop
from handrail_adapters.demo.play import Played, Player, rules_of
from handrail_adapters.demo.scenario import Scenario
from handrail_adapters.demo.screen import Screen, why_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was played, and every difference from what was expected."""

    turns: tuple[Played, ...]
    reviewed: Reviewed | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """A scenario, the screen it is shown on, and how long to pause between turns (seconds)."""

    scenario: Scenario
    screen: Screen
    pause_s: float = 0.0

    def run(self, *, policy: str | Path, store: str) -> Result:
        """Play it once, with its tickets in a store that is new."""
        played: list[Played] = []
        with open_shop(store=store, policy=policy, script=self.scenario.script) as shop:
            ref = shop.guard.policy.ref
            self.screen.open(f"{ref.name} {ref.version}")
            player = Player(shop, self.scenario)
            for turn in player.turns():
                played.append(turn)
                self.screen.turn(turn)
                time.sleep(self.pause_s)
            reviewed = self._review(player, played)
            problems = [*player.leaks(), *_problems(played, reviewed)]
            player.store.flush()
            audit = player.store.verify()
            problems += [f"audit: {problem.what}" for problem in audit.problems]
            self.screen.audit(audit.entries, is_intact=audit.is_intact)
        return Result(turns=tuple(played), reviewed=reviewed, problems=tuple(problems))

    def _review(self, player: Player, played: list[Played]) -> Reviewed | None:
        review = self.scenario.review
        handoff = next(p.heard.handoff for p in played if p.turn.number == review.turn)
        if handoff is None or handoff.role != review.role:
            return None
        reviewed = decide(player, review, handoff.ticket)
        self.screen.review(reviewed)
        return reviewed


def as_data(result: Result) -> Mapping[str, Any]:
    """Return a demonstration as plain data."""
    return {
        "as_expected": not result.problems,
        "problems": list(result.problems),
        "turns": [_turn(played) for played in result.turns],
        "review": _reviewed(result.reviewed) if result.reviewed else None,
    }


def _problems(played: list[Played], reviewed: Reviewed | None) -> list[str]:
    found = [f"turn {p.turn.number}: {difference}" for p in played for difference in p.differences]
    if reviewed is None:
        return [*found, "review: its ticket was not opened for its role"]
    return [*found, *(f"review: {difference}" for difference in reviewed.differences)]


def _turn(played: Played) -> Mapping[str, Any]:
    handoff = played.heard.handoff
    return {
        "turn": played.turn.number,
        "says": played.turn.says,
        "decided_by": handoff.role if handoff else "assistant",
        "triggers": [str(trigger) for trigger in handoff.triggers] if handoff else [],
        "rules": sorted(rules_of(played.ticket)),
        "why": why_of(played),
        "joined": bool(handoff and handoff.joined),
        "due": handoff.due.isoformat() if handoff and handoff.due else None,
        "ticket": handoff.ticket if handoff else None,
        "ran": list(played.heard.ran),
        "refunded": played.refunded,
        "heard": played.heard.text,
        "differences": list(played.differences),
    }


def _reviewed(reviewed: Reviewed) -> Mapping[str, Any]:
    return {
        "ticket": reviewed.ticket,
        "reviewer": reviewed.review.reviewer,
        "role": reviewed.review.role,
        "refused": {refused.what: refused.error for refused in reviewed.refused},
        "paid": list(reviewed.paid),
        "verdict": reviewed.resolution.verdict if reviewed.resolution else None,
        "heard": reviewed.heard.text,
        "differences": list(reviewed.differences),
    }
