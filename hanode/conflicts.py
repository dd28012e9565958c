"""Address conflicts as facts: C{conflict:ADDRESS} is the MAC address of the other host.

It is "" when the conflict is over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hanode.config.model import Address
from hanode.facts import Facts


class ConflictBoard:
    """Keeps the facts, and tells the instances that hold the address.

    @param tell: called with the name of an owner, the address and the MAC address.
    """

    def __init__(self, facts: Facts, tell: Callable[[str, str, str], object]) -> None:
        self._facts, self._tell = facts, tell

    def told(self, address: Address, owners: Sequence[str], mac: str) -> None:
        """A dataplane has found a conflict, or the end of one (C{mac} is "")."""
        name = str(address.address)
        why = f"{mac} answers for it" if mac else "over"
        self._facts.set(f"conflict:{name}", mac, why)
        for owner in owners:
            self._tell(owner, name, mac)
