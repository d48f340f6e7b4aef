"""Are miscopied amounts, dates and identifiers found in real answers of an agent?"""

import random
from collections import Counter
from collections.abc import Iterator

from benchmarks.report import data, rows, wilson

from handrail.confidence.scorers.grounding import Claim, ClaimKind, Grounded, Sources

PLANTED = (ClaimKind.AMOUNT, ClaimKind.DATE, ClaimKind.IDENTIFIER)


class Tally:
    """Counts over some answers: how many state something unsupported, and what became of planted changes."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.answers = self.alarms = self.claims = self.unsupported = 0
        self.planted: Counter[str] = Counter()
        self.found: Counter[str] = Counter()

    def add(self, grounded: Grounded) -> None:
        """Count one unchanged answer."""
        self.answers += 1
        self.alarms += bool(grounded.unsupported)
        self.claims += len(grounded.claims)
        self.unsupported += len(grounded.unsupported)

    @property
    def recall(self) -> float:
        """Share of planted changes that were listed at their place."""
        return self.found.total() / self.planted.total()

    @property
    def false_alarm(self) -> float:
        """Share of unchanged answers in which something was listed."""
        return self.alarms / self.answers

    def show(self) -> None:
        """Print a line for each kind and for false alarms."""
        print(f"\ngrounding, {self.title}: {self.answers} answers, {self.claims} claims")
        for kind in (*sorted(self.planted), ""):
            found, planted = (
                (self.found[kind], self.planted[kind]) if kind else (self.found.total(), self.planted.total())
            )
            low, high = wilson(found, planted)
            print(
                f"  found {kind or 'all':<10} {found:4}/{planted:<4}"
                f" = {found / planted:.3f} [{low:.3f}, {high:.3f}]"
            )
        low, high = wilson(self.alarms, self.answers)
        print(
            f"  false alarms on unchanged answers {self.false_alarm:.3f} [{low:.3f}, {high:.3f}],"
            f" on claims {self.unsupported / self.claims:.3f}"
        )


def run(seed: int = 0) -> tuple[dict[str, float], list[str]]:
    """Plant one change in every supported amount, date and identifier, one at a time."""
    chance = random.Random(seed)
    every, final = Tally("every answer"), Tally("final answers")
    policy = data("tau", "tau1", "airline_policy.md").read_text()
    for record in rows(data("tau", "tau1", "airline_gpt4o_runs.jsonl.gz")):
        sources, last = Sources([policy]), None
        for message in record["messages"]:
            text = message.get("content") or ""
            if message["role"] in ("user", "tool"):
                sources.add(text)
            elif message["role"] == "assistant" and text:
                grounded = sources.ground(text)
                outcomes = list(_plant(text, grounded, sources, chance))
                _count(every, grounded, outcomes)
                if grounded.claims:
                    last = grounded, outcomes
                sources.add_answer(text)
        if last is not None:
            _count(final, *last)
    every.show()
    final.show()
    short = ["grounding_recall"] if final.recall < 0.95 else []
    return {"grounding_recall": final.recall, "grounding_false_alarm": final.false_alarm}, short


def _count(tally: Tally, grounded: Grounded, outcomes: list[tuple[str, bool]]) -> None:
    tally.add(grounded)
    for kind, is_found in outcomes:
        tally.planted[kind] += 1
        tally.found[kind] += is_found


def _plant(
    text: str, grounded: Grounded, sources: Sources, chance: random.Random
) -> Iterator[tuple[str, bool]]:
    for claim in grounded.claims:
        if claim.kind not in PLANTED or claim in grounded.unsupported:
            continue
        places = [at for at in range(claim.start, claim.end) if _may_change(text[at], claim)]
        if not places:
            continue
        at = chance.choice(places)
        letters = "0123456789" if text[at].isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        letter = chance.choice([other for other in letters if other != text[at].upper()])
        changed = text[:at] + letter + text[at + 1 :]
        listed = sources.ground(changed).unsupported
        yield claim.kind.value, any(other.start <= at < other.end for other in listed)


def _may_change(character: str, claim: Claim) -> bool:
    return character.isdigit() or (claim.kind is ClaimKind.IDENTIFIER and character.isalpha())
