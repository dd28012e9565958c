"""Fast failover: BFD tells a backup that its master has died."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.rehearsal.cluster import Cluster
from tests.stories.test_pair import Told
from tests.stories.texts import VIP, instance

FAST = "fast_failover { min_rx 10\nmin_tx 10\nmultiplier 3\n}".replace("{ ", "{\n")
DELAY = 0.0005  # seconds that a packet takes
TURN = 0.003  # seconds: the wheel's slot, the way there, and rounding


def fast(number, priority, extra="", **mode):
    """A node with fast_failover at 10 ms x 3, advert_int 1."""
    mode = {"version": 2, "interval": 1} | mode
    return instance(number, priority, extra=f"{FAST}\n{extra}", **mode)


def watching(number, other, priority, track, interval=10):
    """A node with a bfd_instance to its peer, and C{track} as its track_bfd line."""
    session = (
        f"bfd_instance peer {{\nneighbor_ip 10.255.0.{other}\n"
        f"source_ip 10.255.0.{number}\nmin_rx {interval}\nmin_tx {interval}\n"
        "multiplier 3\n}\n"
    )
    extra = f"track_bfd {{\n{track}\n}}"
    return session + instance(number, priority, 2, interval=1, extra=extra)


def started(*sources, seconds=6, **wire):
    """A cluster in which everything is calm."""
    cluster = Cluster(list(sources), delay=DELAY, **wire)
    told = Told(cluster)
    cluster.run(seconds)
    return cluster, told


def dies(cluster, told, dead, heir, seconds=1):
    """C{dead} is killed; how long after that C{heir} became MASTER, in seconds."""
    at = cluster.clock.seconds()
    cluster.kill(dead)
    cluster.run(seconds)
    return told.when(heir, "MASTER", at) - at


def skew(priority, interval=0.01):
    """What a backup waits once the silence is noticed, in seconds."""
    return (256 - priority) / 256 * interval


class PairTests(SynchronousTestCase):
    """Two nodes with fast_failover."""

    def taken_over(self, deed, *sources, least, most):
        """C{deed} happens to n1; n2 takes over between C{least} and C{most} later."""
        cluster, told = started(*sources)
        self.assertEqual(cluster.masters("VI_1"), ["n1"])
        cut = cluster.clock.seconds()
        deed(cluster)
        cluster.run(most + 1)
        took = told.when("n2", "MASTER", cut) - cut
        self.assertTrue(least <= took <= most, took)
        return cluster, told, cut

    def test_killed(self):
        """A master that is killed is replaced within detection time and skew time."""
        self.taken_over(
            lambda cluster: cluster.kill("n1"),
            fast(1, 150),
            fast(2, 100),
            least=0.02 + skew(100),
            most=0.03 + skew(100) + TURN,
        )

    def test_everyMode(self):
        """So it is over IPv6, with unicast, and in version 3."""
        for mode in ({"version": 3, "family": 6}, {"peers": 2}, {"version": 3}):
            with self.subTest(**mode):
                self.taken_over(
                    lambda cluster: cluster.kill("n1"),
                    fast(1, 150, **mode),
                    fast(2, 100, **mode),
                    least=0.02,
                    most=0.03 + skew(100) + TURN,
                )

    def test_cutAndHealed(self):
        """A master that was cut off comes back as the only one."""
        cluster, told, _ = self.taken_over(
            lambda cluster: cluster.cut("n1"),
            fast(1, 150),
            fast(2, 100),
            least=0.02,
            most=0.03 + skew(100) + TURN,
        )
        healed = cluster.clock.seconds()
        cluster.heal()
        cluster.run(10)
        self.assertEqual(told.since(healed), [("n2", "BACKUP")])
        self.assertEqual(cluster.holders(VIP[4]), ["n1"])

    def test_andOnceMore(self):
        """After the return the new session is trusted like the first one."""
        cluster, told, _ = self.taken_over(
            lambda cluster: cluster.cut("n1"),
            fast(1, 150),
            fast(2, 100),
            least=0.02,
            most=0.03 + skew(100) + TURN,
        )
        cluster.heal()
        cluster.run(5)
        again = cluster.clock.seconds()
        cluster.kill("n1")
        cluster.run(1)
        took = told.when("n2", "MASTER", again) - again
        self.assertLess(took, 0.03 + skew(100) + TURN)

    def test_restarted(self):
        """A master that is killed and back at once has lost its place all the same."""

        def restart(cluster):
            cluster.kill("n1")
            cluster.start("n1")

        cluster, told = started(fast(1, 150), fast(2, 100))
        at = cluster.clock.seconds()
        restart(cluster)
        cluster.run(0.2)
        self.assertLess(told.when("n2", "MASTER", at) - at, 0.03 + skew(100) + TURN)
        cluster.run(10)
        self.assertEqual(cluster.holders(VIP[4]), ["n1"])

    def test_goodbye(self):
        """An orderly stop is not slower than a death."""
        self.taken_over(
            lambda cluster: cluster.stop("n1"),
            fast(1, 150),
            fast(2, 100),
            least=skew(100),
            most=skew(100) + TURN,
        )

    def test_bothEndsRestarted(self):
        """After a power failure of everything, they find each other anew."""
        cluster, _ = started(fast(1, 150), fast(2, 100))
        for name in ("n1", "n2"):
            cluster.kill(name)
        cluster.run(1)
        for name in ("n1", "n2"):
            cluster.start(name)
        told = Told(cluster)
        cluster.run(8)
        self.assertEqual(cluster.masters("VI_1"), ["n1"])
        at = cluster.clock.seconds()
        cluster.kill("n1")
        cluster.run(1)
        self.assertLess(told.when("n2", "MASTER", at) - at, 0.03 + skew(100) + TURN)

    def test_nopreempt(self):
        """Without preemption the new master stays master when the old one is back."""
        cluster, told, _ = self.taken_over(
            lambda cluster: cluster.kill("n1"),
            fast(1, 150, "nopreempt"),
            fast(2, 100, "nopreempt"),
            least=0.02,
            most=0.03 + skew(100) + TURN,
        )
        cluster.start("n1")
        cluster.run(10)
        self.assertEqual(cluster.holders(VIP[4]), ["n2"])
        at = cluster.clock.seconds()
        told = Told(cluster)
        cluster.kill("n2")
        cluster.run(1)
        self.assertLess(told.when("n1", "MASTER", at) - at, 0.03 + skew(150) + TURN)

    def test_withoutBfdOfThePeer(self):
        """A peer that knows nothing of BFD is replaced in VRRP's own time."""
        plain = instance(1, 150, 2, interval=1)
        cluster, told = started(plain, fast(2, 100))
        took = dies(cluster, told, "n1", "n2", 5)
        self.assertTrue(2.6 <= took <= 3 + 156 / 256 + TURN, took)


class LinkTests(SynchronousTestCase):
    """A link that carries packets in one direction only."""

    def test_masterDeaf(self):
        """A master that does not hear us lives: the backup stays backup."""
        cluster, told = started(fast(1, 150), fast(2, 100))
        at = cluster.clock.seconds()
        cluster.lan.cut("n2", "n1")
        cluster.run(10)
        self.assertEqual(told.since(at), [])

    def test_backupDeaf(self):
        """A backup that hears nothing takes over, and gives way when it hears again."""
        cluster, told = started(fast(1, 150), fast(2, 100))
        at = cluster.clock.seconds()
        cluster.lan.cut("n1", "n2")
        cluster.run(5)
        self.assertEqual(told.since(at), [("n2", "MASTER")])
        cluster.heal()
        cluster.run(5)
        self.assertEqual(told.since(at)[1:], [("n2", "BACKUP")])
        self.assertEqual(cluster.holders(VIP[4]), ["n1"])


class ThreeTests(SynchronousTestCase):
    """Several backups."""

    def test_bestWins(self):
        """Of two backups the better one takes over, and the other stays backup."""
        cluster, told = started(fast(1, 200), fast(2, 150), fast(3, 50))
        at = cluster.clock.seconds()
        cluster.kill("n1")
        cluster.run(3)
        self.assertEqual(cluster.masters("VI_1"), ["n2"])
        self.assertNotIn(("n3", "MASTER"), told.since(at))

    def test_oneAfterTheOther(self):
        """The third follows the second as quickly as the second the first."""
        cluster, told = started(fast(1, 200), fast(2, 150), fast(3, 50))
        cluster.kill("n1")
        cluster.run(5)
        took = dies(cluster, told, "n2", "n3")
        self.assertLess(took, 0.03 + skew(50) + TURN)


class TrackBfdTests(SynchronousTestCase):
    """track_bfd, with and without a weight."""

    def test_weight(self):
        """A weighted bfd_instance to the master is a fast failover too."""
        cluster, told = started(
            watching(1, 2, 150, "peer weight 10 reverse"),
            watching(2, 1, 100, "peer weight 10 reverse"),
            seconds=8,
        )
        self.assertEqual(cluster.masters("VI_1"), ["n1"])
        took = dies(cluster, told, "n1", "n2")
        self.assertLess(took, 0.03 + skew(100) + TURN)

    def test_reverseWeightCounts(self):
        """While the session is Up the reversed weight is taken off the priority."""
        cluster, _ = started(
            watching(1, 2, 150, "peer weight 10 reverse"),
            watching(2, 1, 100, "peer weight 10 reverse"),
            seconds=8,
        )
        node = cluster.boxes["n2"].node
        self.assertEqual(node.instance("VI_1").machine.priority, 90)
        cluster.kill("n1")
        cluster.run(1)
        self.assertEqual(node.instance("VI_1").machine.priority, 100)

    def test_plain(self):
        """Without weight a session that is not Up is a FAULT, as keepalived has it."""
        cluster, told = started(
            watching(1, 2, 150, "peer"), watching(2, 1, 100, "peer"), seconds=10
        )
        self.assertEqual(cluster.masters("VI_1"), ["n1"])
        at = cluster.clock.seconds()
        cluster.kill("n1")
        cluster.run(1)
        self.assertEqual(told.since(at), [("n2", "FAULT")])

    def test_slowerThanVrrp(self):
        """A session that is slower than VRRP does not hold VRRP up."""
        cluster, told = started(
            watching(1, 2, 150, "peer weight 1", 5000),
            watching(2, 1, 100, "peer weight 1", 5000),
            seconds=30,
        )
        took = dies(cluster, told, "n1", "n2", 5)
        self.assertLessEqual(took, 3 + 156 / 256 + TURN)


class WeatherTests(SynchronousTestCase):
    """Loss, delay, reordering and duplication."""

    def test_seeds(self):
        """Whatever the wire does, in the end one node holds the address.

        And never do two hold it for longer than VRRP itself would let them.
        """
        for seed in range(12):
            with self.subTest(seed=seed):
                cluster = Cluster(
                    [fast(1, 150), fast(2, 100), fast(3, 50)],
                    seed=seed,
                    delay=0.0005,
                    jitter=0.012,
                    loss=0.15,
                    duplicate=0.1,
                )
                cluster.run(10)
                cluster.kill("n1")
                cluster.run(3)
                cluster.start("n1")
                cluster.run(5)
                cluster.lan.loss = cluster.lan.duplicate = cluster.lan.jitter = 0.0
                cluster.run(8)
                self.assertEqual(cluster.masters("VI_1"), ["n1"])
                self.assertEqual(cluster.holders(VIP[4]), ["n1"])

    def test_sameSeed(self):
        """The same seed tells the same story."""

        def story():
            cluster = Cluster(
                [fast(1, 150), fast(2, 100)], seed=7, delay=0.0005, loss=0.3
            )
            told = Told(cluster)
            cluster.run(10)
            return told.lines

        self.assertEqual(story(), story())
