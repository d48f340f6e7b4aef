"""A worker that carries out what was approved and is killed by `kill -9` at a write of its store.

python -m support.killed_worker FOLDER WORLD AT AFTER
"""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from handrail.guard.opening import scanner_of
from handrail.policy import load, load_people
from handrail.store import open_store
from support.acting import Mortality, World, carried_out
from support.stores import Sides


@dataclass
class Killed(Mortality):
    """Ends a process for good: no handler, no `finally`, nothing is flushed."""

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Witness(World):
    """A world whose tool writes down at once what it did."""

    log: Path = Path()

    def act(
        self,
        amount: str,
        order: str,
        note: str = "",
        lines: list[int] | None = None,
        is_gift: bool = False,
    ) -> str:
        done = super().act(amount, order, note, lines, is_gift)
        with self.log.open("a") as file:
            file.write(f"{order} {self.ran[-1][1]}\n")
            file.flush()
            os.fsync(file.fileno())
        return done


def world_in(folder: Path, name: str, calls: tuple[dict[str, str], ...] = ()) -> Witness:
    """The world of a folder: its policy, people, SQLite file and what was done."""
    store = open_store(f"sqlite:///{folder}/handrail.db", allow_volatile=True)
    policy = load(folder / "shop.yaml")
    return Witness(
        sides=Sides(lambda _: store, url="", backend="sqlite"),
        policy=policy,
        people=load_people(folder / "people.yaml", policy),
        scanner=scanner_of(policy),
        calls=calls,
        is_async=False,
        name=name,
        log=folder / f"{name}.log",
    )


def main() -> None:
    """Carry out what was approved in a world."""
    folder, name, at, after = sys.argv[1:]
    world = world_in(Path(folder), name)
    guard = world.guard(Killed(at=int(at), after=after == "after"))
    with guard.context(tenant=name, customer="c1"):
        carried_out(guard, world)


if __name__ == "__main__":
    main()
