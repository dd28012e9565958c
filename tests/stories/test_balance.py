"""The load balancer on one clock: what the kernel has, who is told, and when."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Model
from hanode.lvs import Endpoint, Usage
from hanode.rehearsal.cluster import Cluster, parse
from tests.stories.texts import instance

NAME = "[192.0.2.100]:tcp:80"
SERVICE = Endpoint(ip_address("192.0.2.100"), 80, "TCP")
TIMES = "delay_loop 5\nwarmup 0\nretry 2\ndelay_before_retry 1\n"


def real(number, weight=1, extra=""):
    """A real_server with a TCP_CHECK."""
    return (
        f"real_server 10.0.0.{number} 80 {{\nweight {weight}\n"
        f"notify_up /bin/up\nnotify_down /bin/down\n{extra}\nTCP_CHECK {{\n}}\n}}\n"
    )


def virtual(*reals, extra=""):
    """A virtual_server with these real servers."""
    return (
        f"virtual_server 192.0.2.100 80 {{\nprotocol TCP\nlvs_sched wrr\n{TIMES}"
        f"quorum_up /bin/quorum-up\nquorum_down /bin/quorum-down\n{extra}\n"
        + "".join(reals)
        + "}\n"
    )


class Balanced(SynchronousTestCase):
    """One node, n1, that balances."""

    def start(self, text: str | Model) -> None:
        self.cluster = Cluster([text])
        self.box = self.cluster.boxes["n1"]
        self.node = self.box.node
        self.farm = self.cluster.farm

    def pool(self) -> dict[str, int]:
        """Last part of the address -> weight, of what the kernel has."""
        service = self.box.balancer.services[SERVICE]
        return {str(each.address)[7:]: each.weight for each in service.destinations}

    def told(self) -> list[str]:
        return [" ".join(argv)[5:] for _, argv in self.box.processes.ran]

    def run_to(self, moment: float) -> None:
        self.cluster.run(moment - self.cluster.clock.seconds())

    def reload(self, text: str) -> None:
        self.cluster.reload("n1", text)
        self.cluster.run(0.001)


class Servers(Balanced):
    def test_start(self) -> None:
        """Without alpha all servers are in the table before the first check."""
        self.start(virtual(real(1), real(2, weight=3)))
        self.assertEqual(self.pool(), {"1": 1, "2": 3})
        self.assertEqual(self.farm.probes, [])
        self.run_to(20)
        self.assertEqual(self.told(), [])
        self.assertEqual(len(self.box.balancer.tables), 1)
        self.assertEqual(len(self.farm.probes), 2 * 4)

    def test_neverWorked(self) -> None:
        """The very first failure takes a server out without a retry."""
        self.start(virtual(real(1), real(2)))
        self.farm.break_("10.0.0.1", 80)
        self.run_to(1.1)
        self.assertEqual(self.pool(), {"2": 1})
        self.assertEqual(self.told(), ["down"])

    def test_flapping(self) -> None:
        """A server that works again within its retries stays; else it goes."""
        self.start(virtual(real(1), real(2)))
        self.run_to(3)
        self.farm.break_("10.0.0.1", 80)
        self.run_to(7.5)  # the check at 6 and its first retry at 7
        self.farm.mend("10.0.0.1", 80)
        self.run_to(12)
        self.assertEqual(self.pool(), {"1": 1, "2": 1})
        self.farm.break_("10.0.0.1", 80)
        self.run_to(14.9)  # the check at 13, the first retry at 14
        self.assertEqual(self.pool(), {"1": 1, "2": 1})
        self.run_to(15.1)
        self.assertEqual(self.pool(), {"2": 1})
        self.farm.mend("10.0.0.1", 80)
        self.run_to(25)
        self.assertEqual(self.pool(), {"1": 1, "2": 1})
        self.assertEqual(self.told(), ["down", "up"])
        fact = self.node.facts.get(f"real:{NAME}/[10.0.0.1]:tcp:80")
        self.assertEqual((fact.up, fact.weight, fact.reason), (True, 1, "success"))

    def test_alpha(self) -> None:
        """With alpha nobody serves before the first success, which is told."""
        self.start(virtual(real(1), real(2), extra="alpha"))
        self.farm.break_("10.0.0.2", 80)
        self.assertEqual(self.pool(), {})
        self.run_to(1.1)
        self.assertEqual(self.pool(), {"1": 1})
        self.assertEqual(
            sorted(self.told()), ["down", "quorum-down", "quorum-up", "up"]
        )

    def test_inhibit(self) -> None:
        """With inhibit_on_failure a server that fails stays, with weight 0."""
        self.start(virtual(real(1, extra="inhibit_on_failure"), real(2)))
        self.farm.break_("10.0.0.1", 80)
        self.run_to(2)
        self.assertEqual(self.pool(), {"1": 0, "2": 1})

    def test_stop(self) -> None:
        """An end removes what is ours; without omega nobody is told."""
        self.start(virtual(real(1), real(2)))
        self.run_to(3)
        self.cluster.stop("n1")
        self.assertEqual(self.box.balancer.services, {})
        self.assertEqual(self.told(), [])

    def test_omega(self) -> None:
        """With omega the end is told of all that was up."""
        self.start(virtual(real(1), real(2), extra="omega"))
        self.farm.break_("10.0.0.2", 80)
        self.run_to(3)
        self.cluster.stop("n1")
        self.assertEqual(self.told(), ["down", "down", "quorum-down"])

    def test_kill(self) -> None:
        """A restart after a crash takes over what the kernel has, as it is."""
        self.start(virtual(real(1), real(2)))
        self.run_to(3)
        self.cluster.kill("n1")
        self.assertEqual(self.pool(), {"1": 1, "2": 1})
        self.cluster.start("n1")
        self.assertEqual(self.pool(), {"1": 1, "2": 1})
        self.assertEqual(len(self.box.balancer.tables), 1)


class Quorums(Balanced):
    def test_hysteresis(self) -> None:
        """Lost below quorum - hysteresis, gained with quorum + hysteresis."""
        servers = [real(number) for number in (1, 2, 3, 4)]
        self.start(virtual(*servers, extra="quorum 3\nhysteresis 1"))
        self.run_to(3)
        self.farm.break_("10.0.0.1", 80)
        self.farm.break_("10.0.0.2", 80)
        self.run_to(10)
        self.assertEqual(self.told(), ["down", "down"])  # 2 is not below 3 - 1
        self.farm.break_("10.0.0.3", 80)
        self.run_to(20)
        self.assertEqual(self.told()[2:], ["down", "quorum-down"])
        self.assertEqual(self.pool(), {"4": 1})  # no sorry server: it goes on
        self.farm.mend("10.0.0.1", 80)
        self.farm.mend("10.0.0.2", 80)
        self.run_to(30)
        self.assertEqual(self.told()[4:], ["up", "up"])  # 3 is not 3 + 1
        self.farm.mend("10.0.0.3", 80)
        self.run_to(40)
        self.assertEqual(self.told()[6:], ["up", "quorum-up"])

    def test_sorry(self) -> None:
        """The sorry server replaces the rest, and is there before they are gone."""
        self.start(
            virtual(real(1), real(2), extra="quorum 2\nsorry_server 10.0.0.9 80")
        )
        self.run_to(3)
        self.farm.break_("10.0.0.1", 80)
        self.run_to(10)
        self.assertEqual(self.pool(), {"9": 1})
        fact = self.node.facts.get(f"virtual:{NAME}")
        self.assertEqual(
            (fact.up, fact.sorry, fact.alive, fact.reason),
            (False, True, 1, "Lost quorum 2-0=2 > 1"),
        )
        self.farm.mend("10.0.0.1", 80)
        self.run_to(20)
        self.assertEqual(self.pool(), {"1": 1, "2": 1})

    def test_sorryInhibit(self) -> None:
        """With sorry_server_inhibit it is there before and after, with weight 0."""
        extra = "sorry_server 10.0.0.9 80\nsorry_server_inhibit"
        self.start(virtual(real(1), extra=extra))
        self.assertEqual(self.pool(), {"1": 1, "9": 0})
        self.farm.break_("10.0.0.1", 80)
        self.run_to(2)
        self.assertEqual(self.pool(), {"9": 1})
        self.farm.mend("10.0.0.1", 80)
        self.run_to(10)
        self.assertEqual(self.pool(), {"1": 1, "9": 0})


class Reloads(Balanced):
    def test_oneChanged(self) -> None:
        """Who has not changed keeps state and timers; a weight is changed in place."""
        self.start(virtual(real(1), real(2), real(3)))
        self.farm.break_("10.0.0.3", 80)
        self.run_to(3)
        table = len(self.box.balancer.tables)
        probes = len(self.farm.probes)
        self.reload(virtual(real(1), real(2, weight=5), real(3)))
        self.assertEqual(self.pool(), {"1": 1, "2": 5})
        self.assertEqual(len(self.box.balancer.tables), table + 1)
        self.run_to(5.9)
        self.assertEqual(len(self.farm.probes), probes)
        self.run_to(6.1)
        self.assertEqual(len(self.farm.probes), probes + 3)
        self.assertEqual(self.told(), ["down"])

    def test_equal(self) -> None:
        """An equal configuration changes nothing."""
        self.start(virtual(real(1), real(2)))
        self.run_to(3)
        self.reload(virtual(real(1), real(2)))
        self.run_to(5)
        self.assertEqual(len(self.box.balancer.tables), 1)

    def test_removed(self) -> None:
        """A removed server is told as down, a new one joins at once."""
        self.start(virtual(real(1), real(2)))
        self.run_to(3)
        self.reload(virtual(real(2), real(3)))
        self.assertEqual(self.pool(), {"2": 1, "3": 1})
        self.assertEqual(self.told(), ["down"])

    def test_anotherSchedule(self) -> None:
        """With another delay_loop a server that is down is not thought to be up."""
        self.start(virtual(real(1), real(2)))
        self.farm.break_("10.0.0.1", 80)
        self.run_to(3)
        self.reload(virtual(real(1, extra="delay_loop 2"), real(2)))
        self.assertEqual(self.pool(), {"2": 1})
        self.farm.mend("10.0.0.1", 80)
        self.run_to(5.2)
        self.assertEqual(self.pool(), {"1": 1, "2": 1})

    def test_allGone(self) -> None:
        """A configuration without virtual servers leaves nothing behind."""
        self.start(virtual(real(1)) + instance(1, 150))
        self.run_to(3)
        self.reload(instance(1, 150))
        self.assertEqual(self.box.balancer.services, {})
        self.assertIsNone(self.node.facts.get(f"virtual:{NAME}"))
        self.assertIsNone(self.node.facts.get(f"real:{NAME}/[10.0.0.1]:tcp:80"))
        self.assertEqual(self.told(), ["down", "quorum-down"])
        probes = len(self.farm.probes)
        self.run_to(30)
        self.assertEqual(len(self.farm.probes), probes)


class Drained(Balanced):
    def connections(self, number: int, count: int) -> None:
        key = (ip_address(f"10.0.0.{number}"), 80)
        self.box.balancer.count(SERVICE, Usage(active=count), key)

    def with_drain(self, seconds: float) -> Model:
        model = parse(virtual(real(1), real(2)))
        name, settings = next(iter(model.virtual_servers.items()))
        servers = tuple(replace(each, drain=seconds) for each in settings.real_servers)
        changed = replace(settings, real_servers=servers)
        return replace(model, virtual_servers={name: changed})

    def without_first(self, model: Model) -> Model:
        name, settings = next(iter(model.virtual_servers.items()))
        changed = replace(settings, real_servers=settings.real_servers[1:])
        return replace(model, virtual_servers={name: changed})

    def test_removedByReload(self) -> None:
        """A removed server has weight 0 until its connections are gone."""
        model = self.with_drain(60)
        self.start(model)
        self.run_to(3)
        self.connections(1, 2)
        self.cluster.reload("n1", self.without_first(model))
        self.run_to(20)
        self.assertEqual(self.pool(), {"2": 1, "1": 0})
        self.connections(1, 0)
        self.run_to(21.1)
        self.assertEqual(self.pool(), {"2": 1})

    def test_atMost(self) -> None:
        """It does not keep them longer than its time to drain."""
        model = self.with_drain(10)
        self.start(model)
        self.run_to(3)
        self.connections(1, 2)
        self.cluster.reload("n1", self.without_first(model))
        self.run_to(12.9)
        self.assertEqual(self.pool(), {"2": 1, "1": 0})
        self.run_to(14.1)
        self.assertEqual(self.pool(), {"2": 1})

    def test_backAgain(self) -> None:
        """A server that a reload brings back while it drains serves again."""
        model = self.with_drain(60)
        self.start(model)
        self.run_to(3)
        self.connections(1, 2)
        self.cluster.reload("n1", self.without_first(model))
        self.run_to(5)
        self.cluster.reload("n1", model)
        self.run_to(6)
        self.assertEqual(self.pool(), {"1": 1, "2": 1})

    def test_operator(self) -> None:
        """An operator drains a server, and takes the wish back."""
        self.start(virtual(real(1), real(2)))
        self.run_to(3)
        self.connections(1, 2)
        wish = f"admin:real:{NAME}/[10.0.0.1]:tcp:80"
        self.node.facts.set(wish, "drain")
        self.run_to(100)
        self.assertEqual(self.pool(), {"1": 0, "2": 1})
        self.connections(1, 0)
        self.run_to(102)
        self.assertEqual(self.pool(), {"2": 1})
        fact = self.node.facts.get(f"real:{NAME}/[10.0.0.1]:tcp:80")
        self.assertEqual((fact.up, fact.drain), (True, "drained"))
        self.node.facts.set(wish, "")
        self.run_to(103)
        self.assertEqual(self.pool(), {"1": 1, "2": 1})

    def test_everywhere(self) -> None:
        """A wish without a virtual server is for all of them, and for later ones."""
        self.start(virtual(real(1), real(2)))
        self.node.facts.set("admin:real:[10.0.0.3]:tcp:80", "drain")
        self.node.facts.set("admin:real:[10.0.0.2]:tcp:80", "drain")
        self.run_to(0.5)
        self.assertEqual(self.pool(), {"1": 1, "2": 0})
        self.reload(virtual(real(1), real(3)))
        self.assertEqual(self.pool(), {"1": 1, "3": 0})


class WithVrrp(SynchronousTestCase):
    def test_haSuspend(self) -> None:
        """Of a pair only the master checks; who takes over checks within seconds."""
        text = virtual(real(1), extra="ha_suspend")
        cluster = Cluster([text + instance(1, 150), text + instance(2, 100)])
        cluster.run(20)
        self.assertEqual(cluster.masters("VI_1"), ["n1"])
        first = len(cluster.farm.probes)
        self.assertEqual(first, 4)
        state = cluster.boxes["n2"].node.facts.get(f"virtual:{NAME}")
        self.assertTrue(state.suspended)
        cluster.kill("n1")
        cluster.run(5)
        self.assertEqual(cluster.masters("VI_1"), ["n2"])
        self.assertGreater(len(cluster.farm.probes), first)
        state = cluster.boxes["n2"].node.facts.get(f"virtual:{NAME}")
        self.assertFalse(state.suspended)

    def test_haSuspendOfAGroup(self) -> None:
        """A group is checked where one of its addresses is."""
        group = (
            "virtual_server_group WEB {\n198.51.100.1 80\n192.0.2.100 80\n}\n"
            + virtual(real(1), extra="ha_suspend").replace(
                "virtual_server 192.0.2.100 80", "virtual_server group WEB"
            )
        )
        cluster = Cluster([group + instance(1, 150)])
        cluster.run(0.05)
        (name,) = cluster.boxes["n1"].model.virtual_servers
        facts = cluster.boxes["n1"].node.facts
        self.assertTrue(facts.get(f"virtual:{name}").suspended)
        cluster.run(20)
        self.assertFalse(facts.get(f"virtual:{name}").suspended)
        self.assertEqual(len(cluster.farm.probes), 4)
        cluster.unplug("n1")
        cluster.run(0.1)
        self.assertEqual(facts.get("vrrp:VI_1"), "FAULT")
        self.assertTrue(facts.get(f"virtual:{name}").suspended)

    def test_syncDaemon(self) -> None:
        """The master tells of its connections, the backup listens."""
        sync = "global_defs {\nlvs_sync_daemon eth0 VI_1 id 51\n}\n"
        text = sync + virtual(real(1))
        cluster = Cluster([text + instance(1, 150), text + instance(2, 100)])

        def states() -> list[list[str]]:
            boxes = cluster.boxes.values()
            return [[each.state for each in box.balancer.daemons] for box in boxes]

        cluster.run(2)
        self.assertEqual(states(), [["master"], ["backup"]])
        cluster.stop("n1")
        cluster.run(2)
        self.assertEqual(states(), [[], ["master"]])
        cluster.start("n1")
        cluster.run(2)
        self.assertEqual(states(), [["master"], ["backup"]])

    def test_failover(self) -> None:
        """Who takes over the address has had the same table all the time."""
        text = virtual(real(1), real(2))
        cluster = Cluster([text + instance(1, 150), text + instance(2, 100)])
        cluster.run(3)
        cluster.farm.break_("10.0.0.2", 80)
        cluster.run(20)
        first, second = (box.balancer.services for box in cluster.boxes.values())
        self.assertEqual(first, second)
        cluster.kill("n1")
        cluster.run(2)
        self.assertEqual(cluster.masters("VI_1"), ["n2"])
        self.assertEqual(cluster.boxes["n2"].balancer.services, first)
