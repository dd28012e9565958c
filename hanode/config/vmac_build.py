"""Draft -> virtual links: their names, MAC addresses, and which address is on which.

keepalived.conf(5), use_vmac, use_vmac_addr, use_ipvlan and vmac_xmit_base; the
addresses are those of RFC 9568, section 7.3.
"""

from __future__ import annotations

from dataclasses import replace

from hanode.config.draft import Draft, Taken
from hanode.config.model import Address, VrrpInstance
from hanode.config.vmac_entries import WrittenLink
from hanode.config.vmac_model import IPVLAN_FLAGS, Virtual, VirtualLink
from hanode.config.vmac_names import names

USE_VMAC = "use_vmac"  # among the flags of an address until it is placed
_MACS = {4: bytes.fromhex("00005e0001"), 6: bytes.fromhex("00005e0002")}


def virtual_mac(family: int, vrid: int) -> bytes:
    """The virtual router MAC address (RFC 9568, section 7.3)."""
    return _MACS[family] + bytes((vrid,))


class Placement:
    """Says for each address of one instance which interface it goes to.

    C{placed} is the instance as far as it is known; C{taken} what the instances
    before it have.
    """

    def __init__(self, draft: Draft, placed: VrrpInstance, taken: Taken) -> None:
        self._draft, self._placed = draft, placed
        self._names = set(taken.links)
        self._main = self._make_main()
        self._others: dict[tuple[str, int], VirtualLink] = {}
        self._all = bool(draft.get("use_vmac_addr"))

    @property
    def device(self) -> str:
        """Where addresses go that name no interface, "" when that is not known."""
        return self._placed.interface if self._main is None else self._main.name

    def place(self, address: Address) -> Address:
        """C{address} with its interface; its device is "" where the file has none."""
        wanted = USE_VMAC in address.flags
        flags = address.flags - {USE_VMAC}
        family = address.address.version
        parent = address.device or self._placed.interface
        device = address.device or self.device
        if (wanted or self._all) and parent:
            device = self._link_for(parent, family).name
        if self._main is not None and device == self._main.name:
            self._carry(family)
        return replace(address, device=device, flags=flags)

    def virtual(self) -> Virtual:
        """The links of the instance, once all addresses have been placed."""
        others = tuple(self._others.values())
        base = self._transmit_base()
        if self._main is None:
            return Virtual(None, others, False)
        sends = self._placed.family == 6 and not base
        main, source = replace(self._main, link_local=sends), self._placed.source
        if sends and source is not None and source.is_link_local:
            # The kernel sends it only from the interface that has it.
            main = replace(main, address=source, length=64)
        return Virtual(main, others, base)

    # -- links

    def _make_main(self) -> VirtualLink | None:
        draft, placed = self._draft, self._placed
        vmac: WrittenLink | None = draft.own.get("use_vmac")
        ipvlan: WrittenLink | None = draft.own.get("use_ipvlan")
        if vmac is not None and ipvlan is not None:
            draft.warning("Cannot use ipvlan with use_vmac - ignoring use_ipvlan")
            ipvlan = None
        written = vmac or ipvlan
        if written is None:
            return None
        if not placed.interface:
            draft.warning(
                "use_vmac and use_ipvlan need an interface - ignoring",
                "add interface NAME",
            )
            return None
        prefix = self._prefix("vmac_prefix")
        name = self._name(written.name, prefix, placed.family)
        link = VirtualLink(
            name,
            placed.interface,
            prefix="" if name == written.name else prefix,
            ipv4=placed.family == 4,
            ipv6=placed.family == 6,
            group=written.group,
        )
        if vmac is not None:
            return replace(link, mac=self._mac(vmac))
        return self._ipvlan(link, written)

    def _ipvlan(self, link: VirtualLink, written: WrittenLink) -> VirtualLink:
        draft, family = self._draft, self._placed.family
        address = written.address
        if address is not None and address.version != family:
            draft.warning(
                f"ipvlan address {address} is not IPv{family} - ignoring",
                "the address is what advertisements are sent from",
            )
            address = None
        if address is None and family == 4 and not draft.get("vmac_xmit_base"):
            draft.warning(
                "use_ipvlan with IPv4 needs an address to send from",
                "write use_ipvlan ADDRESS/PREFIX: in FAULT until the interface has one",
            )
        return replace(
            link,
            kind="ipvlan",
            flags=IPVLAN_FLAGS[written.mode],
            address=address,
            length=written.prefix if address is not None else 0,
        )

    def _mac(self, written: WrittenLink) -> bytes:
        vrid = self._placed.vrid
        mac = written.mac if len(written.mac) != 5 else written.mac + bytes((vrid,))
        own = virtual_mac(self._placed.family, vrid)
        if mac and mac != own and self._draft.strict:
            self._draft.warning(
                "a MAC address of one's own is incompatible with strict mode"
                " - resetting",
                "remove the address behind use_vmac, or strict mode",
            )
            return own
        return mac or own

    def _name(self, wanted: str, prefix: str, family: int) -> str:
        if wanted and wanted in (self._names | {self._placed.interface}):
            self._draft.warning(
                f"interface name {wanted} is already in use - ignoring the name",
                "give each virtual interface its own name",
            )
            wanted = ""
        candidates = names(prefix, self._placed.vrid, family)
        name = wanted or next(each for each in candidates if each not in self._names)
        self._names.add(name)
        return name

    def _prefix(self, word: str) -> str:
        shared = self._draft.shared
        return str(shared.get(word) or shared.get("vmac_prefix") or "vrrp")

    def _link_for(self, parent: str, family: int) -> VirtualLink:
        """The virtual MAC for addresses of C{family} on C{parent}."""
        main = self._main
        own = main is not None and (main.parent, self._placed.family) == (
            parent,
            family,
        )
        if main is not None and own:
            return main
        key = (parent, family)
        if key not in self._others:
            prefix = self._prefix("vmac_addr_prefix")
            self._others[key] = VirtualLink(
                self._name("", prefix, family),
                parent,
                prefix=prefix,
                mac=virtual_mac(family, self._placed.vrid),
                ipv4=family == 4,
                ipv6=family == 6,
                link_local=family == 6,
            )
        return self._others[key]

    def _carry(self, family: int) -> None:
        assert self._main is not None
        if family == 4:
            self._main = replace(self._main, ipv4=True)
        else:
            self._main = replace(self._main, ipv6=True)

    def _transmit_base(self) -> bool:
        draft, main = self._draft, self._main
        base = bool(draft.get("vmac_xmit_base"))
        if base and main is None:
            draft.warning(
                "vmac_xmit_base is only valid with a vmac", "remove it, or add use_vmac"
            )
        if main is not None and self._placed.unicast and not base:
            draft.warning(
                "unicast peers with use_vmac or use_ipvlan: vmac_xmit_base is used",
                "add vmac_xmit_base",
            )
            return True
        return base and main is not None
