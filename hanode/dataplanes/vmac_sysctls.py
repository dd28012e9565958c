"""What virtual links need of the kernel's settings (ip-sysctl).

The parent must not answer ARP for addresses of its virtual MACs, and a virtual MAC must
take packets whose sender is reached through the parent.
"""

from __future__ import annotations

from hanode.config.vmac_model import VirtualLink
from hanode.dataplanes.sysctls import Sysctls

_RP_FILTER = "ipv4/conf/{}/rp_filter"
_RP_OWNER = "rp_filter"
_IGMP = "ipv4/igmp_link_local_mcast_reports"
ROOM = 230  # characters; an alias has 255, and names its maker first


def of_link(link: VirtualLink) -> dict[str, str]:
    """The settings of the virtual link itself."""
    four, six = f"ipv4/conf/{link.name}", f"ipv6/conf/{link.name}"
    found: dict[str, str] = {}
    if link.kind == "macvlan":  # also without IPv4: else it answers for the others
        found[f"{four}/arp_ignore"] = "1"
    if link.ipv4:
        found |= {
            f"{four}/accept_local": "1",
            f"{four}/rp_filter": "0",
            f"{four}/promote_secondaries": "1",
        }
    if link.ipv6:
        # No router solicitations: the virtual MAC must not move on the switches.
        return {**found, f"{six}/accept_ra": "0", f"{six}/autoconf": "0"}
    return {**found, f"{six}/disable_ipv6": "1"}


def of_parent(link: VirtualLink) -> dict[str, str]:
    """The settings of the interface below.

    arp_announce: what it asks for itself must not name a virtual address as the
    sender, because the neighbours would take its MAC address for that of the router.
    """
    if link.kind != "macvlan" or not link.ipv4:
        return {}
    conf = f"ipv4/conf/{link.parent}"
    return {
        f"{conf}/arp_ignore": "1",
        f"{conf}/arp_filter": "1",
        f"{conf}/arp_announce": "2",
    }


class VirtualSysctls:
    """All settings for the virtual links of one node."""

    def __init__(self, sysctls: Sysctls | None = None) -> None:
        self._sysctls = Sysctls() if sysctls is None else sysctls

    def want(self, link: VirtualLink) -> None:
        """C{link} has just been made or found: set what it and its parent need."""
        for name, value in of_link(link).items():
            self._sysctls.write(name, value)
        self._sysctls.want(link.name, of_parent(link))

    def drop(self, name: str) -> None:
        """The virtual link called C{name} is wanted no more."""
        self._sysctls.want(name, {})

    def loosen(self, virtual: set[str]) -> None:
        """Move C{all.rp_filter} to each interface that is not in C{virtual}.

        The kernel takes the greater one of both, so that 0 in one does not help.
        """
        all_of_them = _RP_FILTER.format("all")
        before = self._sysctls.before.get(all_of_them)
        everywhere = before or self._sysctls.read(all_of_them)
        if everywhere in ("", "0"):
            return
        values = {}
        for name in ["default", *self._sysctls.interfaces()]:
            path = _RP_FILTER.format(name)
            own = self._sysctls.before.get(path) or self._sysctls.read(path)
            if name not in virtual and own < everywhere:
                values[path] = everywhere
        values[all_of_them] = "0"
        self._sysctls.want(_RP_OWNER, values)

    def tighten(self) -> None:
        """Take L{loosen} back."""
        self._sysctls.want(_RP_OWNER, {})

    def local_igmp(self, wanted: bool) -> None:
        """Whether the kernel reports membership of groups in 224.0.0.0/24."""
        self._sysctls.want("igmp", {} if wanted else {_IGMP: "0"})

    def renewed(self, interface: str) -> None:
        """This interface was made anew."""
        for family in ("ipv4", "ipv6"):
            self._sysctls.renew(f"{family}/conf/{interface}")

    def restore(self) -> None:
        """Put all old values back."""
        self._sysctls.restore()

    # -- across a kill

    def note(self, link: VirtualLink) -> str:
        """What was before, in few characters, for L{recall} after a kill.

        It is what one virtual link has changed, and what all have changed together,
        as much of it as an alias has room for.
        """
        before = self._sysctls.before
        own = [name for name in sorted(of_parent(link)) if name in before]
        shared = [name for name in sorted(before) if name.endswith("/rp_filter")]
        shared.sort(key=lambda name: "/all/" not in name and "/default/" not in name)
        words, room = [], ROOM
        for name in (*own, *shared, *({_IGMP} & set(before))):
            word = f"{_short(name, link)}={before[name]}"
            room -= len(word) + 1
            if room >= 0:
                words.append(word)
        return " ".join(words)

    def recall(self, link: VirtualLink, note: str) -> None:
        """Take over what a daemon that was killed noted on this link."""
        values = {}
        for word in note.split():
            short, equals, value = word.partition("=")
            if equals and value.isdigit():
                values[_long(short, link)] = value
        self._sysctls.remember(values)


def _short(name: str, link: VirtualLink) -> str:
    conf = f"ipv4/conf/{link.parent}/"
    if name.startswith(conf):
        return "." + name.removeprefix(conf)
    return name.removeprefix("ipv4/").removeprefix("conf/")


def _long(short: str, link: VirtualLink) -> str:
    if short.startswith("."):
        return f"ipv4/conf/{link.parent}/{short[1:]}"
    return f"ipv4/conf/{short}" if "/" in short else f"ipv4/{short}"
