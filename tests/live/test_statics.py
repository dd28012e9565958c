"""Static things and routes outlive who meddles with them, and not who set them."""

from __future__ import annotations

from tests.live.case import LiveCase, need, until
from tests.live.configs import instance
from tests.live.kernel_state import seen, shell

STATIC = """
track_group UPLINK {
  group {
    VI_1
  }
}
static_ipaddress {
  198.51.100.7/24 dev eth0
}
static_routes {
  10.1.0.0/16 via 198.51.100.254 dev eth0
  10.2.0.0/16 dev far0 track_group UPLINK
}
static_rules {
  from 198.51.100.7 table 100 preference 900
}
"""
ROUTES = """
  virtual_routes {
    10.3.0.0/16 via 192.0.2.200 dev eth0
  }
  virtual_rules {
    from 192.0.2.100 table 100 preference 901
  }
"""


class StaticTests(LiveCase):
    def setUp(self):
        need("ip", "sh")
        super().setUp()
        body = STATIC + instance(1, 200, version=3, interval=0.2, extra=ROUTES)
        self.ours = self.daemon("hanode", self.a, body)

    def shows(self, *texts):
        """Wait until the kernel shows a line with each text."""
        for text in texts:
            until(lambda t=text: any(t in line for line in seen(self.a)), what=text)

    def test_track_group(self):
        """FAULT while a static route is missing, and MASTER when it is there."""
        self.ours.start()
        self.ours.log.wait_for(
            r"Entering FAULT STATE|entering FAULT state \(static 10.2.0.0/16 dev far0"
        )
        self.shows("198.51.100.7/24", "10.1.0.0/16", "900:")
        shell(
            self.a,
            "ip link add far0 type veth peer name far1",
            "ip link set far1 up",
            "ip link set far0 up",
        )
        self.ours.log.wait_for("Entering MASTER STATE")
        self.shows("10.2.0.0/16 dev far0", "10.3.0.0/16", "901:")
        shell(self.a, "ip link set far0 down")
        start = self.ours.log.mark()
        self.ours.log.wait_for("Entering FAULT STATE", start=max(0, start - 3))
        until(lambda: not any("10.3.0.0" in line for line in seen(self.a)))

    def test_killed(self):
        """What a killed process left is removed by the next one before it begins."""
        shell(
            self.a, "ip link add far0 type veth peer name far1", "ip link set far1 up"
        )
        shell(self.a, "ip link set far0 up")
        self.ours.start()
        self.ours.log.wait_for("Entering MASTER STATE")
        self.shows("10.3.0.0/16", "901:", "10.1.0.0/16")
        self.ours.kill()
        self.shows("10.3.0.0/16", "901:", "10.1.0.0/16", "192.0.2.100/24")
        backup = STATIC + instance(1, 100, version=3, interval=5, extra=ROUTES)
        self.ours.configure(backup)
        self.ours.start()
        self.ours.log.wait_for("Entering BACKUP STATE")
        self.shows("10.1.0.0/16", "198.51.100.7/24", "900:")
        left = [
            x for x in seen(self.a) if "10.3." in x or "901:" in x or ".100/24" in x
        ]
        self.assertEqual(left, [])
        self.ours.stop()
        left = [each for each in seen(self.a) if "keepalived" in each]
        self.assertEqual(left, [])
