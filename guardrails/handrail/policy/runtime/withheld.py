"""Which types of findings the rules of a policy withhold. Pure."""

from collections.abc import Iterable, Set

from handrail.policy.runtime.rules import Rule


class _Everything(frozenset[str]):
    """Every type and category there is; together with others it is still every one."""

    def __contains__(self, item: object) -> bool:
        return True

    def __or__(self, other: Set[object]) -> "_Everything":
        return self

    __ror__ = __or__

    def isdisjoint(self, other: Iterable[object]) -> bool:
        return not any(True for _ in other)


EVERYTHING: frozenset[str] = _Everything({"*"})
"""What a rule withholds that names no type."""


def withheld_by(rules: Iterable[Rule], read: frozenset[str]) -> frozenset[str]:
    """Return the types and categories that rules on some facts name; all of them where one names none.

    Args:
        rules: of a policy, those in shadow left out.
        read: names of the facts.
    """
    named: frozenset[str] = frozenset()
    for rule in rules:
        if not rule.is_shadow and not read.isdisjoint(rule.when.reads):
            if not rule.finding_types:
                return EVERYTHING
            named |= rule.finding_types
    return named
