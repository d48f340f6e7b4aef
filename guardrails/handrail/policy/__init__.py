"""Policies: typed, three-valued rules that a process owner can read and a program can check."""

from handrail.policy.file.load import load, loads
from handrail.policy.file.people import People, load_people
from handrail.policy.file.read import shipped
from handrail.policy.language import sources
from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.policy.runtime.policy import Policy
from handrail.policy.runtime.roles import RolePlan

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
