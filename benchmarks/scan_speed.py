"""How fast the scanner is, beside others on the same texts: `python -m benchmarks.scan_speed`."""

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median

from benchmarks import peers
from benchmarks.report import close, not_measured

from handrail.scan import default_scanner
from handrail.scan.stream import StreamScanner

SENTENCES = (
    "Thank you for getting back to us so quickly about the delivery.",
    "The parcel left the warehouse on the second working day and should be with you before the weekend.",
    "If the box looks damaged, please take a picture before you open it and keep the wrapping.",
    "We had a look at what went wrong and found that the label had come off in the rain.",
    "Our colleagues in the workshop will need about a week to find out why the lamp flickers.",
    "You can change the colour of the cover at any time until the order has been packed.",
    "Most people find that the smaller model is loud enough for a kitchen or a study.",
    "The manual says that the filter should be rinsed with warm water and dried in the shade.",
    "It took three of us most of the afternoon to carry the shelves up to the fourth floor.",
    "Nobody had told them that the library closes early in August, so they stood outside for a while.",
    "He wrote that the second version of the report reads better, though the tables are still too wide.",
    "In the end they decided to paint the door green and to leave the fence as it was.",
    "There is a small bakery behind the station that opens at six and sells out by nine.",
    "The new timetable adds two trains in the morning but takes away the last one at night.",
    "She asked whether the meeting could be moved, because the room is needed for the choir.",
    "What matters most is that the lid closes tightly; the rest is a question of taste.",
)
FINDINGS = (
    "call me at (212) 555-0142 after lunch",
    "write to jane.doe@example.com",
    "card 4111 1111 1111 1111",
)
BARS = {
    "us_per_kb": 24.0,
    "us_per_kb_3_findings": 200.0,
    "us_per_token_stream": 10.0,
    "import_ms": 150.0,
    "first_scan_ms": 300.0,
}
RATIO_BARS = {"ratio_presidio": 60.0, "ratio_langchain": 3.0, "ratio_datafog": 5.0}
MB_PER_S_BAR = 28.0
BLOCKS, BLOCK_S = 9, 0.25


def prose(length: int, seed: int) -> str:
    """Return clean prose of about `length` characters."""
    chance = random.Random(seed)
    written: list[str] = []
    size = 0
    while size < length:
        sentence = chance.choice(SENTENCES)
        written.append(sentence)
        size += len(sentence) + 1
    return " ".join(written)[:length].rpartition(" ")[0]


def with_findings(seed: int) -> str:
    """Return 1 kB of prose with one telephone number, one mail address and one card."""
    part = 300
    pieces = [prose(part, seed + i) + " " + finding + " " for i, finding in enumerate(FINDINGS)]
    return "".join(pieces)[:1024]


def best_s(run: Callable[[str], object], texts: Sequence[str], rounds: int) -> float:
    """Return the best CPU seconds per text."""
    best = float("inf")
    for text in texts:
        run(text)
    for _ in range(rounds):
        start = time.process_time()
        for text in texts:
            run(text)
        best = min(best, (time.process_time() - start) / len(texts))
    return best


def seconds(run: Callable[[str], object], texts: Sequence[str], least_s: float) -> float:
    """Return the CPU seconds per text of going over the texts for at least `least_s`."""
    done, start = 0, time.process_time()
    while (spent := time.process_time() - start) < least_s:
        for text in texts:
            run(text)
        done += len(texts)
    return spent / done


def ratio(peer: peers.Peer, run: Callable[[str], object], texts: Sequence[str]) -> tuple[float, float] | None:
    """Return how many times slower a peer is, and its seconds per text: the medians over blocks.

    Blocks of the two alternate, so that a machine that slows down slows both; each side runs for at least
    `BLOCKS * BLOCK_S` seconds in all.
    """
    if peer.seconds(texts, BLOCK_S) is None:
        return None
    found, theirs = [], []
    for _ in range(BLOCKS):
        own = seconds(run, texts, BLOCK_S)
        other = peer.seconds(texts, BLOCK_S)
        if other is None:
            return None
        theirs.append(other)
        found.append(other / own)
    return median(found), median(theirs)


def streamed(rounds: int) -> tuple[float, int, int]:
    """Return the best CPU seconds per token and how many characters are held back, at the median and p99."""
    text = prose(20000, 7)
    tokens = [word if i == 0 else " " + word for i, word in enumerate(text.split(" "))]
    pieces = [part for token in tokens for part in ((token[:5], token[5:]) if len(token) > 8 else (token,))]
    scanner = default_scanner()
    best = float("inf")
    for _ in range(rounds):
        stream = StreamScanner(scanner)
        start = time.process_time()
        for piece in pieces:
            stream.feed(piece)
        best = min(best, (time.process_time() - start) / len(pieces))
    stream = StreamScanner(scanner)
    held = []
    for piece in pieces:
        stream.feed(piece)
        held.append(stream.held)
    held.sort()
    return best, held[len(held) // 2], held[len(held) * 99 // 100]


def cold() -> tuple[float, float]:
    """Return CPU milliseconds of `import handrail` and of the first scan, in a process of its own."""
    code = (
        "import time; a = time.process_time(); import handrail; b = time.process_time()\n"
        "from handrail.scan import default_scanner; default_scanner().scan('write to jane@example.com')\n"
        "print(b - a, time.process_time() - b)"
    )
    runs = []
    for _ in range(5):
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        runs.append([float(part) * 1000 for part in out.split()])
    return min(run[0] for run in runs), min(run[1] for run in runs)


def main() -> None:
    """Run the benchmark."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 3 if options.parse_args().quick else 15
    scanner = default_scanner()
    clean = [prose(1024, seed) for seed in range(40)]
    three = [with_findings(seed) for seed in range(40)]
    mix = clean[:36] + three[:4]
    megabyte = prose(1_000_000, 3)
    density = sum(len(scanner.scan(text)) for text in mix) / len(mix)
    found_clean = sum(len(scanner.scan(text)) for text in clean)
    print(
        f"{len({e.type for e in scanner.entities})} types; mix of 36 clean and 4 laden 1 kB texts, "
        f"{density:.2f} findings a text"
    )
    print(f"clean texts: {found_clean} findings in {len(clean)} texts")
    token, held_50, held_99 = streamed(rounds)
    import_ms, first_ms = cold()
    figures: dict[str, object] = {
        "us_per_kb": round(best_s(scanner.scan, clean, rounds) * 1e6, 1),
        "us_per_kb_3_findings": round(best_s(scanner.scan, three, rounds) * 1e6, 1),
        "mb_per_s_1mb": round(1 / best_s(scanner.scan, [megabyte], 3), 1),
        "us_per_token_stream": round(token * 1e6, 1),
        "held_back_p50": held_50,
        "held_back_p99": held_99,
        "import_ms": round(import_ms, 1),
        "first_scan_ms": round(first_ms, 1),
    }
    own = best_s(scanner.scan, mix, rounds)
    print(f"handrail   {own * 1e6:10.1f} us a text")
    for name in peers.PEERS:
        figures[f"ratio_{name}"] = None
        peer = peers.start(name)
        if peer is None:
            continue
        with peer:
            measured = ratio(peer, scanner.scan, mix)
        if measured is not None:
            figures[f"ratio_{name}"] = round(measured[0], 1)
            print(f"{name:10} {measured[1] * 1e6:10.1f} us a text, {measured[0]:6.1f} times")
    short = [name for name, bar in BARS.items() if float(str(figures[name])) > bar]
    short += ["mb_per_s_1mb"] if float(str(figures["mb_per_s_1mb"])) < MB_PER_S_BAR else []
    short += not_measured(RATIO_BARS, figures)
    short += [n for n, bar in RATIO_BARS.items() if figures[n] is not None and float(str(figures[n])) < bar]
    for name, value in figures.items():
        print(f"  {name:22} {value}")
    close("scan_speed", figures, short)


if __name__ == "__main__":
    main()
