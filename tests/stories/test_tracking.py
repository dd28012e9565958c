"""What is tracked decides who is master: the tables of the guides, and the start."""

from __future__ import annotations

import os
from itertools import product

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.track_model import Description
from hanode.processes import Exit
from hanode.rehearsal import cluster as rehearsal
from hanode.rehearsal.cluster import Cluster
from tests.stories.texts import VIP, instance

CHECK = "/usr/local/bin/chk_service"
SCRIPT = """
vrrp_script chk {{
    script "{} --port 80"
    interval 1
    {}
}}
"""
TRACK = "track_script {\nchk\n}"


def texts(*priorities, options="weight 100", extra=TRACK):
    """Nodes of these priorities that all track the same script."""
    return [
        instance(number, priority, extra=extra) + SCRIPT.format(CHECK, options)
        for number, priority in enumerate(priorities, 1)
    ]


class Mechanics(SynchronousTestCase):
    """base priority + weight of what works; the highest is master."""

    def table(self, *priorities, **words):
        """Which scripts work -> who holds the address, for each way to fail."""
        cluster = Cluster(texts(*priorities, **words), delay=0.0005)
        found = {}
        for works in product((True, False), repeat=len(priorities)):
            for number, well in enumerate(works, 1):
                cluster.script(f"n{number}", CHECK, 0 if well else 1)
            cluster.run(3)
            shown = " ".join("up" if well else "down" for well in works)
            ranks = [
                cluster.boxes[name].node.instance("VI_1").machine.priority
                for name in cluster.boxes
            ]
            found[shown] = (ranks, cluster.holders(VIP[4]))
        return found

    def test_twoNodes(self):
        """50 and 1 with +100: the script counts more than the base, then the base."""
        self.assertEqual(
            self.table(50, 1),
            {
                "up up": ([150, 101], ["n1"]),
                "up down": ([150, 1], ["n1"]),
                "down up": ([50, 101], ["n2"]),
                "down down": ([50, 1], ["n1"]),
            },
        )

    def test_threeNodes(self):
        """50, 1 and 2 with +100: of those whose script works the highest."""
        self.assertEqual(
            self.table(50, 1, 2),
            {
                "up up up": ([150, 101, 102], ["n1"]),
                "up up down": ([150, 101, 2], ["n1"]),
                "up down up": ([150, 1, 102], ["n1"]),
                "up down down": ([150, 1, 2], ["n1"]),
                "down up up": ([50, 101, 102], ["n3"]),
                "down up down": ([50, 101, 2], ["n2"]),
                "down down up": ([50, 1, 102], ["n3"]),
                "down down down": ([50, 1, 2], ["n1"]),
            },
        )

    def test_negative(self):
        """150 and 100 with -60: what fails falls below the other."""
        self.assertEqual(
            self.table(150, 100, options="weight -60"),
            {
                "up up": ([150, 100], ["n1"]),
                "up down": ([150, 40], ["n1"]),
                "down up": ([90, 100], ["n2"]),
                "down down": ([90, 40], ["n1"]),
            },
        )

    def test_unweighted(self):
        """Without weight nobody whose script fails is master; perhaps nobody is."""
        self.assertEqual(
            self.table(150, 100, options=""),
            {
                "up up": ([150, 100], ["n1"]),
                "up down": ([150, 100], ["n1"]),
                "down up": ([150, 100], ["n2"]),
                "down down": ([150, 100], []),
            },
        )

    def test_reverse(self):
        """reverse: the one whose script succeeds is the worse one."""
        self.assertEqual(
            self.table(110, 100, options="weight 20 reverse")["up down"],
            ([90, 100], ["n2"]),
        )


class Checked(SynchronousTestCase):
    """track_check: a server is probed, no script is run."""

    def test_moves(self):
        """The address goes where the server behind the node works."""
        extra = """track_check web {{
            HTTP_GET {{
                connect_ip 10.0.0.{}
                url {{
                    path /
                }}
            }}
            weight 60
        }}"""
        texts = [instance(n, 100 - n, extra=extra.format(n)) for n in (1, 2)]
        cluster = Cluster(texts, delay=0.0005)
        seen = []
        for broken in ((), ("10.0.0.1",), ("10.0.0.1", "10.0.0.2"), ()):
            for address in ("10.0.0.1", "10.0.0.2"):
                cluster.farm.mend(address, 80)
            for address in broken:
                cluster.farm.break_(address, 80)
            cluster.run(5)
            seen.append(cluster.holders(VIP[4]))
        self.assertEqual(seen, [["n1"], ["n2"], ["n1"], ["n1"]])
        self.assertEqual(cluster.boxes["n1"].processes.ran, [])

    def test_waited_for(self):
        """Without weight the instance begins when the first probe has ended."""
        extra = "track_check {\nTCP_CHECK {\nconnect_ip 10.0.0.1\nconnect_port 80\n}\n}"
        cluster = Cluster([instance(1, 100, extra=extra)])
        self.assertEqual(cluster.state("n1", "VI_1"), None)
        cluster.run(0.01)
        self.assertEqual(cluster.state("n1", "VI_1"), "BACKUP")
        cluster.farm.break_("10.0.0.1", 80)
        cluster.run(5)
        self.assertEqual(cluster.state("n1", "VI_1"), "FAULT")


class Others(SynchronousTestCase):
    """Other kinds."""

    def test_file(self):
        """A number in a file moves the priority; far below nothing is a fault."""
        path = self.mktemp()
        text = instance(1, 100, extra="track_file {\nload weight -2\n}")
        text += f"track_file load {{\nfile {os.path.abspath(path)}\n}}\n"
        cluster = Cluster([text])
        seen = []
        for number in ("20", "-30", "", "127"):
            with open(path, "w") as file:
                file.write(number)
            cluster.run(5)
            machine = cluster.boxes["n1"].node.instance("VI_1").machine
            seen.append((machine.priority, machine.faults))
        fault = "tracked file load has status 127"
        self.assertEqual(seen, [(60, ()), (160, ()), (100, ()), (100, (fault,))])


class Starts(SynchronousTestCase):
    """The first decision."""

    def run_node(self, track):
        """A node with these track lines whose scripts hang until they are told."""
        text = instance(1, 100, extra="track_script {\n" + track + "\n}")
        for name in "ab":
            text += f"vrrp_script {name} {{\nscript /bin/{name}\ntimeout 60\n}}\n"
        cluster = Cluster([text])
        node = cluster.boxes["n1"].node
        states = []
        node.facts.watch("vrrp:VI_1", lambda _, state: states.append(state))
        return cluster, node, states

    def setUp(self):
        """Scripts that never end by themselves."""
        self.runs = {}

        def run(processes, argv, user=None, group=None, timeout=None, environment=None):
            done = Deferred(lambda _: None)
            self.runs[argv[0][-1]] = done
            return done

        self.patch(rehearsal.NoProcesses, "run", run)

    def end(self, name, status):
        """The script C{name} ends."""
        self.runs.pop(name).callback(Exit(status))

    def test_unweightedIsWaitedFor(self):
        """Until it has answered there is no state, no fault and nothing sent."""
        with capturedLogs() as logs:
            cluster, node, states = self.run_node("a")
            cluster.run(5)
        service = node.instance("VI_1")
        self.assertEqual((states, service.machine.state.value), ([], "INIT"))
        self.assertEqual(service.describe()["tracked"][0]["state"], "not known yet")
        waits = [formatEvent(each) for each in logs if "waiting" in formatEvent(each)]
        self.assertEqual(waits, ["(VI_1) waiting for script a"])
        self.end("a", 0)
        cluster.run(1)
        self.assertEqual(states, ["BACKUP", "MASTER"])

    def test_failureDecides(self):
        """One failure is enough to begin, whatever the others are going to say."""
        cluster, node, states = self.run_node("a\nb")
        cluster.run(1)
        self.end("b", 1)
        self.assertEqual(states, ["FAULT"])
        self.assertEqual(node.instance("VI_1").machine.faults, ("due to script b",))
        cluster.run(1.5)
        self.end("b", 0)
        self.assertEqual(states[1:2], ["BACKUP"])

    def test_weightedIsNot(self):
        """One with a weight holds nothing up; it is nothing until it is known."""
        cluster, node, states = self.run_node("a weight 10\nb weight -10")
        cluster.run(1)
        self.assertEqual(states, ["BACKUP", "MASTER"])
        self.assertEqual(node.instance("VI_1").machine.priority, 100)
        self.end("a", 0)
        self.end("b", 1)
        self.assertEqual(node.instance("VI_1").machine.priority, 100)
        described = node.instance("VI_1").describe()["tracked"]
        self.assertEqual([each["points"] for each in described], [10, -10])

    def test_reload(self):
        """A script that is new at a reload makes no master let go."""
        cluster, node, states = self.run_node("b weight 1")
        cluster.run(1)
        text = instance(1, 100, extra="track_script {\na\n}")
        text += "vrrp_script a {\nscript /bin/a\ntimeout 60\n}\n"
        cluster.reload("n1", text)
        cluster.run(1)
        self.assertEqual(states, ["BACKUP", "MASTER"])
        self.assertEqual(node.facts.get("script:b", "forgotten"), "forgotten")
        self.assertIsInstance(node.model.trackers["script"]["a"], Description)
        self.end("a", 1)
        self.assertEqual(states[-1], "FAULT")
