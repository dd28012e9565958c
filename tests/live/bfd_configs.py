"""One set of BFD sessions as each daemon's configuration says it."""

from __future__ import annotations

from dataclasses import dataclass

SECRET = "Swordfish-7"
#: an authentication type of ours, and BIRD's words for it
BIRD_AUTHENTICATION = {
    "simple": "simple",
    "keyed_md5": "keyed md5",
    "meticulous_md5": "meticulous keyed md5",
    "keyed_sha1": "keyed sha1",
    "meticulous_sha1": "meticulous keyed sha1",
}


@dataclass(frozen=True)
class Link:
    """One session between hanode and a peer.

    C{name} is hanode's and keepalived's name for it; C{ours} is hanode's address and
    C{theirs} the peer's. C{device} is the same at both ends. One with C{least_ttl}
    passes one router; that is the TTL with which the peer's packets arrive.
    """

    name: str
    ours: str
    theirs: str
    device: str = "eth0"
    authentication: str = ""
    least_ttl: int = 0

    @property
    def multihop(self):
        """Whether it passes a router."""
        return self.least_ttl > 0


V4 = Link("four", "192.0.2.1", "192.0.2.2")
V6 = Link("six", "fd00::1", "fd00::2")
LOCAL = Link("local", "fe80::1", "fe80::2")
FAR = Link("far", "10.9.9.1", "198.51.100.2", least_ttl=254)
AUTHENTICATED = tuple(
    Link(kind, f"10.0.{number}.1", f"10.0.{number}.2", f"auth{number}", kind)
    for number, kind in enumerate(BIRD_AUTHENTICATION, 1)
)


@dataclass(frozen=True)
class Timing:
    """What one end wants: intervals in milliseconds."""

    tx: int = 100
    rx: int = 100
    multiplier: int = 3


TIMING = Timing()


def _block(head, lines):
    return "\n".join([f"{head} {{", *(f"  {line}" for line in lines), "}"]) + "\n"


def hanode(links, timing=TIMING, passive=False, extra=()):
    """One bfd_instance for each of C{links}; C{extra} lines go into each."""
    return "".join(_instance(link, timing, passive, extra) for link in links)


def _instance(link, timing, passive, extra):
    lines = [*_addresses(link.theirs, link.ours), *_intervals(timing), *extra]
    if passive:
        lines.append("passive")
    if link.multihop:
        lines += ["multihop", f"min_ttl {link.least_ttl}"]
    else:
        lines.append(f"interface {link.device}")
    if link.authentication:
        lines += [
            "authentication {",
            f"  type {link.authentication}",
            f"  key 1 {SECRET}",
            "}",
        ]
    return _block(f"bfd_instance {link.name}", lines)


def keepalived(links, timing=TIMING, passive=False):
    """The peer's end of C{links} as keepalived 2.2 reads it."""
    return "".join(
        _block(
            f"bfd_instance {link.name}",
            [
                *_addresses(link.ours, link.theirs),
                *_intervals(timing),
                # Its own default is 64, which RFC 5881, section 5, does not allow.
                *(["hoplimit 255"] if ":" in link.theirs else []),
                *(["passive"] if passive else []),
            ],
        )
        for link in links
    )


def _addresses(neighbour, source):
    return [f"neighbor_ip {neighbour}", f"source_ip {source}"]


def _intervals(timing):
    return [
        f"min_tx {timing.tx}",
        f"min_rx {timing.rx}",
        f"multiplier {timing.multiplier}",
    ]


def bird(links, timing=TIMING, passive=False, secret=SECRET):
    """The peer's end of C{links} as BIRD 2 reads it.

    Authentication belongs to an interface there: one type on each C{device}.
    """
    kinds = {
        "multihop" if link.multihop else f'interface "{link.device}"': link
        for link in links
    }
    blocks = [
        f"{kind} {{ {_bird_options(link, timing, passive, secret)} }};"
        for kind, link in kinds.items()
    ]
    neighbours = [
        f"neighbor {link.ours} local {link.theirs} multihop yes;"
        if link.multihop
        else f'neighbor {link.ours} dev "{link.device}" local {link.theirs};'
        for link in links
    ]
    return (
        "router id 192.0.2.2;\nlog stderr all;\nprotocol device { scan time 1; }\n"
        + _block(
            "protocol bfd bfd1", ["debug { states, events };", *blocks, *neighbours]
        )
    )


def _bird_options(link, timing, passive, secret):
    words = [
        f"min tx interval {timing.tx} ms;",
        f"min rx interval {timing.rx} ms;",
        f"multiplier {timing.multiplier};",
        f"passive {'yes' if passive else 'no'};",
    ]
    if link.authentication:
        kind = BIRD_AUTHENTICATION[link.authentication]
        words.append(f'authentication {kind}; password "{secret}" {{ id 1; }};')
    return " ".join(words)


def frr(links, timing=TIMING, passive=False, extra=()):
    """The peer's end of C{links} as FRR's bfdd reads it."""
    lines = ["bfd"]
    for link in links:
        lines += [
            f" {frr_peer(link)}",
            f"  detect-multiplier {timing.multiplier}",
            f"  transmit-interval {timing.tx}",
            f"  receive-interval {timing.rx}",
            *(f"  {line}" for line in extra),
            *(["  passive-mode"] if passive else []),
            *(["  minimum-ttl 254"] if link.multihop else []),
            " exit",
        ]
    return "\n".join([*lines, "exit"]) + "\n"


def frr_peer(link):
    """The line that names a session in FRR."""
    if link.multihop:
        return f"peer {link.ours} multihop local-address {link.theirs}"
    return f"peer {link.ours} local-address {link.theirs} interface {link.device}"
