"""auth_hmac and AH on a whole cluster: rolled out, changed, and with wrong clocks."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.rehearsal.cluster import Cluster
from hanode.vrrp.auth_hmac import LENGTH
from tests.stories.texts import VIP, instance, password

OLD = f"key 1 hex:{'ab' * 32}"
NEW = f"key 2 hex:{'cd' * 32}"
NAMES = ("n1", "n2", "n3")
PRIORITIES = (150, 120, 100)
HOUR = 3600.0


def hmac(*lines):
    """A block."""
    return "\n".join(("auth_hmac {", *lines, "}"))


ENFORCED = hmac(OLD, "active_key 1")
ROLL_OUT = [
    hmac(OLD, "active_key 1", "mode receive-only"),
    hmac(OLD, "active_key 1", "mode permissive"),
    ENFORCED,
]
ROTATION = [
    ENFORCED,
    hmac(OLD, NEW, "active_key 1"),
    hmac(OLD, NEW, "active_key 2"),
    hmac(NEW, "active_key 2"),
]


class StoryCase(SynchronousTestCase):
    """Three nodes; the first one is master."""

    def gather(self, extra="", **mode):
        """Start them, and let them find each other."""
        self.mode = mode
        self.texts = {name: self.text(name, extra) for name in NAMES}
        self.cluster = Cluster(list(self.texts.values()), delay=0.0005)
        self.cluster.run(15)
        self.assertEqual(self.holders(), ["n1"])
        self.doubles, self.trailers = 0, set()
        self.cluster.watchers.append(self.watch)
        self.cluster.lan.trace = self.trace

    def text(self, name, extra):
        """The configuration of a node."""
        number = NAMES.index(name) + 1
        return instance(
            number,
            PRIORITIES[number - 1],
            extra=extra,
            **{"interval": 0.1, **self.mode},
        )

    def watch(self, cluster):
        """After each event there must be one master and the same."""
        if cluster.masters("VI_1") != ["n1"]:
            self.doubles += 1

    def trace(self, sender, receiver, data):
        """Note which key signed what is on the wire; 0 for none."""
        unsigned = 24 if self.mode.get("family") == 6 else 12
        unsigned += 8 if self.mode.get("version") == 2 else 0
        self.trailers.add(data[-LENGTH + 1] if len(data) > unsigned else 0)

    def holders(self):
        """Who holds the address."""
        return self.cluster.holders(VIP[self.mode.get("family", 4)])

    def counted(self, name, prefix="dropped"):
        """How many advertisements a node has dropped, and why."""
        counters = self.cluster.boxes[name].node.instance("VI_1").counters
        return {key: n for key, n in counters.items() if key.startswith(prefix)}

    def undisturbed(self):
        """Nobody else has become master, and no advertisement was lost."""
        self.assertEqual((self.doubles, self.holders()), (0, ["n1"]))
        self.assertEqual([self.counted(name) for name in NAMES], [{}, {}, {}])


class RollOutTests(StoryCase):
    """The procedures of docs/authentication.md."""

    modes = ({}, {"family": 6}, {"peers": 3})

    def steps(self, blocks):
        """Each block on one node after the other; return what is on the wire after."""
        seen = []
        for block in blocks:
            for name in NAMES:
                self.cluster.reload(name, self.text(name, block))
                self.cluster.run(1)
                self.undisturbed()
            self.trailers.clear()
            self.cluster.run(1)
            seen.append(self.trailers.copy())
        return seen

    def test_roll_out(self):
        """receive-only, permissive, enforce: no advertisement is lost; and back."""
        for mode in self.modes:
            self.gather(**mode)
            self.assertEqual(self.steps(ROLL_OUT), [{0}, {1}, {1}])
            self.assertEqual(self.steps([*ROLL_OUT[1::-1], ""]), [{1}, {0}, {0}])

    def test_rotation(self):
        """Both keys, the new one active, the old one gone: none is lost."""
        for mode in self.modes:
            self.gather(ROTATION[0], **mode)
            self.assertEqual(self.steps(ROTATION[1:]), [{1}, {2}, {2}])

    def test_wrong_key(self):
        """A node with a wrong key is noticed by those who hear it, and not dropped."""
        self.gather(ROLL_OUT[0])
        wrong = ROLL_OUT[1].replace("ab", "ba")
        self.cluster.reload("n1", self.text("n1", wrong))
        self.cluster.run(1)
        self.undisturbed()
        taken = self.counted("n2", "taken without proof")
        self.assertEqual(list(taken), ["taken without proof: authentication digest"])

    def test_one_forgotten(self):
        """Permissive: who has not been reloaded yet is noticed by the others."""
        self.gather(ROLL_OUT[0])
        for name in ("n2", "n3"):
            self.cluster.reload(name, self.text(name, ROLL_OUT[1]))
        self.cluster.run(1)
        self.undisturbed()
        taken = self.counted("n2", "taken without proof")
        self.assertEqual(list(taken), ["taken without proof: authentication missing"])


class ClockTests(StoryCase):
    """Clocks that somebody sets, with auth_hmac."""

    def test_set_while_running(self):
        """An hour back or forward, on the master or a backup: nothing happens."""
        self.gather(ENFORCED)
        for name in NAMES:
            for wrong in (-HOUR, HOUR, 0.0):
                self.cluster.set_clock(name, wrong)
                self.cluster.run(2)
        self.undisturbed()

    def test_take_over(self):
        """With all clocks apart, the next node takes over, and gives back, as ever."""
        self.gather(ENFORCED)
        for name, wrong in zip(NAMES, (-HOUR, HOUR, 60.0), strict=True):
            self.cluster.set_clock(name, wrong)
        self.cluster.cut("n1")
        self.cluster.run(2)
        self.assertEqual(self.holders(), ["n1", "n2"])
        self.cluster.heal()
        self.cluster.run(2)
        self.assertEqual(self.holders(), ["n1"])

    def test_wrong_at_the_start(self):
        """A node that started with a wrong clock is back when the clock is right."""
        self.gather(ENFORCED)
        self.cluster.kill("n1")
        self.cluster.set_clock("n1", -HOUR)
        self.cluster.start("n1")
        self.cluster.run(5)
        self.assertEqual(self.cluster.masters("VI_1"), ["n1", "n2"])
        said = list(self.counted("n1"))
        self.assertEqual(said, ["dropped: stale advertisement, seconds ahead"])
        self.cluster.set_clock("n1", 0.0)
        self.cluster.run(2)
        self.assertEqual(self.cluster.masters("VI_1"), ["n1"])

    def test_all_wrong(self):
        """A cluster that started with a wrong clock is set right node by node."""
        self.gather(ENFORCED)
        for name in NAMES:
            self.cluster.kill(name)
            self.cluster.set_clock(name, -HOUR)
        for name in NAMES:
            self.cluster.start(name)
        self.cluster.run(5)
        self.assertEqual(self.cluster.masters("VI_1"), ["n1"])
        for name in NAMES:
            self.cluster.set_clock(name, 0.0)
            self.cluster.run(2)
            self.assertEqual(self.cluster.masters("VI_1"), ["n1"])


class HeaderTests(StoryCase):
    """auth_type AH: who takes over goes on counting."""

    ah = password("e^Ho6HWa").replace("PASS", "AH")

    def test_life(self):
        """Power cut, return, stop and start; nothing is dropped in the end."""
        self.gather(self.ah, version=2, interval=1)
        self.cluster.cut("n1")
        self.cluster.run(10)
        self.assertEqual(self.holders(), ["n1", "n2"])
        self.cluster.heal()
        self.cluster.run(10)
        self.assertEqual(self.holders(), ["n1"])
        self.cluster.kill("n1")
        self.cluster.run(10)
        self.assertEqual(self.cluster.masters("VI_1"), ["n2"])
        self.cluster.start("n1")
        self.cluster.run(10)
        self.assertEqual(self.holders(), ["n1"])
        before = [self.counted(name) for name in NAMES]
        self.cluster.run(60)
        self.assertEqual([self.counted(name) for name in NAMES], before)
        self.cluster.stop("n1")
        self.cluster.run(1)
        self.assertEqual(self.holders(), ["n2"])

    def test_reload(self):
        """All nodes go to AH and away from it: in the end they agree again."""
        self.gather(version=2, interval=1)
        for extra in (self.ah, ""):
            for name in NAMES:
                self.cluster.reload(name, self.text(name, extra))
            self.cluster.run(15)
            self.assertEqual(self.cluster.masters("VI_1"), ["n1"])
            self.assertEqual(self.holders(), ["n1"])
