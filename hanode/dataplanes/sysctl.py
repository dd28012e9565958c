"""promote_secondaries of interfaces: set while wanted, then put back (ip-sysctl)."""

from __future__ import annotations

from pathlib import Path

from twisted.logger import Logger

CONF = Path("/proc/sys/net")


def is_forwarding(interface: str, conf: Path = CONF) -> bool:
    """Whether C{interface} forwards IPv6: its neighbours see a router then."""
    try:
        return (conf / "ipv6/conf" / interface / "forwarding").read_text()[:1] == "1"
    except OSError:  # no IPv6 in this kernel, or no such interface any more
        return False


class PromoteSecondaries:
    """Reference counts of one sysctl: the old value comes back with the last user.

    Without it the kernel deletes all other addresses of a subnet together with the
    first one.
    """

    log = Logger()

    def __init__(self, conf: Path = CONF) -> None:
        self._conf = conf
        self._owners: dict[str, set[str]] = {}
        self._before: dict[str, str] = {}

    def want(self, owner: str, interface: str, wanted: bool) -> None:
        """C{owner} wants it on C{interface}, or no longer does."""
        owners = self._owners.setdefault(interface, set())
        if wanted:
            owners.add(owner)
            self.appeared(interface)
            return
        owners.discard(owner)
        if not owners:
            del self._owners[interface]
            self._restore(interface)

    def appeared(self, interface: str) -> None:
        """The interface exists (again): set what is wanted of it."""
        path = self._path(interface)
        if not self._owners.get(interface) or interface in self._before:
            return
        try:
            before = path.read_text().strip()
            if before == "0":
                path.write_text("1")
        except FileNotFoundError:
            return  # it does not exist yet; it is told when it does
        except OSError as error:
            self.log.warn("cannot set {path}: {error}", path=path, error=error)
            return
        self._before[interface] = before

    def vanished(self, interface: str) -> None:
        """The interface is gone, and its old value with it."""
        self._before.pop(interface, None)

    def restore(self) -> None:
        """Put every old value back."""
        for interface in tuple(self._before):
            self._restore(interface)

    def _restore(self, interface: str) -> None:
        before = self._before.pop(interface, None)
        if before != "0":
            return
        path = self._path(interface)
        try:
            path.write_text(before)
        except OSError as error:
            self.log.warn("cannot restore {path}: {error}", path=path, error=error)

    def _path(self, interface: str) -> Path:
        return self._conf / "ipv4/conf" / interface / "promote_secondaries"
