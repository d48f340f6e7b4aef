"""Changes of a policy's text that a finding asks for: small, shown as a diff, proved before they are shown.

Only the lines that change are touched; comments and layout stay. A patch is ready when the new text loads,
brings no new error of `policy check`, passes the file's own tests, and was tried on past decisions. A test
that spoke of the old rule is given the new outcome, and a reason that names a moved number the new number, in
the same diff, so that whoever reads the diff sees it.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handrail.policy import Policy
from handrail.policy.analyse import check
from handrail.policy.file.cases import run_cases
from handrail.policy.file.compile import compile_policy
from handrail.policy.file.document import Document
from handrail.policy.tools.backtest import Backtest, backtest
from handrail.records import Decision, Effect, Trigger
from handrail.review.changes.promise import NOTHING_CERTIFIED, broken
from handrail.review.changes.rule_reasons import with_reasons
from handrail.review.evidence.certified import Certified
from handrail.review.log.conditions import FactCondition, FactTest, written_size

_LIMIT = r"(?<![\w.]){fact}\s*>\s*(?P<limit>\d+(?:\.\d+)?(?:\s+[A-Za-z]+)?)"
_FLOOR = r"(?<![\w.]){fact}\s*<=?\s*(?P<limit>\d*\.?\d+)"


class NotPatchable(ValueError):
    """The text cannot be changed by a program; says what a person has to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPatch:
    """A policy's text before and after, and what was found of the new one.

    `problems` are new errors and tests that fail; with any, the patch is no proposal. `tests` are the names
    of the tests that were given their new outcome, `remarks` what the diff could not bring in step with it.
    """

    file: str
    before: str
    after: str
    problems: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    tried: Backtest | None = None

    @property
    def is_ready(self) -> bool:
        """True when nothing speaks against it."""
        return not self.problems

    @property
    def diff(self) -> str:
        """The change as a unified diff."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            fromfile=self.file,
            tofile=self.file,
            n=2,
        )
        return "".join(lines)


def retired(text: str, rule: str) -> str:
    """Return the text with a rule in shadow mode: it stops nothing and its hits stay on record; pure."""
    found = _Rules(text)
    place = found.place(rule)
    if "mode" in found.rules[place]:
        raise NotPatchable(f"{rule} has a mode of its own")
    at = found.document.position(("hand_offs", place, "id"), at_key=True)
    found.block_only(place)
    found.lines.insert(at.line, f"{' ' * (at.column - 1)}mode: shadow\n")
    return "".join(found.lines)


def narrowed(text: str, rule: str, condition: FactCondition) -> str:
    """Return the text with a rule that no longer fires where a condition holds; pure.

    Where the condition is a size up to which a limit of the same fact may go, the limit is moved.
    """
    if not condition.tests:
        return retired(text, rule)
    found = _Rules(text)
    place = found.place(rule)
    moved = _limit_moved(found, place, condition)
    if moved is not None:
        return moved
    found.block_only(place)
    return found.with_condition(place, f"not ({condition})")


def _limit_moved(found: "_Rules", place: int, condition: FactCondition) -> str | None:
    if len(condition.tests) != 1 or condition.tests[0].operator != "<=":
        return None
    test: FactTest = condition.tests[0]
    first, after = found.span(place)
    part = "".join(found.lines[first:after])
    limits = list(re.finditer(_LIMIT.format(fact=re.escape(test.fact)), part))
    if len(limits) != 1:
        return None
    start, end = limits[0].span("limit")
    changed = part[:start] + written_size(test.size, test.unit) + part[end:]
    return "".join(found.lines[:first]) + changed + "".join(found.lines[after:])


def threshold_set(text: str, rule: str, fact: str, threshold: float) -> str:
    """Return the text with another number that a fact of a rule must not fall below; pure."""
    found = _Rules(text)
    first, after = found.span(found.place(rule))
    part = "".join(found.lines[first:after])
    limits = list(re.finditer(_FLOOR.format(fact=re.escape(fact)), part))
    if len(limits) != 1:
        raise NotPatchable(f"{rule} does not hold {fact} against one number")
    start, end = limits[0].span("limit")
    return "".join([*found.lines[:first], part[:start], f"{threshold:.3f}", part[end:], *found.lines[after:]])


def role_set(text: str, rule: str, role: str) -> str:
    """Return the text with another role that decides what a rule hands off; pure."""
    found = _Rules(text)
    place = found.place(rule)
    if "to" not in found.rules[place]:
        raise NotPatchable(f"{rule} names no role")
    at = found.document.position(("hand_offs", place, "to"))
    line, old = found.lines[at.line - 1], str(found.rules[place]["to"])
    begin = at.column - 1
    if not line.startswith(old, begin):
        raise NotPatchable(f"the role of {rule} is not written plainly")
    found.lines[at.line - 1] = line[:begin] + role + line[begin + len(old) :]
    return "".join(found.lines)


def added(
    text: str,
    rule: str,
    condition: FactCondition,
    *,
    to: str,
    because: str,
    trigger: Trigger = Trigger.HIGH_STAKES,
) -> str:
    """Return the text with a rule that hands off where a condition holds, the last of its list; pure."""
    keys = {"id": rule, "when": _scalar(str(condition)), "to": to, "trigger": str(trigger)}
    return _appended(text, {**keys, "because": _scalar(because)})


def masking_added(text: str, rule: str, fact: str, item: str, *, because: str) -> str:
    """Return the text with a rule that masks what a fact of findings holds, the last of its list; pure."""
    return _appended(
        text,
        {"id": rule, "when": f"{fact} has {item}", "effect": str(Effect.REDACT), "because": _scalar(because)},
    )


def _appended(text: str, keys: Mapping[str, str]) -> str:
    found = _Rules(text)
    last = len(found.rules) - 1
    if last < 0:
        raise NotPatchable("there is no rule yet behind which another could stand")
    _, after = found.span(last)
    indent = " " * (found.document.position(("hand_offs", last)).column - 1)
    item = indent[:-2] if len(indent) >= 2 else indent
    # `- ` stands before the keys of an item.
    lines = [
        f"{indent if place else f'{item}- '}{key}: {value}\n"
        for place, (key, value) in enumerate(keys.items())
    ]
    return "".join([*found.lines[:after], *lines, *found.lines[after:]])


def _scalar(words: str) -> str:
    plain = not re.search(r": | #|^[\"'\[\]{}&*!|>%@`-]", words)
    return words if plain else "'" + words.replace("'", "''") + "'"


class _Rules:
    """The hand-off rules of a text, with the lines each of them takes."""

    def __init__(self, text: str) -> None:
        self.document = Document(text, "policy")
        self.rules: Sequence[Mapping[str, Any]] = self.document.value.get("hand_offs") or ()
        self.lines = text.splitlines(keepends=True)
        if self.lines and not self.lines[-1].endswith("\n"):
            self.lines[-1] += "\n"

    def place(self, rule: str) -> int:
        for place, shape in enumerate(self.rules):
            if shape["id"] == rule:
                return place
        raise NotPatchable(f"{rule} is no rule of `hand_offs`")

    def span(self, place: int) -> tuple[int, int]:
        """Return the first line of a rule and the one after its last, counted from 0."""
        first = self.document.position(("hand_offs", place)).line - 1
        own = [p.line for path, p in self.document.values.items() if path[:2] == ("hand_offs", place)]
        last = max([first + 1, *own])
        column = self.document.position(("hand_offs", place)).column
        while last < len(self.lines):
            line = self.lines[last]
            is_deeper = len(line) - len(line.lstrip()) >= column and not line.lstrip().startswith("- ")
            if not line.strip() or not is_deeper or line.lstrip().startswith("#"):
                break
            last += 1
        return first, last

    def block_only(self, place: int) -> None:
        first = self.lines[self.document.position(("hand_offs", place)).line - 1]
        if re.match(r"\s*-\s*\{", first):
            raise NotPatchable(
                f"{self.rules[place]['id']} is written in braces; write it on lines of its own"
            )

    def with_condition(self, place: int, condition: str) -> str:
        """Return the text with a further condition on a rule."""
        path = ("hand_offs", place, "when")
        at, key = self.document.position(path), self.document.position(path, at_key=True)
        old = " ".join(str(self.rules[place]["when"]).split())
        begin, end = key.line - 1, max(at.line, key.line)
        while end < len(self.lines):
            line = self.lines[end]
            if not line.strip() or len(line) - len(line.lstrip()) < key.column:
                break
            end += 1
        indent = " " * (key.column - 1)
        new = [f"{indent}when: >-\n", f"{indent}  ({old})\n", f"{indent}  and {condition}\n"]
        head = self.lines[begin][: key.column - 1]
        if head.strip():
            new[0] = f"{head}when: >-\n"
        return "".join([*self.lines[:begin], *new, *self.lines[end:]])


def proved(
    before: str,
    after: str,
    *,
    file: str,
    rows: Iterable[object] = (),
    folder: Path | None = None,
    certified: Certified = NOTHING_CERTIFIED,
) -> PolicyPatch:
    """Return a patch with what check, the file's tests, its promises and past decisions say of it.

    Args:
        before: the text in force.
        after: the new one.
        file: its name.
        rows: records of past decisions, as a log holds them.
        folder: where calibration files are looked up.
        certified: what is certified under the policy in force.

    Raises:
        PolicyError: the text in force is no policy.
    """
    after, remarks = with_reasons(before, after)
    old, _ = compile_policy(before, file=file, folder=folder)
    new, problems = compile_policy(after, file=file, folder=folder)
    if old is None or new is None:
        words = tuple(problem.problem for problem in problems) or ("the policy in force cannot be read",)
        return PolicyPatch(file=file, before=before, after=after, problems=words)
    changed, renamed = _with_tests(after, old, new)
    if renamed:
        after = changed
        new, problems = compile_policy(after, file=file, folder=folder)
        if new is None:
            return PolicyPatch(
                file=file, before=before, after=after, problems=tuple(p.problem for p in problems)
            )
    return PolicyPatch(
        file=file,
        before=before,
        after=after,
        problems=problems_of(before, after, file=file, folder=folder, certified=certified),
        tests=renamed,
        remarks=remarks,
        tried=backtest(enumerate(rows, start=1), new),
    )


def problems_of(
    before: str,
    after: str,
    *,
    file: str,
    folder: Path | None = None,
    certified: Certified = NOTHING_CERTIFIED,
) -> tuple[str, ...]:
    """Return what speaks against a text in place of another one: check, its own tests, and the promises.

    Args:
        before: the text in force.
        after: the new one, taken as it is.
        file: its name.
        folder: where calibration files are looked up.
        certified: what is certified under the policy in force.
    """
    old, _ = compile_policy(before, file=file, folder=folder)
    new, problems = compile_policy(after, file=file, folder=folder)
    if old is None or new is None:
        return tuple(problem.problem for problem in problems) or ("the policy in force cannot be read",)
    return (
        *_failing(old, new),
        *_worse(old, new),
        *broken(before, after, old, new, certified=certified),
    )


def _failing(old: Policy, new: Policy) -> list[str]:
    """Return the tests that fail now and did not before."""
    before = {one.case.name for one in run_cases(old) if not one.is_passed}
    failing = [one.case.name for one in run_cases(new) if not one.is_passed]
    return [f"the test '{name}' fails" for name in failing if name not in before]


def _worse(old: Policy, new: Policy) -> list[str]:
    """Return the errors that a check has to say of the new policy and not of the old one."""
    known = {(remark.code, remark.rules) for remark in check(old).remarks}
    return [
        remark.message
        for remark in check(new).remarks
        if remark.level == "error" and (remark.code, remark.rules) not in known
    ]


def _with_tests(text: str, old: Policy, new: Policy) -> tuple[str, tuple[str, ...]]:
    """Give each test that passed before and fails now what the new policy says, where it is on one line."""
    before = {one.case.name for one in run_cases(old) if one.is_passed}
    failing = {one.case.name: one for one in run_cases(new) if not one.is_passed and one.case.name in before}
    if not failing:
        return text, ()
    document = Document(text, "policy")
    lines = text.splitlines(keepends=True)
    done: list[str] = []
    for place, shape in enumerate(document.value.get("tests") or ()):
        one = failing.get(shape.get("name"))
        at = document.position(("tests", place, "expect"))
        line = lines[at.line - 1]
        end = line.find("}", at.column - 1)
        if one is None or not line[at.column - 1 :].startswith("{") or end < 0:
            continue
        lines[at.line - 1] = line[: at.column - 1] + _expected(one.decision) + line[end + 1 :]
        done.append(one.case.name)
    return "".join(lines), tuple(done)


def _expected(decision: Decision) -> str:
    if decision.effect is not Effect.HAND_OFF:
        return f"{{effect: {decision.effect}}}"
    roles = [role for role in (decision.role, *decision.co_approvers) if role]
    return f"{{hand_off: [{', '.join(roles)}]}}"
