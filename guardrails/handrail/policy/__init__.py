"""Policies: typed, three-valued rules that a process owner can read, and that prove themselves."""

from handrail.policy import sources
from handrail.policy.facts import FactDeclaration, Kind
from handrail.policy.load import load, loads, shipped
from handrail.policy.people import People, load_people
from handrail.policy.policy import Policy
from handrail.policy.rules import RolePlan

__all__ = [
    "FactDeclaration",
    "Kind",
    "People",
    "Policy",
    "RolePlan",
    "load",
    "load_people",
    "loads",
    "shipped",
    "sources",
]
