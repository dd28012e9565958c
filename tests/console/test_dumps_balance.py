"""Virtual servers and BFD sessions in files."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.console import dumps_balance
from tests.console.samples import SESSION, VIRTUAL, YOUNG


class BalanceTests(SynchronousTestCase):
    def test_servers(self):
        """A virtual server with its real servers and their checks."""
        alone = {**VIRTUAL, "sorry_server": None, "real_servers": []}
        active = {**alone, "sorry_server": {"name": "S", "active": True}}
        first, one, two, three = dumps_balance.servers([VIRTUAL, alone, active])
        self.assertEqual(first, "------< LVS Topology >------\n")
        self.assertEqual(
            one,
            " Virtual Server = [198.51.100.10]:tcp:80\n"
            "   Service = [198.51.100.10]:tcp:80\n"
            "   State = UP\n   lb_algo = rr\n   persistence timeout = 0\n"
            "   quorum = 1, hysteresis = 0\n"
            "   alive real servers = 1, weight = 2\n"
            "   sorry server = [192.0.2.99]:tcp:80, not in use\n"
            "   Real Server = [192.0.2.11]:tcp:80\n     State = UP (connected)\n"
            "     Weight = 2, forwarding = NAT\n     TCP_CHECK = UP\n"
            "   Real Server = [192.0.2.12]:tcp:80\n     State = DOWN (refused)\n"
            "     Weight = 2, forwarding = NAT\n     TCP_CHECK = DOWN\n",
        )
        self.assertNotIn("sorry", two)
        self.assertIn("   sorry server = S, in use\n", three)

    def test_sessions(self):
        """Two sessions; what is not known yet is 0."""
        first, one, two = dumps_balance.sessions([SESSION, YOUNG])
        self.assertEqual(first, "------< BFD Topology >------\n")
        self.assertEqual(
            one,
            " BFD Instance = peer\n   Neighbor IP = 192.0.2.2\n"
            "   Source IP = 192.0.2.1\n   Required min RX interval = 10000 us\n"
            "   Desired min TX interval = 10000 us\n   Detection multiplier = 5\n"
            "   passive = false\n   local state = Up\n   remote state = Up\n"
            "   local discriminator = 0x1234\n"
            "   remote discriminator = 0xcafebabe\n   local diag = none\n"
            "   remote diag = detection time expired\n"
            "   remote detect multiplier = 3\n   local tx intv = 50000 us\n"
            "   remote tx intv = 33333 us\n   local detection time = 150000 us\n",
        )
        self.assertNotIn("Source IP", two)
        self.assertIn("   local state = AdminDown\n", two)
        self.assertIn("   local detection time = 0 us\n", two)
