"""One secret in one turn of a conversation, at one of some places."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from support.open_world import CARD, SECRETS, Secret

Place = Callable[[Secret, int], Any]


@dataclass(frozen=True)
class Turn:
    """What a model is told or says, with the pieces of the secret in it."""

    said: Any
    needles: tuple[str, ...]
    told: str

    def __repr__(self) -> str:
        return self.told


def turns(places: dict[str, Place]) -> st.SearchStrategy[Turn]:
    """One secret at one of some places."""

    def made(secret: Secret, name: str, at: int) -> Turn:
        needles: tuple[str, ...] = (secret.needle,)
        if "cut" in name:
            head = secret.halves(at)[0].rpartition(" ")[2]
            needles = (head, secret.needle[len(head) :])
        if "number" in name:
            needles = (CARD.needle,)
        return Turn(places[name](secret, at), needles, f"{secret.kind} {name}")

    return st.builds(made, st.sampled_from(SECRETS), st.sampled_from(tuple(places)), st.integers(0, 30))


CALM = Secret("nothing", "the blue parcel")
"""What takes the place of a secret where there is none."""
