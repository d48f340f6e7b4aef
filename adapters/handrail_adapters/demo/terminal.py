"""One whole demonstration on screen: each turn with who decided and why, then the review."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table

from handrail.tickets.ticket import ProposedAction, Ticket
from handrail_adapters.demo.play import Played, Player, open_shop, rules_of
from handrail_adapters.demo.reviewer import Refused, Reviewed, decide
from handrail_adapters.demo.scenario import Scenario

TITLE = "[bold]Northwind Gadgets[/bold] · a shop that refunds, with a guard"
ABOUT = (
    "The model is [bold]scripted[/bold]: a server on this machine says fixed lines over real HTTP.\n"
    "Who decides is not: that follows from the policy, as it would with any model."
)


class Terminal:
    """Writes a demonstration to a terminal as it goes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def open(self, policy: str) -> None:
        """Say what the demonstration shows."""
        body = f"{ABOUT}\nPolicy: [cyan]{escape(policy)}[/cyan]"
        self._console.print(Panel(body, title=TITLE, title_align="left", border_style="dim", expand=False))

    def turn(self, played: Played) -> None:
        """Show one turn."""
        turn = played.turn
        self._console.print(f"\n[bold]{turn.number:>2}  {turn.customer}:[/bold] {escape(turn.says)}")
        self._line(*_verdict(played))
        self._answer(played.heard.text)
        self._problems(played.differences)

    def review(self, reviewed: Reviewed) -> None:
        """Show what the reviewer did and what came of it."""
        review = reviewed.review
        head = f"{review.reviewer} ({review.role}) opens ticket {reviewed.reference}"
        self._console.print(f"\n[bold]    {head}[/bold]")
        for refused in reviewed.refused[:-1]:
            self._refused(refused)
        edit = f"amount {reviewed.asked} → {review.amount}, approved: “{escape(review.message)}”"
        self._line("green", "DECIDED", edit)
        paid = ", ".join(f"{amount} USD" for amount in reviewed.paid) or "nothing"
        self._line("green", "DONE", f"the gate let it pass; the shop has paid: {paid}")
        for refused in reviewed.refused[-1:]:
            self._refused(refused)
        self._console.print(f"\n[bold]    {reviewed.customer}:[/bold] {escape(review.then_asks)}")
        told = (
            "was told what the person decided" if reviewed.is_told else "was not told what the person decided"
        )
        self._line("green", "AI", f"speaks again, and {told}")
        self._answer(reviewed.heard.text)
        self._problems(reviewed.differences)

    def audit(self, entries: int, *, is_intact: bool) -> None:
        """Say whether the audit log is intact."""
        state = "[green]intact[/green]" if is_intact else "[bold red]broken[/bold red]"
        self._console.print(f"\naudit log: {entries} entries, hash chain {state}")

    def close(self, *, turns: int, problems: int, seconds: float, kept: Path | None) -> None:
        """Say how it ended and where its tickets are."""
        if problems:
            self._console.print(f"\n[bold red]{problems} differences from what was expected.[/bold red]")
        else:
            self._console.print(
                f"\n[bold green]{turns} turns, each as expected[/bold green], in {seconds:.1f} s."
            )
        left = f"Its tickets: sqlite:///{kept / 'handrail.db'}" if kept else "Nothing was left behind."
        self._console.print(escape(left))

    def _line(self, colour: str, word: str, text: str) -> None:
        grid = Table.grid(padding=(0, 1), pad_edge=False)
        grid.add_column(width=7)
        grid.add_column(overflow="fold")
        grid.add_row(f"[{colour}]{word}[/{colour}]", text)
        self._console.print(Padding(grid, (0, 0, 0, 4), expand=False))

    def _answer(self, text: str) -> None:
        self._line("dim", "says", escape(text))

    def _refused(self, refused: Refused) -> None:
        if refused.error:
            self._line("red", "REFUSED", f"{refused.what} [dim]({refused.error})[/dim]")

    def _problems(self, differences: tuple[str, ...]) -> None:
        for difference in differences:
            self._line("bold red", "WRONG", f"not as expected: {escape(difference)}")


def _verdict(played: Played) -> tuple[str, str, str]:
    """Colour, word and line: who decides, by when, and why."""
    handoff = played.heard.handoff
    if handoff is None:
        ran = f"ran {', '.join(played.heard.ran)}" if played.heard.ran else "answered"
        return "green", "AI", f"[bold]assistant[/bold] decides · {ran}"
    due = f" · due {handoff.due.astimezone(ZoneInfo(played.zone)):%H:%M %Z}" if handoff.due else ""
    said = played.ticket.reference if played.ticket is not None else handoff.ticket
    who = f"[bold]{handoff.role}[/bold] decides{due} · ticket {said}"
    return "yellow", "JOINED" if handoff.joined else "HOLD", f"{who} · {escape(why_of(played))}"


def why_of(played: Played) -> str:
    """Say in one line why a turn was handed off."""
    handoff = played.heard.handoff
    if handoff is None:
        return ""
    if handoff.joined:
        note = next((attempt.note for attempt in reversed(played.attempts) if attempt.note), "")
        return "still waiting for a person; attempt noted" + (f": {note}" if note else "")
    triggers = ", ".join(handoff.triggers)
    ticket = played.ticket.ticket if played.ticket else None
    return f"{triggers}: {_because(ticket)}" if ticket else triggers


def _because(ticket: Ticket) -> str:
    """Return why, in the rules' words: of the rule that handed it off, or of all that disagree."""
    cited = {rule.rule: rule.because or rule.rule for rule in ticket.policy.rules}
    names = ticket.policy.conflict or (ticket.reason_code,)
    words = " / ".join(dict.fromkeys(cited.get(name, name).rstrip(".") for name in names))
    asked = _asked(ticket.action) if ticket.action else ""
    return f"{words} ({asked})" if asked else words


def _asked(action: ProposedAction) -> str:
    """Return the amount among the arguments; rules may read totals too, and those were not asked for."""
    given = {str(value) for value in json.loads(action.arguments or "{}").values()}
    return next((fact.text() for fact in action.amounts.values() if fact.value in given), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What was played, and every difference from what was expected."""

    turns: tuple[Played, ...]
    reviewed: Reviewed | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """A scenario, the screen it is shown on, and how long to pause between turns (seconds)."""

    scenario: Scenario
    screen: Terminal
    pause_s: float = 0.0

    def run(self, *, policy: str | Path, store: str) -> DemoResult:
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
        return DemoResult(turns=tuple(played), reviewed=reviewed, problems=tuple(problems))

    def _review(self, player: Player, played: list[Played]) -> Reviewed | None:
        review = self.scenario.review
        handoff = next(p.heard.handoff for p in played if p.turn.number == review.turn)
        if handoff is None or handoff.role != review.role:
            return None
        reviewed = decide(player, review, handoff.ticket)
        self.screen.review(reviewed)
        return reviewed


def as_data(result: DemoResult) -> Mapping[str, Any]:
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
