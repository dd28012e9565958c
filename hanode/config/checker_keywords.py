"""The words that checkers have in common, and the table of each checker.

keepalived.conf(5), "HEALTHCHECKERS"; the defaults are those of L{Target} and
L{Schedule} unless the real server or the virtual server has others.
"""

from __future__ import annotations

from collections.abc import Mapping

from hanode.config.balance_model import Schedule, Target
from hanode.config.checker_words import CheckerWords
from hanode.config.row import Keyword

LONGEST = 4294967295.0  # seconds: 32 bits, more than a hundred years
LONGEST_CONNECT = 4294.967295  # seconds: 32 bits of microseconds
SHORTEST = 0.000001  # seconds
MOST_TRIES = 4294967295
_ANY = Target.__dataclass_fields__
_WHEN = Schedule.__dataclass_fields__

TIMEOUT = Keyword(
    "connect_timeout",
    "connect_timeout",
    "seconds",
    "s",
    SHORTEST,
    LONGEST_CONNECT,
    default=_ANY["timeout"].default,
)

#: of every checker that connects
CONNECT = (
    Keyword("connect_ip", "connect_ip", "address"),
    Keyword("connect_port", "connect_port", "integer", low=1, high=65535),
    Keyword("bindto", "bindto", "address"),
    Keyword("bind_port", "bind_port", "integer", low=1, high=65535),
    Keyword("bind_if", "bind_if", "word"),
    Keyword("fwmark", "fwmark", "integer", low=0, high=4294967295, default=0),
    TIMEOUT,
)

DELAY_LOOP = Keyword(
    "delay_loop",
    "delay_loop",
    "seconds",
    "s",
    SHORTEST,
    LONGEST,
    default=_WHEN["delay_loop"].default,
)
DELAY_BEFORE_RETRY = Keyword(
    "delay_before_retry", "delay_before_retry", "seconds", "s", 0, LONGEST
)
WARMUP = Keyword("warmup", "warmup", "seconds", "s", 0, LONGEST)
ALPHA = Keyword("alpha", "alpha", "boolean", default=False)

#: of every checker that is made again and again
SCHEDULE = (
    DELAY_LOOP,
    Keyword("retry", "retry", "integer", low=0, high=MOST_TRIES),
    DELAY_BEFORE_RETRY,
    WARMUP,
    ALPHA,
    Keyword("log_all_failures", "log_all_failures", "boolean", default=False),
)


def table(words: CheckerWords) -> Mapping[str, Keyword]:
    """Every word inside the checker: its own ones, where it has them, come first."""
    rows = (*CONNECT * words.connects, *SCHEDULE * words.scheduled, *words.rows)
    return {row.word: row for row in rows}
