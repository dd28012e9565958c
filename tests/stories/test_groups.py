"""Sync groups of two nodes in memory: the members move together, whatever happens."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from hanode.node import Node
from hanode.processes import Exit
from hanode.rehearsal.cluster import Cluster
from hanode.world import World

INTERVAL = 0.1  # seconds
VIPS = ("192.0.2.1", "198.51.100.1")


def member(name, priority, index, extra=""):
    """A vrrp_instance on an interface of its own."""
    return (
        f"vrrp_instance {name} {{\ninterface eth{index}\n"
        f"virtual_router_id {index + 51}\nversion 3\nadvert_int {INTERVAL}\n"
        f"priority {priority}\n{extra}\n"
        f"virtual_ipaddress {{\n{VIPS[index]}/24\n}}\n}}\n"
    )


def group(names=("A", "B"), extra=""):
    """A vrrp_sync_group."""
    lines = "\n".join(names)
    return f"vrrp_sync_group G {{\ngroup {{\n{lines}\n}}\n{extra}\n}}\n"


def node(*priorities, extra="", of_group=""):
    """A configuration with members A and B in one group."""
    return group(extra=of_group) + "".join(
        member(name, priority, index, extra)
        for index, (name, priority) in enumerate(zip("AB", priorities, strict=True))
    )


class Story(SynchronousTestCase):
    """Two nodes with two interfaces each."""

    def cluster(self, *sources, **wire):
        """A cluster, and the moments at which a node was not of one mind."""
        cluster = Cluster(sources, **wire)
        self.split = []
        cluster.watchers.append(self.watch)
        return cluster

    def watch(self, cluster):
        """Nobody is MASTER in one member and not in the other, at any moment."""
        for name in cluster.boxes:
            states = self.states(cluster, name)
            if len(set(states)) > 1 and None not in states:
                self.split.append((cluster.clock.seconds(), name, states))

    def states(self, cluster, name):
        """The states of A and B on one node."""
        return tuple(cluster.state(name, member) for member in "AB")

    def carrier(self, cluster, name, device, up):
        """One interface of a node goes down or comes up."""
        box = cluster.boxes[name]
        box.links = [
            replace(link, up=up) if link.name == device else link for link in box.links
        ]
        for link in box.links:
            box.dataplane.set_link(link)

    def is_master(self, cluster, winner):
        """C{winner} alone is MASTER, in both members, and holds both addresses."""
        for name, vip in zip("AB", VIPS, strict=True):
            self.assertEqual(cluster.masters(name), [winner])
            self.assertEqual(cluster.holders(vip), [winner])
        self.assertEqual(self.split, [])

    def groups(self, cluster, name):
        """The state of G on a node."""
        return cluster.boxes[name].node.facts.get("group:G")


class PairTests(Story):
    def test_one_interface_moves_both(self):
        """One interface of the master goes down and comes back: both members move."""
        cluster = self.cluster(node(150, 150), node(100, 100))
        cluster.run(1)
        self.is_master(cluster, "n1")
        self.assertEqual(self.groups(cluster, "n1"), "MASTER")
        for device in ("eth0", "eth1"):
            self.carrier(cluster, "n1", device, False)
            cluster.run(1)
            self.is_master(cluster, "n2")
            self.assertEqual(self.states(cluster, "n1"), ("FAULT", "FAULT"))
            self.assertEqual(self.groups(cluster, "n1"), "FAULT")
            self.carrier(cluster, "n1", device, True)
            cluster.run(1)
            self.is_master(cluster, "n1")

    def test_both_faults_must_go(self):
        """FAULT lasts until all members are free of faults of their own."""
        cluster = self.cluster(node(150, 150), node(100, 100))
        cluster.run(1)
        self.carrier(cluster, "n1", "eth0", False)
        self.carrier(cluster, "n1", "eth1", False)
        self.carrier(cluster, "n1", "eth0", True)
        cluster.run(1)
        self.assertEqual(self.states(cluster, "n1"), ("FAULT", "FAULT"))
        self.is_master(cluster, "n2")
        self.carrier(cluster, "n1", "eth1", True)
        cluster.run(1)
        self.is_master(cluster, "n1")

    def test_start_with_a_fault(self):
        """A node that starts with one interface down starts in FAULT altogether."""
        cluster = self.cluster(node(150, 150), node(100, 100))
        cluster.stop("n1")
        self.carrier(cluster, "n1", "eth1", False)
        cluster.start("n1")
        self.assertEqual(self.states(cluster, "n1"), ("FAULT", "FAULT"))
        cluster.run(1)
        self.is_master(cluster, "n2")

    def test_faster_than_three_intervals(self):
        """The silent member need not wait three intervals when the other heard 0."""
        cluster = self.cluster(node(150, 150), node(100, 100))
        cluster.run(1)
        self.carrier(cluster, "n1", "eth0", False)
        cluster.boxes["n1"].station.up = True
        cluster.run(2 * INTERVAL)
        self.is_master(cluster, "n2")

    def test_owners(self):
        """A group of owners is MASTER at once; so it is when a fault has gone."""
        cluster = self.cluster(node(255, 255, extra="state MASTER"), node(100, 100))
        cluster.run(0.001)
        self.is_master(cluster, "n1")
        self.carrier(cluster, "n1", "eth0", False)
        cluster.run(1)
        self.is_master(cluster, "n2")
        self.carrier(cluster, "n1", "eth0", True)
        cluster.run(INTERVAL)
        self.is_master(cluster, "n1")

    def test_nopreempt(self):
        """With nopreempt the group stays where it is."""
        cluster = self.cluster(
            node(150, 150, extra="nopreempt"), node(100, 100, extra="nopreempt")
        )
        cluster.run(1)
        self.carrier(cluster, "n1", "eth0", False)
        cluster.run(1)
        self.carrier(cluster, "n1", "eth0", True)
        cluster.run(2)
        self.is_master(cluster, "n2")

    def test_crossed_priorities(self):
        """Each node is the better one in one member: one of them wins, for good."""
        cluster = self.cluster(node(150, 100), node(100, 150))
        cluster.run(3)
        before = len(cluster.boxes["n1"].node.facts.events)
        (winner,) = cluster.masters("A")
        self.is_master(cluster, winner)
        cluster.run(30)
        self.is_master(cluster, winner)
        self.assertEqual(len(cluster.boxes["n1"].node.facts.events), before)

    def test_only_one_network_cut(self):
        """A member that hears its master keeps the other from being MASTER."""
        cluster = self.cluster(node(150, 150), node(100, 100))
        cluster.run(1)
        deaf = node(100, 100).replace("virtual_router_id 52", "virtual_router_id 77")
        cluster.reload("n2", deaf)
        cluster.run(3)
        self.assertEqual(self.states(cluster, "n2"), ("BACKUP", "BACKUP"))
        self.is_master(cluster, "n1")

    def test_a_lower_master(self):
        """A lower master of one member: all members announce their addresses again."""
        cluster = self.cluster(node(150, 150), member("A", 100, 0))
        cluster.cut("n1")
        cluster.run(1)
        self.assertEqual(cluster.masters("A"), ["n1", "n2"])
        announced = cluster.boxes["n1"].dataplane.announced
        cluster.run(10)
        announced.clear()
        cluster.heal()
        cluster.run(0.2)
        self.assertEqual(cluster.masters("A"), ["n1"])
        counts = [
            len([each for each in announced if str(each.address.address) == vip])
            for vip in VIPS
        ]
        self.assertEqual(counts, [5, 5])

    def test_delay_after_boot(self):
        """vrrp_delay_after_boot holds the group with its members."""
        delay = "global_defs {\nvrrp_delay_after_boot 7.5\n}\n"
        cluster = self.cluster(delay + node(255, 255, extra="state MASTER"))
        box = cluster.boxes["n1"]
        cluster.stop("n1")
        world = World(
            box.clock,
            cluster.random,
            box.station,
            box.processes,
            box.dataplane,
            uptime=lambda: 5.0,
        )
        box.node = Node(box.model, world, checkers={}, balancers={})
        box.node.startService()
        cluster.run(2.4)
        self.assertEqual(self.states(cluster, "n1"), (None, None))
        self.assertIs(self.groups(cluster, "n1"), None)
        cluster.run(0.2)
        self.is_master(cluster, "n1")

    def test_a_script(self):
        """A failing script that the group tracks puts all members in FAULT."""
        script = "vrrp_script chk {\nscript /bin/chk\ninterval 1\n}\n"
        tracks = "track_script {\nchk\n}"
        cluster = self.cluster(script + node(150, 150, of_group=tracks), node(100, 100))
        cluster.run(2)
        self.is_master(cluster, "n1")
        processes = cluster.boxes["n1"].processes
        self.patch(processes, "run", lambda *_, **__: succeed(Exit(1)))
        cluster.run(2)
        self.is_master(cluster, "n2")
        self.assertEqual(self.states(cluster, "n1"), ("FAULT", "FAULT"))

    def test_a_script_that_takes_its_time(self):
        """The group waits for the script of one member, and falls when it fails."""
        script = "vrrp_script chk {\nscript /bin/chk\ninterval 9\n}\n"
        text = script + group() + member("A", 150, 0)
        text += member("B", 150, 1, "track_script {\nchk\n}")
        for status in (0, 1):
            cluster = self.cluster(text)
            cluster.stop("n1")
            answer = Deferred()
            processes = cluster.boxes["n1"].processes
            self.patch(processes, "run", lambda *_, to=answer, **__: to)
            cluster.start("n1")
            cluster.run(2)
            self.assertEqual(self.states(cluster, "n1"), ("BACKUP", None))
            answer.callback(Exit(status))
            cluster.run(1)
            wanted = "FAULT" if status else "MASTER"
            self.assertEqual(self.states(cluster, "n1"), (wanted, wanted))
            self.assertEqual(self.groups(cluster, "n1"), wanted)


class FastTests(Story):
    """BFD for one member moves the whole group."""

    fast = "fast_failover {\nmin_rx 10\nmin_tx 10\nmultiplier 3\n}"

    def sources(self):
        """Two nodes; only A looks after its master by BFD."""
        return [
            group() + member("A", priority, 0, self.fast) + member("B", priority, 1)
            for priority in (150, 100)
        ]

    def test_the_master_dies(self):
        """Both members are MASTER within the detection time."""
        cluster = self.cluster(*self.sources(), delay=0.0005)
        cluster.run(3)
        self.is_master(cluster, "n1")
        cluster.kill("n1")
        cluster.run(0.05)
        self.assertEqual(self.states(cluster, "n2"), ("MASTER", "MASTER"))
        self.assertEqual(self.split, [])

    def test_only_bfd_is_cut(self):
        """A master that only BFD gave up answers at once, and keeps both members."""
        cluster = self.cluster(*self.sources(), delay=0.0005)
        cluster.run(3)
        facts = cluster.boxes["n2"].node.facts
        path = facts.get("fast_failover:A")
        facts.set("fast_failover:A", replace(path, state="DOWN", died=True))
        cluster.run(0.01)
        self.assertEqual(facts.find("vrrp:A").changes, 2)  # MASTER, and back
        self.is_master(cluster, "n1")
        cluster.run(10)
        self.assertEqual(facts.find("vrrp:A").changes, 2)
        self.is_master(cluster, "n1")

    def test_a_group_tracks_bfd(self):
        """A weighted track_bfd of the group does the same, for all members."""
        sources = []
        for me, other, priority in ((1, 2, 150), (2, 1, 100)):
            tracks = "track_bfd {\npeer weight 10 reverse\n}"
            session = f"neighbor_ip 10.255.0.{other}\nsource_ip 10.255.0.{me}"
            session += "\nmin_rx 10\nmin_tx 10\nmultiplier 3"
            text = node(priority, priority, of_group=tracks)
            sources.append(f"bfd_instance peer {{\n{session}\n}}\n{text}")
        cluster = self.cluster(*sources, delay=0.0005)
        cluster.run(3)
        self.is_master(cluster, "n1")
        cluster.kill("n1")
        cluster.run(0.05)
        self.assertEqual(self.states(cluster, "n2"), ("MASTER", "MASTER"))


class ReloadTests(Story):
    def test_a_member_more(self):
        """A member that joins a master group becomes MASTER, the others stay."""
        cluster = self.cluster(
            group(("A",)) + member("A", 150, 0) + member("B", 150, 1), node(100, 100)
        )
        cluster.run(1)
        changes = cluster.boxes["n1"].node.facts.snapshot()["vrrp:A"].changes
        cluster.reload("n1", node(150, 150))
        cluster.run(1)
        self.is_master(cluster, "n1")
        snapshot = cluster.boxes["n1"].node.facts.snapshot()
        self.assertEqual(snapshot["vrrp:A"].changes, changes)

    def test_a_new_instance(self):
        """An instance that is new joins within its master-down time."""
        cluster = self.cluster(group(("A",)) + member("A", 150, 0))
        cluster.run(1)
        cluster.boxes["n1"].links.append(
            replace(cluster.boxes["n1"].links[0], name="eth1", index=9)
        )
        cluster.boxes["n1"].dataplane.set_link(cluster.boxes["n1"].links[-1])
        cluster.reload("n1", node(150, 150))
        self.assertEqual(self.states(cluster, "n1"), ("MASTER", "BACKUP"))
        cluster.run(4 * INTERVAL)
        self.assertEqual(self.states(cluster, "n1"), ("MASTER", "MASTER"))

    def test_a_joining_member_follows(self):
        """A member that joins and hears a better master pulls the others down."""
        lone = group(("A",)) + member("A", 150, 0) + member("B", 100, 1)
        cluster = self.cluster(lone, member("B", 120, 1))
        cluster.run(1)
        self.assertEqual(self.states(cluster, "n1"), ("MASTER", "BACKUP"))
        cluster.reload("n1", node(150, 100))
        self.assertEqual(self.states(cluster, "n1"), ("BACKUP", "BACKUP"))
        cluster.run(5)
        self.assertEqual(self.states(cluster, "n1"), ("BACKUP", "BACKUP"))

    def test_a_member_less(self):
        """A member that leaves no longer keeps the others from being MASTER."""
        cluster = self.cluster(node(150, 100), member("B", 120, 1))
        cluster.run(1)
        self.assertEqual(self.states(cluster, "n1"), ("BACKUP", "BACKUP"))
        cluster.reload("n1", group(("A",)) + member("A", 150, 0) + member("B", 100, 1))
        cluster.run(1)
        self.assertEqual(self.states(cluster, "n1"), ("MASTER", "BACKUP"))
        self.assertEqual(self.groups(cluster, "n1"), "MASTER")

    def test_a_faulty_member_leaves(self):
        """The fault of a member that leaves binds nobody any more."""
        cluster = self.cluster(node(150, 150))
        cluster.run(1)
        self.carrier(cluster, "n1", "eth1", False)
        self.assertEqual(self.states(cluster, "n1"), ("FAULT", "FAULT"))
        cluster.reload("n1", member("A", 150, 0) + member("B", 150, 1))
        self.assertEqual(self.states(cluster, "n1"), ("BACKUP", "FAULT"))
        cluster.run(1)
        self.assertEqual(self.states(cluster, "n1"), ("MASTER", "FAULT"))
        self.assertIs(self.groups(cluster, "n1"), None)

    def test_a_replaced_member(self):
        """A member with another VRID begins anew; the group is complete again."""
        cluster = self.cluster(node(150, 150))
        cluster.run(1)
        cluster.reload("n1", node(150, 150).replace("_id 52", "_id 99"))
        cluster.run(1)
        self.assertEqual(self.states(cluster, "n1"), ("MASTER", "MASTER"))


class SeedTests(Story):
    def chaos(self, seed, *sources):
        """Twelve bad events; then all is well again, and time passes."""
        random = Random(seed)
        cluster = self.cluster(*sources, seed=seed, delay=0.0005, loss=0.1)
        down, deeds = set(), []
        for _ in range(12):
            name, device = random.choice(("n1", "n2")), random.choice(("eth0", "eth1"))
            deed = random.choice(("flip", "flip", "flip", "cut", "heal", "restart"))
            deeds.append((deed, name, device))
            if deed == "flip":
                self.carrier(cluster, name, device, (name, device) in down)
                down ^= {(name, device)}
            elif deed == "restart":
                random.choice((cluster.kill, cluster.stop))(name)
                cluster.start(name)
            else:
                cluster.cut(name) if deed == "cut" else cluster.heal()
            cluster.run(random.uniform(0, 5 * INTERVAL))
        cluster.heal()
        cluster.lan.loss = 0.0
        for name, device in down:
            self.carrier(cluster, name, device, True)
        cluster.run(3)
        return cluster, deeds

    def test_never_split(self):
        """After each of 60 seeds the better node has both, and was never split."""
        for seed in range(60):
            cluster, deeds = self.chaos(seed, node(150, 150), node(100, 100))
            self.assertEqual(self.split, [], (seed, deeds))
            self.assertEqual(cluster.masters("A"), ["n1"], (seed, deeds))
            self.is_master(cluster, "n1")

    def test_crossed(self):
        """Crossed priorities: somebody has both, and it stays so."""
        for seed in range(30):
            cluster, deeds = self.chaos(seed, node(150, 100), node(100, 150))
            self.assertEqual(self.split, [], (seed, deeds))
            winners = cluster.masters("A")
            self.assertEqual((len(winners), cluster.masters("B")), (1, winners))
            cluster.run(5)
            self.is_master(cluster, winners[0])


class ScriptTests(Story):
    def test_order(self):
        """What is told, in keepalived's order: the group first only at the start."""
        notify = "notify /bin/note"
        text = node(150, 150, extra=notify, of_group=notify)
        cluster = self.cluster(text)
        cluster.run(1)
        self.carrier(cluster, "n1", "eth0", False)
        self.carrier(cluster, "n1", "eth0", True)
        cluster.run(0.2)
        box = cluster.boxes["n1"]
        cluster.stop("n1")
        told = [" ".join(argv[2:4]) for _, argv in box.processes.ran]
        self.assertEqual(told[:3], ["G BACKUP", "A BACKUP", "B BACKUP"])
        self.assertEqual(sorted(told[3:5]), ["A MASTER", "B MASTER"])
        self.assertEqual(told[5:9], ["G MASTER", "A FAULT", "B FAULT", "G FAULT"])
        self.assertEqual(told[9:12], ["A BACKUP", "B BACKUP", "G BACKUP"])
        self.assertEqual(sorted(told[12:14]), ["A STOP", "B STOP"])
        self.assertEqual(told[14:], ["G STOP"])
        self.assertEqual(
            box.processes.ran[0][1], ("/bin/note", "GROUP", "G", "BACKUP", "0")
        )

    def test_priority_changes(self):
        """notify_priority_changes: members tell of each new effective priority."""
        tracks = "notify_priority_changes\ntrack_interface {\neth7 weight 10\n}"
        cluster = self.cluster(node(150, 150, of_group=tracks), node(155, 155))
        heard = Messages()
        cluster.boxes["n1"].node._messengers["test"] = heard
        cluster.run(1)
        self.is_master(cluster, "n1")
        heard.told.clear()
        self.carrier(cluster, "n1", "eth7", False)
        cluster.run(1)
        self.is_master(cluster, "n2")
        self.carrier(cluster, "n1", "eth7", True)
        told = [each for each in heard.told if each[0] != "G"]
        self.assertEqual(
            told[:2], [("A", "MASTER_PRIORITY", 150), ("B", "MASTER_PRIORITY", 150)]
        )
        self.assertEqual(
            told[-2:], [("A", "BACKUP_PRIORITY", 160), ("B", "BACKUP_PRIORITY", 160)]
        )


class Messages:
    """Remembers what a node tells."""

    def __init__(self):
        self.told = []

    def notify(self, event):
        """See L{IMessenger.notify}."""
        self.told.append((event.name, event.state, event.priority))
