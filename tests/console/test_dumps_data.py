"""keepalived.data, held against one that keepalived 2.2.7 wrote."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.console import dumps_data
from hanode.link import Link
from tests.console.dumped import FOLDER, TRACKED, all_seen, model

#: what only keepalived's insides have, or hanode tells otherwise
OTHERWISE = (
    "Number of config faults",
    "Number of track scripts init",
    "Read timeout",
    "Master down timer",
    "Number of interface",
    "Last transition",
    "Send advert after receive higher",
    "fd_in",
    "Use VMAC",
    "Interface = vrrp.",
    "Multicast address ff02",
    "Flags",
    "Unicast checksum",
    "203.0.113.0/24",
    "from 192.0.2.10",
    " script = ",
    "Num member",
    "Command",
    "Timeout",
    "Result",
    "Insecure",
    "Init state",
    "Script uid",
    "VRRP instances :",
    "Fork delay timer",
    "Terminate delay timer",
    "Full command",
    "File = ",
    "Tracking VRRP instances",
)
LINK = Link("eth0", 2, True, bytes(range(6)), 1500, (ip_address("192.0.2.1"),))


def lines(text):
    """Its lines from the first instance to the last tracked thing."""
    found = text.splitlines()
    start = found.index("------< VRRP Topology >------")
    return found[start : found.index("------< Interfaces >------")]


def comparable(found):
    """Without what is told otherwise, and without keepalived's sockets."""
    kept, skipping = [], False
    for line in found:
        if line.startswith("------<"):
            skipping = "Sockpool" in line
        if not skipping and not any(word in line for word in OTHERWISE):
            kept.append(line)
    return kept


class DataTests(SynchronousTestCase):
    def setUp(self):
        self.model = model()

    def written(self, groups=(), trackers=TRACKED, links=(), seen=None):
        """The whole file."""
        found = all_seen(self.model) if seen is None else seen
        pieces = dumps_data.pieces(self.model, found, groups, trackers, links)
        return "".join(pieces)

    def test_lines(self):
        """Line by line it is what keepalived wrote of the same node."""
        theirs = (FOLDER / "keepalived.data").read_text()
        groups = [{"name": "G", "state": "MASTER", "members": ["VI_3", "VI_4"]}]
        ours = self.written(groups, links=[LINK])
        self.assertEqual(comparable(lines(ours)), comparable(lines(theirs)))

    def test_secret(self):
        """The password is told nowhere."""
        self.assertNotIn("secret12", self.written())

    def test_global(self):
        """The head tells what concerns the node."""
        self.assertEqual(
            list(dumps_data.global_definitions(self.model)),
            [
                " Network namespace = (default)",
                " Instance name = blue",
                " Router ID = LB1",
                " VRRP startup delay = 0.000000",
                " VRRP delay after boot = 0.000000",
                " Log unknown VRIDs = false",
                " Script security enabled",
                " Default script user = root",
                " json_version = 1",
            ],
        )

    def test_lacking(self):
        """An address that the kernel does not let us hold is not "set"."""
        first = all_seen(self.model)[0]
        first.described["missing"] = [str(first.settings.addresses[1])]
        text = self.written(seen=[first])
        self.assertIn("     192.0.2.10/24 dev v0 scope global set\n", text)
        self.assertIn("     192.0.2.11 dev v0 scope global\n", text)
        self.assertFalse(first.holds)

    def test_interfaces(self):
        """Interfaces stand at the end."""
        down = Link("tun0", 3, False)
        self.assertEqual(
            self.written(links=[LINK, down]).partition("Interfaces >------\n")[2],
            " Name = eth0\n   index = 2\n   IPv4 address = 192.0.2.1\n"
            "   IPv6 address = (none)\n   MAC = 00:01:02:03:04:05\n"
            "   State = UP, RUNNING\n   MTU = 1500\n"
            " Name = tun0\n   index = 3\n   IPv4 address = (none)\n"
            "   IPv6 address = (none)\n   State = DOWN\n   MTU = 1500\n",
        )

    def test_oneLine(self):
        """A word of a command cannot forge a line."""
        chk = {**TRACKED["script"]["chk"], "command": ["/bin/x", "a\n   State = BAD"]}
        text = self.written(trackers={"script": {"chk": chk}})
        self.assertIn("   Command = '/bin/x' 'a\\n   State = BAD'\n", text)

    def test_rest(self):
        """What keepalived tells only when it differs from the default."""
        process = replace(self.model.process, umask=0o27, instance="")
        node = replace(self.model, process=process)
        self.assertIn(" umask = 027", list(dumps_data.global_definitions(node)))
        node = replace(node, global_defs=replace(node.global_defs, script_user=None))
        texts = "\n".join(dumps_data.global_definitions(node))
        self.assertNotIn("Default script user", texts)
        first = all_seen(self.model)[0]
        settings = replace(first.settings, preempt_delay=3.0, preempt=False)
        first = replace(first, settings=settings)
        first.described["source"] = None
        text = self.written(seen=[first])
        self.assertIn("   Preempt delay = 3.000000 secs\n", text)
        self.assertIn("   Flags:\n     No preempt\n", text)
        self.assertNotIn("Using src_ip", text)

    def test_process(self):
        """A tracked process with parameters and a most."""
        tp = {**TRACKED["process"]["tp"], "words": ["a", "-b", "c"], "match": "exact"}
        text = self.written(trackers={"process": {"tp": {**tp, "most": 4}}})
        for line in (
            "   Parameters = '-b' 'c'",
            "   Parameter matching = exact",
            "   Max processes = 4",
        ):
            self.assertIn(f"{line}\n", text)
