"""Plants a fault in a policy whose right form is known.

A needless rule, a missing one, a limit that is too low, a confidence that is asked for too little. What is
wrong outside of a policy's text, in `traffic_plants`, is only named here: a quarter finds a place for it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

from handrail.errors import ConfigError, PolicyError
from handrail.policy import FactDeclaration, Kind, Policy, sources
from handrail.policy.analyse.analysis import formulas_of
from handrail.policy.file.cases import run_cases
from handrail.policy.file.document import Document
from handrail.policy.file.load import loads
from handrail.policy.file.read import read_source
from handrail.testing.simulated_tools import named_tools, tool_facts, tools_in, tools_of_tests

NEEDLESS, MISSING, TOO_LOW, TOO_LAX = "needless", "missing", "too_low", "too_lax"
PLANTED_RULE = "read-every-look-up"
_MOST_TOOLS: Final = 2
"""A needless rule is about no more tools."""
_LIMIT: Final = re.compile(
    r"(?<![-+] )(?<![\w.])(?P<fact>[a-z][\w.]*(?: \+ [a-z][\w.]*)*) (?P<sign>>=?) (?P<limit>\d+(?:\.\d+)?)"
    r"(?P<unit> [A-Z]{3}| (?:second|minute|hour|day|week)s?| ?%| percent)?(?![\w.:%-]| [-+])"
)
_BELOW: Final = re.compile(
    r"(?<![-+] )(?<![\w.])(?P<fact>[a-z][\w.]*) (?P<sign><=?) (?P<limit>0?\.\d+)(?![\w.])"
)
_NEVER_SEEN: Final = sources.Ledger | sources.ResultAmounts
"""Sources whose facts a simulation holds at nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A fault that was planted: its kind, and what there is of: the rule, fact, item or role it is about.

    `planted` and `right` are the limits of a moved one. `item` is one of a set of findings.
    """

    kind: str
    rule: str = ""
    fact: str = ""
    item: str = ""
    role: str = ""
    planted: Decimal | None = None
    right: Decimal | None = None

    def __str__(self) -> str:
        """Return what was planted in one line."""
        what = " ".join(word for word in (self.rule, self.fact, self.item) if word)
        moved = "" if self.planted is None else f"{self.planted} in place of {self.right}"
        return f"planted {self.kind}: " + ", ".join(word for word in (what, self.role, moved) if word)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedPolicy:
    """A policy's text without its tests, as it should be and with the faults in it.

    `file` is the text with the faults and with those tests that hold of it. `traffic` names the kinds of what
    is to be planted outside of the text, `folder` is where the policy's calibration files lie, `tools` are
    those that only the tests name.
    """

    reference: str
    text: str
    plants: tuple[Plant, ...]
    file: str = ""
    traffic: tuple[str, ...] = ()
    folder: Path | None = None
    tools: tuple[str, ...] = ()


def without_tests(text: str, document: Document) -> str:
    """Return a policy's text without its tests; pure. They are written for the policy as it should be.

    Tests in a file that is not written in blocks stay where they are.
    """
    lines = text.splitlines(keepends=True)
    starts = sorted(place.line for path, place in document.keys.items() if len(path) == 1)
    for name in ("test_defaults", "tests"):
        place = document.keys.get((name,))
        if place is None or place.column != 1 or starts.count(place.line) > 1:
            continue
        after = min((line for line in starts if line > place.line), default=len(lines) + 1)
        lines[place.line - 1 : after - 1] = [""] * (after - place.line)
    return "".join(lines).rstrip() + "\n"


def plant(name: str, kinds: tuple[str, ...] = ()) -> PlantedPolicy:
    """Put faults of some kinds into a policy, given by its name or its file.

    Raises:
        ConfigError: the policy cannot be loaded, or has nothing of the kind that is wanted.
    """
    path, text = read_source(name)
    policy = loads(text, file=str(path), folder=path.parent)
    changed, plants = text, list[Plant]()
    for kind in kinds:
        if kind in IN_POLICY:
            changed, made = IN_POLICY[kind](changed, Document(changed, name), policy)
            plants.append(made)
    try:
        wrong = loads(changed, file=str(path), folder=path.parent)
    except PolicyError:
        raise ConfigError(
            f"{', '.join(plant.kind for plant in plants)} cannot be planted in this file as it is written"
        ) from None
    return PlantedPolicy(
        reference=without_tests(text, Document(text, name)),
        text=without_tests(changed, Document(changed, name)),
        file=_with_tests_that_hold(changed, wrong) if plants else text,
        plants=tuple(plants),
        traffic=tuple(kind for kind in kinds if kind not in IN_POLICY),
        folder=path.parent,
        tools=tools_of_tests(policy),
    )


def _with_tests_that_hold(text: str, policy: Policy) -> str:
    """Return a policy's text without the tests that it fails; without any if they stand in one line."""
    document, lines = Document(text, policy.ref.name), text.splitlines(keepends=True)
    begins = [document.position(("tests", place)).line for place in range(len(policy.cases))]
    failing = [place for place, result in enumerate(run_cases(policy)) if not result.is_passed]
    if not failing:
        return text
    if len(failing) == len(begins) or len(set(begins)) < len(begins):
        return without_tests(text, document)
    begin = document.keys[("tests",)].line
    after = min(
        (place.line for path, place in document.keys.items() if len(path) == 1 and place.line > begin),
        default=len(lines) + 1,
    )
    for place in failing:
        end = (*begins, after)[place + 1]
        lines[begins[place] - 1 : end - 1] = [""] * (end - begins[place])
    return "".join(lines)


def _hand_offs(document: Document) -> list[Mapping[str, Any]]:
    return document.value.get("hand_offs") or []


def _replaced(text: str, rule: Mapping[str, Any], old: str, new: str) -> str:
    """Return the text with a piece of a rule's condition replaced.

    Raises:
        ConfigError: the file does not write it in one piece.
    """
    begin = re.search(rf"""\bid:\s*["']?{re.escape(str(rule["id"]))}["']?\s""", text)
    where = text.find(old, begin.end()) if begin else -1
    if where < 0:
        raise ConfigError(
            f"the condition of {rule['id']} is not written in one piece; nothing can be planted"
        )
    return text[:where] + new + text[where + len(old) :]


def _needless(text: str, document: Document, policy: Policy) -> tuple[str, Plant]:
    """Hand off every call of a tool that no rule is about: of those that only read, where there are any."""
    names, idle = tool_facts(policy), _idle_tools(policy)
    if not (names and idle and _hand_offs(document)):
        raise ConfigError(
            "this policy names no tool that no rule is about; a needless rule cannot be planted"
        )
    first = document.position(("hand_offs", 0))
    at, indent = first.line, " " * (first.column - 1)
    listed = ", ".join(f'"{tool}"' for tool in idle[:_MOST_TOOLS])
    rule = (
        f"{indent[:-2]}- id: {PLANTED_RULE}\n"
        f"{indent}when: {names[0]} in [{listed}]\n"
        f"{indent}to: {document.value['if_unsure']}\n"
        f"{indent}trigger: high_stakes\n"
        f"{indent}because: Everything that is looked up is read by a person.\n"
    )
    lines = text.splitlines(keepends=True)
    return "".join([*lines[: at - 1], rule, *lines[at - 1 :]]), Plant(kind=NEEDLESS, rule=PLANTED_RULE)


def _idle_tools(policy: Policy) -> tuple[str, ...]:
    """Return the tools that the policy names and that no rule written in it is about."""
    names = tool_facts(policy)
    built_in = [rule.when.formula for rule in policy.hand_offs if rule.is_built_in]
    busy = {
        tool
        for formula in formulas_of(policy)
        if formula not in built_in
        for tool in tools_in(formula, names)
    }
    busy |= {
        tool
        for fact in policy.facts.values()
        if isinstance(fact.source, sources.ToolArgument)
        for tool, _ in fact.source.of
    }
    idle = [tool for tool in named_tools((policy,), tools_of_tests(policy)) if tool not in busy]
    return tuple([tool for tool in idle if policy.tools.get(tool) == "reads"] or idle)


def _missing(text: str, document: Document, policy: Policy) -> tuple[str, Plant]:
    """Leave out the rule that hands off most: one about a tool that only people may use, if there is one."""
    rules = _hand_offs(document)
    names = "|".join(map(re.escape, tool_facts(policy)))
    called = [
        place
        for place, rule in enumerate(rules)
        if re.fullmatch(rf'(?:{names}) (?:== "\w+"|in \[[^\]]*\])', str(rule["when"]).strip())
        and rule.get("effect") is None
        and rule["id"] != PLANTED_RULE
    ]
    if not called:
        raise ConfigError("this policy has no rule about a tool alone; none can be left out")
    lines = text.splitlines(keepends=True)
    place = called[0]
    first = document.position(("hand_offs", place)).line
    after = (
        document.position(("hand_offs", place + 1)).line
        if place + 1 < len(rules)
        else next((i for i in range(first + 1, len(lines) + 1) if lines[i - 1][:1].strip()), len(lines) + 1)
    )
    kept = [line for line in lines[first - 1 : after - 1] if line.lstrip().startswith("#")]
    return (
        "".join([*lines[: first - 1], *kept, *lines[after - 1 :]]),
        Plant(kind=MISSING, rule=str(rules[place]["id"]), fact=str(rules[place]["when"])),
    )


def _too_low(text: str, document: Document, policy: Policy) -> tuple[str, Plant]:
    """Move the lowest limit down to a quarter: that of an amount by itself where there is one.

    A limit of a sum, of a number, a percentage or a duration is moved where there is none.
    """
    found = [
        (rank, place, match, low)
        for place, rule in enumerate(_hand_offs(document))
        if not rule.get("effect")
        for match in _LIMIT.finditer(str(rule["when"]))
        for rank, low in _lowered(match, policy)
    ]
    if not found:
        raise ConfigError("this policy stops nothing above a limit; none can be moved")
    _, place, match, low = min(found, key=lambda each: each[0])
    rule = _hand_offs(document)[place]
    moved = f"{match['fact']} {match['sign']} {low}{match['unit'] or ''}"
    right = Decimal(match["limit"])
    return (
        _replaced(text, rule, match[0], moved),
        Plant(kind=TOO_LOW, rule=str(rule["id"]), fact=match["fact"], planted=low, right=right),
    )


def _lowered(match: re.Match[str], policy: Policy) -> Iterator[tuple[tuple[bool, bool, Decimal], Decimal]]:
    """Yield the rank of a limit and a quarter of it, nothing where a lower limit would show in no traffic."""
    names, right = match["fact"].split(" + "), Decimal(match["limit"])
    facts = [policy.facts[name] for name in names if name in policy.facts]
    if len(facts) < len(names) or all(isinstance(fact.source, _NEVER_SEEN) for fact in facts):
        return
    low = right / 4
    if any(fact.type is Kind.WHOLE for fact in facts) or right >= 4:
        low = low.quantize(Decimal(1))
    if low < right and all(_may_be(fact, low) for fact in facts):
        is_amount = facts[0].type is Kind.MONEY
        yield (not is_amount, len(facts) > 1, right), low


def _may_be(fact: FactDeclaration, size: Decimal) -> bool:
    return not isinstance(fact.least, Decimal) or size >= fact.least


def _too_lax(text: str, document: Document, policy: Policy) -> tuple[str, Plant]:
    """Ask for half of the confidence."""
    for rule in _hand_offs(document):
        for match in _BELOW.finditer(str(rule["when"])):
            fact = policy.facts.get(match["fact"])
            if fact is None or not isinstance(fact.source, sources.ConfidenceValue):
                continue
            right = Decimal(match["limit"])
            lax = (right / 2).quantize(Decimal("0.01"))
            moved = f"{match['fact']} {match['sign']} {lax}"
            return (
                _replaced(text, rule, match[0], moved),
                Plant(kind=TOO_LAX, rule=str(rule["id"]), fact=match["fact"], planted=lax, right=right),
            )
    raise ConfigError("this policy holds no confidence against a number; none can be lowered")


PolicyPlant: TypeAlias = Callable[[str, Document, Policy], tuple[str, Plant]]
IN_POLICY: Final[Mapping[str, PolicyPlant]] = {
    NEEDLESS: _needless,
    MISSING: _missing,
    TOO_LOW: _too_low,
    TOO_LAX: _too_lax,
}
