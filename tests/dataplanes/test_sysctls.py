"""Sysctls with owners, on a directory that looks like /proc/sys/net."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.sysctls import Sysctls

A, B = "ipv4/conf/eth0/arp_ignore", "ipv4/conf/eth1/arp_ignore"


class SysctlsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = Path(self.mktemp())
        for name in (A, B):
            self.put(name, "0")
        self.sysctls = Sysctls(self.conf)

    def put(self, name: str, value: str) -> None:
        (self.conf / name).parent.mkdir(parents=True, exist_ok=True)
        (self.conf / name).write_text(value + "\n")

    def values(self) -> list[str]:
        return [self.sysctls.read(name) for name in (A, B)]

    def test_last_owner_restores(self) -> None:
        """A value comes back when its last owner wants it no more."""
        self.sysctls.want("x", {A: "1", B: "1"})
        self.sysctls.want("y", {A: "1"})
        self.assertEqual(self.values(), ["1", "1"])
        self.sysctls.want("x", {})
        self.assertEqual(self.values(), ["1", "0"])
        self.sysctls.want("y", {})
        self.assertEqual((self.values(), self.sysctls.before), (["0", "0"], {}))

    def test_restore(self) -> None:
        """All at once; what was so before stays so."""
        self.put(B, "1")
        self.sysctls.want("x", {A: "1", B: "1"})
        self.sysctls.restore()
        self.assertEqual(self.values(), ["0", "1"])

    def test_remembered(self) -> None:
        """What a killed daemon noted comes back, and not what it had set."""
        self.put(A, "1")
        self.sysctls.remember({A: "0"})
        self.sysctls.want("x", {A: "1"})
        self.sysctls.want("x", {})
        self.assertEqual(self.values(), ["0", "0"])

    def test_renewed(self) -> None:
        """A new interface of the name gets it too, and has its own old value."""
        self.sysctls.want("x", {A: "1"})
        self.put(A, "2")
        self.sysctls.renew("ipv4/conf/eth0")
        self.assertEqual(self.values(), ["1", "0"])
        self.sysctls.restore()
        self.assertEqual(self.values(), ["2", "0"])

    def test_absent(self) -> None:
        """What is not there is left alone, and said by nobody."""
        missing = "ipv6/conf/eth0/accept_ra"
        self.sysctls.want("x", {missing: "0"})
        self.sysctls.write(missing, "0")
        self.sysctls.restore()
        self.assertEqual((self.sysctls.read(missing), self.values()), ("", ["0", "0"]))

    def test_interfaces(self) -> None:
        """Those that have IPv4 settings, without the two that are none."""
        for name in ("all", "default"):
            self.put(f"ipv4/conf/{name}/arp_ignore", "0")
        self.assertEqual(self.sysctls.interfaces(), ["eth0", "eth1"])
        self.assertEqual(Sysctls(self.conf / "nothing").interfaces(), [])

    def test_refused(self) -> None:
        """What cannot be written is a warning."""
        (self.conf / "ipv4/directory").mkdir()
        self.sysctls.write("ipv4/directory", "1")
