"""What many BFD sessions cost one end, and whether they hold.

Two daemons of one kind on one cable; measured is one of them. In mixed rows the other
end is BIRD, which spreads its packets evenly. C{python -m benchmarks.sessions
[SESSIONS INTERVAL_MS MULTIPLIER] [SECONDS] [--kinds KIND ...]}
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from benchmarks import machine
from benchmarks.bench import print_columns
from benchmarks.ends import KINDS, Load
from benchmarks.measurement import (
    Measured,
    measure,
    measure_punctuality,
    memory_of_one,
)

LOADS = (Load(500, 50), Load(100, 10), Load(2000, 100))
SECONDS = 60.0
PUNCTUAL = Load(500, 50)
PUNCTUAL_KINDS = ("hanode", "BIRD")
PUNCTUAL_SECONDS = 20.0  # at most: what passes is noted packet by packet
MOST = {"FRR": 100}  # sessions that a kind is asked for: 100 take it half a core
WANTED = {
    Load(500, 50): "12 %, 10 us, no flap, 8 KiB",
    Load(100, 10): "10 %, no flap",
    Load(2000, 100): "30 %, no flap, 8 KiB",
}
HEAD = (
    *("sessions", "measured", "other end", "up", "flaps", "CPU %", "packets/s"),
    *("us/packet", "own p99.9 ms", "worst ms", "KiB/session", "wanted of hanode"),
)
PUNCTUAL_HEAD = (
    *("measured", "cores", "up", "flaps", "own p99.9 ms", "worst ms"),
    *("longest gap ms", "overdue p99.9 ms", "overdue %", "wanted of hanode"),
)
Row = tuple[str, ...]


def rows(loads: list[Load], kinds: list[str], seconds: float) -> Iterator[Row]:
    """Measure each kind with each load, and hanode with a BIRD at the other end."""
    smallest = {kind: memory_of_one(kind) for kind in kinds}
    for load in loads:
        pairs = [(kind, kind) for kind in kinds]
        if {"hanode", "BIRD"} <= set(kinds):
            pairs.append(("hanode", "BIRD"))
        for kind, other in pairs:
            if load.sessions <= MOST.get(kind, load.sessions):
                found = measure(kind, other, load, seconds)
                yield _row(load, kind, other, found, smallest[kind])


def _row(load: Load, kind: str, other: str, found: Measured, smallest: float) -> Row:
    more = 1024 * (found.memory - smallest) / max(1, load.sessions - 1)
    return (
        str(load),
        kind,
        other,
        _up(found),
        str(found.flaps),
        f"{found.cpu_percent:.1f}",
        f"{found.received / found.seconds:.0f}",
        f"{found.packet_cost:.2f}",
        *_lateness(found),
        f"{more:.1f}",
        WANTED.get(load, "") if kind == "hanode" else "",
    )


def punctual_rows(kinds: list[str], seconds: float) -> Iterator[Row]:
    """How regularly they send, on cores that are idle and on cores that are not."""
    for loaded in (False, True):
        for kind in kinds:
            found = measure_punctuality(kind, PUNCTUAL, seconds, loaded)
            wanted = "own p99.9 under 5 ms" if kind == "hanode" and not loaded else ""
            yield (
                kind,
                "busy" if loaded else "idle",
                _up(found),
                str(found.flaps),
                *_lateness(found),
                *_overdue(found, PUNCTUAL.interval / 1000),
                wanted,
            )


def _overdue(found: Measured, interval: float) -> Row:
    """By how much packets came later than the interval, seen from outside.

    The jitter of RFC 5880, section 6.8.7, is between 75 and 100 % of the interval, so
    that what is over it is nothing but lateness.
    """
    if not found.gaps:
        return "-", "-", "-"
    gaps = sorted(found.gaps)
    late = gaps[int(0.999 * len(gaps))] - interval
    over = sum(gap > interval for gap in gaps) / len(gaps)
    return f"{1000 * gaps[-1]:.1f}", f"{1000 * max(0, late):.2f}", f"{100 * over:.2f}"


def _up(found: Measured) -> str:
    begin, end = found.up
    return f"{begin}" if begin == end else f"{begin} -> {end}"


def _lateness(found: Measured) -> Row:
    if found.lateness is None:
        return "-", "-"
    return tuple(f"{1000 * each:.2f}" for each in found.lateness)


def options(words: list[str]) -> argparse.Namespace:
    """The command line. Ends the process when it makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sessions")
    parser.add_argument(
        "numbers",
        nargs="*",
        type=int,
        metavar="NUMBER",
        help="SECONDS, or SESSIONS INTERVAL_MS MULTIPLIER [SECONDS]",
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument(
        "--only", choices=("cost", "punctuality"), help="one of the two tables"
    )
    found = parser.parse_args(words)
    if len(found.numbers) == 2 or len(found.numbers) > 4:
        parser.error("SECONDS, or SESSIONS INTERVAL_MS MULTIPLIER [SECONDS]")
    return found


def _noted(found: Iterator[Row]) -> list[Row]:
    """All rows; each is shown as it comes, because it takes its time."""
    noted = []
    for row in found:
        sys.stderr.write(f"  {' | '.join(row)}\n")
        noted.append(row)
    return noted


def main(words: list[str]) -> None:
    """Print the tables, and where they come from."""
    wanted, where = options(words), machine.describe()
    present = [kind for kind in wanted.kinds if machine.installed(kind)]
    load, rest = wanted.numbers[:3], wanted.numbers[3:]
    if len(load) == 1:
        load, rest = [], load
    seconds = float(rest[0]) if rest else SECONDS
    if wanted.only != "punctuality":
        loads = [Load(*load)] if load else list(LOADS)
        found = _noted(rows(loads, present, seconds))
        print_columns(f"One end of many sessions, {seconds:g} s", HEAD, found)
    if wanted.only != "cost":
        kinds = [kind for kind in PUNCTUAL_KINDS if kind in present]
        short = min(seconds, PUNCTUAL_SECONDS)
        found = _noted(punctual_rows(kinds, short))
        title = f"Punctuality of {PUNCTUAL}, {short:g} s"
        print_columns(title, PUNCTUAL_HEAD, found)
    print(f"\n{where}")


if __name__ == "__main__":
    main(sys.argv[1:])
