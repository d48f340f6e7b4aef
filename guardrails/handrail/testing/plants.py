"""Plants a fault in a policy whose right form is known.

A needless rule, a missing one, a limit that is too low, a confidence that is asked for too little. What is
wrong outside of a policy's text, in `traffic_plants`, is only named here: a quarter finds a place for it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from handrail.errors import ConfigError
from handrail.policy.file.document import Document
from handrail.policy.file.load import loads
from handrail.policy.file.read import read_source

NEEDLESS, MISSING, TOO_LOW, TOO_LAX = "needless", "missing", "too_low", "too_lax"
PLANTED_RULE = "read-every-look-up"
_AMOUNT = re.compile(
    r"(?<!\+ )(?<![\w.])(?P<fact>[a-z][\w.]*)\s*>\s*(?P<limit>\d+(?:\.\d+)?)\s+(?P<unit>[A-Z]{3})"
)
_SURE = re.compile(r"(?<![\w.])(?P<fact>confidence)\s*<\s*(?P<limit>0?\.\d+)")


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

    `traffic` names the kinds of what is to be planted outside of the text, `folder` is where the policy's
    calibration files lie.
    """

    reference: str
    text: str
    plants: tuple[Plant, ...]
    traffic: tuple[str, ...] = ()
    folder: Path | None = None


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
    loads(text, file=str(path), folder=path.parent)
    reference = changed = without_tests(text, Document(text, name))
    plants: list[Plant] = []
    for kind in kinds:
        if kind in IN_POLICY:
            changed, made = IN_POLICY[kind](changed, Document(changed, name))
            plants.append(made)
    return PlantedPolicy(
        reference=reference,
        text=changed,
        plants=tuple(plants),
        traffic=tuple(kind for kind in kinds if kind not in IN_POLICY),
        folder=path.parent,
    )


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


def _needless(text: str, document: Document) -> tuple[str, Plant]:
    """Hand off every call of a tool that only reads."""
    value = document.value
    tools = (value.get("facts") or {}).get("tool.name")
    if tools is None or "values" in tools or not _hand_offs(document):
        raise ConfigError("this policy lists its tools, or has none; a needless rule cannot be planted")
    first = document.position(("hand_offs", 0))
    at, indent = first.line, " " * (first.column - 1)
    rule = (
        f"{indent[:-2]}- id: {PLANTED_RULE}\n"
        f'{indent}when: tool.name in ["look_up_order", "search_handbook"]\n'
        f"{indent}to: {value['if_unsure']}\n"
        f"{indent}trigger: high_stakes\n"
        f"{indent}because: Everything that is looked up is read by a person.\n"
    )
    lines = text.splitlines(keepends=True)
    return "".join([*lines[: at - 1], rule, *lines[at - 1 :]]), Plant(kind=NEEDLESS, rule=PLANTED_RULE)


def _missing(text: str, document: Document) -> tuple[str, Plant]:
    """Leave out the rule that hands off most: one about a tool that only people may use, if there is one."""
    rules = _hand_offs(document)
    called = [
        place
        for place, rule in enumerate(rules)
        if re.fullmatch(r'tool\.name (?:== "\w+"|in \[[^\]]*\])', str(rule["when"]).strip())
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


def _too_low(text: str, document: Document) -> tuple[str, Plant]:
    """Move the lowest limit of an amount down to a quarter."""
    found = [
        (Decimal(match["limit"]), place, match)
        for place, rule in enumerate(_hand_offs(document))
        if not rule.get("effect") and (match := _AMOUNT.search(str(rule["when"]))) is not None
    ]
    if not found:
        raise ConfigError("this policy holds no amount against a limit; none can be moved")
    right, place, match = min(found, key=lambda each: each[0])
    rule = _hand_offs(document)[place]
    low = (right / 4).quantize(Decimal(1))
    moved = f"{match['fact']} > {low} {match['unit']}"
    return (
        _replaced(text, rule, match[0], moved),
        Plant(kind=TOO_LOW, rule=str(rule["id"]), fact=match["fact"], planted=low, right=right),
    )


def _too_lax(text: str, document: Document) -> tuple[str, Plant]:
    """Ask for half of the confidence."""
    for rule in _hand_offs(document):
        if (match := _SURE.search(str(rule["when"]))) is None:
            continue
        right = Decimal(match["limit"])
        lax = (right / 2).quantize(Decimal("0.01"))
        moved = f"{match['fact']} < {lax}"
        return (
            _replaced(text, rule, match[0], moved),
            Plant(kind=TOO_LAX, rule=str(rule["id"]), fact=match["fact"], planted=lax, right=right),
        )
    raise ConfigError("this policy holds no confidence against a number; none can be lowered")


IN_POLICY = {NEEDLESS: _needless, MISSING: _missing, TOO_LOW: _too_low, TOO_LAX: _too_lax}
