"""Sysctls that are ours for a while: set while wanted, then put back (ip-sysctl)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twisted.logger import Logger

from hanode.dataplanes.sysctl import CONF


class Sysctls:
    """Values below /proc/sys/net with their owners: the old ones come back.

    A name is that of a file, e.g. C{ipv4/conf/eth0/arp_ignore}.
    """

    log = Logger()

    def __init__(self, conf: Path = CONF) -> None:
        self._conf = conf
        self._wanted: dict[str, dict[str, str]] = {}  # owner -> name -> value
        self.before: dict[str, str] = {}

    def want(self, owner: str, values: Mapping[str, str]) -> None:
        """From now on C{owner} wants exactly C{values}."""
        if values:
            self._wanted[owner] = dict(values)
        else:
            self._wanted.pop(owner, None)
        for name in values:  # all of them first: "default" changes others, too
            self._note(name)
        for name, value in values.items():
            self._set(name, value)
        for name in sorted(set(self.before) - self._names()):
            self._restore(name)

    def remember(self, values: Mapping[str, str]) -> None:
        """So it was before a daemon set it that was killed; ours comes later."""
        for name, value in values.items():
            self.before.setdefault(name, value)

    def renew(self, directory: str) -> None:
        """The interface of this directory is a new one: it has its own old values."""
        for name in [each for each in self.before if each.startswith(directory + "/")]:
            del self.before[name]
        for values in self._wanted.values():
            for name, value in values.items():
                if name.startswith(directory + "/"):
                    self._set(name, value)

    def restore(self) -> None:
        """Put every old value back."""
        self._wanted.clear()
        for name in sorted(self.before):
            self._restore(name)

    def read(self, name: str) -> str:
        """The present value, "" where there is no such file."""
        try:
            return (self._conf / name).read_text().strip()
        except OSError:
            return ""

    def interfaces(self) -> list[str]:
        """The interfaces that have IPv4 settings, without C{all} and C{default}."""
        try:
            found = sorted(each.name for each in (self._conf / "ipv4/conf").iterdir())
        except OSError:
            return []
        return [name for name in found if name not in ("all", "default")]

    def write(self, name: str, value: str) -> None:
        """Set a value that is not to be put back, because its interface goes."""
        try:
            (self._conf / name).write_text(value)
        except FileNotFoundError:
            return  # no IPv6 here, or the interface has gone
        except OSError as error:
            self.log.warn(
                "cannot set {path}: {error}", path=self._conf / name, error=error
            )

    def _names(self) -> set[str]:
        return {name for values in self._wanted.values() for name in values}

    def _set(self, name: str, value: str) -> None:
        self._note(name)
        if self.read(name) not in ("", value):
            self.write(name, value)

    def _note(self, name: str) -> None:
        present = self.read(name)
        if present:
            self.before.setdefault(name, present)

    def _restore(self, name: str) -> None:
        value = self.before.pop(name)
        if self.read(name) not in ("", value):
            self.write(name, value)
