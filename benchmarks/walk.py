"""How far one reads to follow a call: files entered and switches between files, for five calls.

`sys.setprofile` notes every Python function of handrail that is called, in a warm process, with the shipped
policy `support` and a named conversation. A file counts once; a switch is two consecutive calls that lie in
different files. Only the calling thread counts. `modules` are the source files, `cycles` the circles of
imports among the modules of one package, imports for type checkers included.
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import grimp
from benchmarks.report import close
from openai import OpenAI

import handrail
import handrail_adapters
import handrail_policies
from handrail import Guard, HandoffRequired
from handrail_adapters.demo.scripted_model import Script, ScriptedLine, ScriptedModelServer, ScriptedReply
from handrail_adapters.openai import guard_openai

PACKAGES = (handrail, handrail_adapters, handrail_policies)
FOLDERS = tuple(str(Path(package.__file__ or "").parent) for package in PACKAGES)
BARS = {
    "files_pass": 30,
    "switches_pass": 90,
    "files_ticket": 36,
    "files_run_once": 36,
    "files_stream": 36,
    "cycles": 0,
}
WARM = 4
ANSWER = "Your parcel left our warehouse yesterday and will arrive tomorrow."
QUESTION = "Where is my parcel, please?"
PEOPLE = "roles:\n" + "".join(
    f"  {role}: [pat]\n"
    for role in (
        "queue_manager",
        "support_agent",
        "support_lead",
        "finance_lead",
        "billing_specialist",
        "approved_specialist",
        "process_owner_returns",
        "supervisor",
    )
)


class Walk:
    """The files that a call enters, in order."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, str]] = []

    def __call__(self, frame: FrameType, event: str, arg: object) -> None:
        """Note a call; see `sys.setprofile`."""
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(FOLDERS):
            self.steps.append((file, frame.f_code.co_qualname))

    @property
    def files(self) -> list[str]:
        """Every file, in the order of the first call into it."""
        return list(dict.fromkeys(file for file, _ in self.steps))

    @property
    def switches(self) -> int:
        """How often a call lies in another file than the call before it."""
        files = [file for file, _ in self.steps]
        return sum(1 for one, other in itertools.pairwise(files) if one != other)


class Shop:
    """A guarded shop in a folder; each method prepares one call and returns it."""

    def __init__(self, folder: Path, model: str) -> None:
        people = folder / "people.yaml"
        people.write_text(PEOPLE)
        self.guard = Guard.from_policy("support", store=f"sqlite:///{folder}/walk.db", people=people)
        self._customers = iter(range(1 << 30))
        self._client = guard_openai(OpenAI(base_url=model, api_key="none", max_retries=0), self.guard)

        @self.guard
        def answer(question: str) -> str:
            return ANSWER

        @self.guard.tool
        def issue_refund(order_id: str, amount: float, currency: str) -> str:
            return "refunded"

        self._answer, self._refund = answer, issue_refund

    def passing(self) -> Callable[[], object]:
        """A question whose answer passes."""

        def call() -> object:
            with self.guard.context(customer="ana", conversation="parcels"):
                return self._answer(QUESTION)

        return call

    def ticket(self) -> Callable[[], str]:
        """A refund that goes to a person; returns the ticket."""
        customer = f"customer-{next(self._customers)}"

        def call() -> str:
            with self.guard.context(customer=customer, conversation=f"refund-{customer}"):
                try:
                    self._refund("1001", 640, "USD")
                except HandoffRequired as handed:
                    return handed.handoff.ticket
            raise AssertionError("640 USD were refunded without a person")

        return call

    def run_once(self) -> Callable[[], object]:
        """A refund that a person approved, carried out."""
        ticket = self.ticket()()
        self.guard.resolve(ticket, "pat", "approve")

        def call() -> object:
            with self.guard.authorised(ticket) as action:
                return action.run()

        return call

    def stream(self) -> Callable[[], object]:
        """A streamed answer of a model behind HTTP."""

        def call() -> object:
            with self.guard.context(customer="ana", conversation="streams"):
                chunks = self._client.chat.completions.create(
                    model="scripted", stream=True, messages=[{"role": "user", "content": QUESTION}]
                )
                return [chunk.choices[0].delta.content for chunk in chunks]

        return call


def walked(prepare: Callable[[], Callable[[], object]]) -> Walk:
    """Return the walk of a call, after others like it have warmed everything up."""
    for _ in range(WARM):
        prepare()()
    call, walk = prepare(), Walk()
    sys.setprofile(walk)
    try:
        call()
    finally:
        sys.setprofile(None)
    return walk


@contextmanager
def shop() -> Iterator[Shop]:
    """Open a shop in a folder of its own, with a model on loopback."""
    script = Script(lines=(ScriptedLine(cue="parcel", replies=(ScriptedReply(text=ANSWER),)),))
    with ScriptedModelServer(script) as model, tempfile.TemporaryDirectory() as folder:
        opened = Shop(Path(folder), model.base_url)
        try:
            yield opened
        finally:
            opened.guard.close()


def cycles(graph: grimp.ImportGraph) -> list[list[str]]:
    """Return the circles among the children of each package: groups that reach one another by imports."""
    found = []
    for package in sorted(graph.modules):
        children = sorted(graph.find_children(package))
        inside = {child: {child, *graph.find_descendants(child)} for child in children}
        home = {module: child for child, modules in inside.items() for module in modules}
        imports = {
            child: {
                home[other]
                for module in modules
                for other in graph.find_modules_directly_imported_by(module)
                if home.get(other, child) != child
            }
            for child, modules in inside.items()
        }
        found += _circles(imports)
    return found


def _circles(imports: Mapping[str, set[str]]) -> list[list[str]]:
    reached: dict[str, set[str]] = {}
    for start in imports:
        seen: set[str] = set()
        waiting = [*imports[start]]
        while waiting:
            if (one := waiting.pop()) not in seen:
                seen.add(one)
                waiting += imports[one]
        reached[start] = seen
    circles = {
        tuple(other for other in imports if other in reached[one] and one in reached[other])
        for one in imports
        if one in reached[one]
    }
    return [list(circle) for circle in sorted(circles)]


def main() -> NoReturn:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Files and switches on the way of five calls.")
    parser.add_argument("--json", action="store_true", help="only the closing line")
    parser.add_argument("--order", metavar="WALK", help="every call of one walk, in order")
    options = parser.parse_args()
    with shop() as opened:
        walks = {
            "pass": walked(opened.passing),
            "ticket": walked(opened.ticket),
            "run_once": walked(opened.run_once),
            "stream": walked(opened.stream),
        }
    circles = cycles(grimp.build_graph(*(package.__name__ for package in PACKAGES), cache_dir=None))
    figures = {f"files_{name}": len(walk.files) for name, walk in walks.items()}
    figures["switches_pass"] = walks["pass"].switches
    figures["modules"] = sum(1 for folder in FOLDERS for _ in Path(folder).rglob("*.py"))
    figures["cycles"] = len(circles)
    if not options.json:
        _show(walks, circles, options.order)
    close("walk", figures, [name for name, bar in BARS.items() if figures[name] > bar])


def _show(walks: Mapping[str, Walk], circles: list[list[str]], order: str | None) -> None:
    if order is not None:
        for file, function in walks[order].steps:
            print(f"{_short(file)}:{function}")
    for name, walk in walks.items():
        print(f"\n{name}: {len(walk.files)} files, {walk.switches} switches")
        print("\n".join(f"  {_short(file)}" for file in walk.files))
    print("\ncircles of imports: " + ("; ".join(" - ".join(circle) for circle in circles) or "none"))


def _short(file: str) -> str:
    folder = next(folder for folder in FOLDERS if file.startswith(folder))
    return str(Path(file).relative_to(Path(folder).parent))


if __name__ == "__main__":
    main()
