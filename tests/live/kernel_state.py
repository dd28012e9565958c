"""What a host's kernel has of addresses, routes and rules, as ip(8) says it."""

from __future__ import annotations

import re
import subprocess

#: what the hosts of the live tests have of their own
OWN = re.compile(
    r"(192\.0\.2\.[129]9?|fd00::[129]9?|fe80:[0-9a-f:]*|127\.0\.0\.1|::1)/"
)
KERNEL = re.compile("proto kernel|link/|proto ra|numtxqueues")


def ip(host, *words):
    """The lines of C{ip -d -o} on C{host}."""
    done = host.call(
        subprocess.run,
        ["ip", "-d", "-o", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    plain = re.sub(r"^\d+: eth0 +", "", done.stdout, flags=re.M)
    return [line.strip() for line in plain.splitlines() if line.strip()]


def seen(host):
    """What the kernel of C{host} has that is neither its own nor the kernel's."""
    told = []
    for words in ("addr show dev eth0", "route show table all"):
        for family in ("-4", "-6"):
            told += [x for x in ip(host, family, *words.split()) if not OWN.search(x)]
    for family in ("-4", "-6"):
        told += ip(host, family, "rule")
    # Which of two addresses was first is an accident.
    told = [line.replace(" secondary", "") for line in told]
    return [line for line in told if not KERNEL.search(line)]


def shell(host, *lines):
    """Run these commands on C{host}, in one shell."""
    host.call(subprocess.run, ["sh", "-ec", "\n".join(lines)], check=True)
