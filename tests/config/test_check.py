"""Cross checks of a model."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_model import RealServer, VirtualServer
from hanode.config.bfd_model import BfdInstance, BfdRoute, BfdUnsolicited
from hanode.config.check import all_scripts, check, same_router
from hanode.config.model import (
    Address,
    GlobalDefs,
    Model,
    Notify,
    Script,
    UnicastPeer,
    VrrpInstance,
)
from hanode.config.problems import Place, Severity
from hanode.config.track_model import Description, Tracked
from tests.config.reading import messages
from tests.config.test_tracking import Options

PLACE = Place("a.conf", 3, 1)
PLAIN = VrrpInstance("a", 1, "eth0", 4)


def doubts(instance: VrrpInstance, defs: GlobalDefs | None = None) -> list[str]:
    """What is said about a model of one instance."""
    problems = check(Model(defs or GlobalDefs(), {instance.name: instance}))
    assert all(each.severity is Severity.WARNING for each in problems)
    return [message.removeprefix("warning: ") for message in messages(problems)]


class EmptyTests(SynchronousTestCase):
    def test_nothing_to_run(self) -> None:
        """A model without instances is worth a word."""
        self.assertEqual(
            messages(check(Model())), ["warning: there is no configuration to run"]
        )

    def test_sessions_alone(self) -> None:
        """BFD sessions without VRRP are something to run."""
        session = BfdInstance("peer", BfdRoute(ip_address("192.0.2.2")))
        self.assertEqual(
            [
                check(Model(bfd_instances={"peer": session})),
                check(Model(bfd_unsolicited=(BfdUnsolicited("eth0"),))),
            ],
            [[], []],
        )

    def test_virtual_servers_alone(self) -> None:
        """So are virtual servers; their scripts are scripts, too."""
        real = RealServer(ip_address("192.0.2.7"), 80)
        server = VirtualServer("web", (), real_servers=(real,), place=PLACE)
        noisy = replace(server, quorum_up=Script(("/up",)))
        models = [Model(virtual_servers={"web": each}) for each in (server, noisy)]
        self.assertEqual(check(models[0]), [])
        (problem,) = check(models[1])
        self.assertIn("SECURITY VIOLATION", problem.message)
        self.assertEqual(problem.place, PLACE)
        harmless = replace(noisy, quorum_up=Script(("/up",), "nobody"))
        self.assertEqual(check(Model(virtual_servers={"web": harmless})), [])

    def test_nothing_to_say(self) -> None:
        """A plain instance raises no doubt."""
        self.assertEqual(doubts(PLAIN), [])


class TimingTests(SynchronousTestCase):
    def test_slow(self) -> None:
        """A take-over that takes longer than half a minute."""
        self.assertEqual(
            [doubts(replace(PLAIN, advert_int=n)) for n in (10.0, 10.5)],
            [
                [],
                ["(a) a backup takes over only after 31.5 s without advertisements"],
            ],
        )

    def test_hasty(self) -> None:
        """A take-over after a single lost advertisement."""
        self.assertEqual(
            doubts(replace(PLAIN, down_timer_adverts=1)),
            ["(a) down_timer_adverts 1: one lost advertisement makes a second master"],
        )

    def test_delay_for_nothing(self) -> None:
        """preempt_delay where nobody can be preempted."""
        self.assertEqual(
            doubts(replace(PLAIN, preempt_delay=5.0, priority=1)),
            ["(a) preempt_delay with priority 1: no master has a lower priority"],
        )


class WeightTests(SynchronousTestCase):
    def weighted(self, *weights: int, **settings: object) -> list[str]:
        """What is said about an instance that tracks with these weights."""
        tracked = tuple(Tracked("interface", f"e{n}", w) for n, w in enumerate(weights))
        changed = replace(PLAIN, track=tracked, **settings)  # type: ignore[arg-type]
        return doubts(changed)

    def test_useful(self) -> None:
        """Weights that change the priority, and none at all."""
        self.assertEqual(
            [self.weighted(-10), self.weighted(10), self.weighted(0)], [[], [], []]
        )

    def test_owner(self) -> None:
        """The address owner's priority never changes."""
        self.assertEqual(
            self.weighted(-10, priority=255),
            ["(a) the weight of e0 has no effect: priority 255 never changes"],
        )

    def test_nopreempt(self) -> None:
        """A lower priority alone moves nothing when nobody preempts."""
        self.assertEqual(
            self.weighted(-10, 0, preempt=False),
            [
                "(a) the weight of e0 moves no address away while the other nodes "
                "have nopreempt too"
            ],
        )

    def test_bfds(self) -> None:
        """The weights of sessions count, too; nopreempt leaves them their use."""
        tracked = (Tracked("bfd", "x", 5), Tracked("bfd", "y"))
        at_the_end = replace(PLAIN, track=tracked, priority=254)
        self.assertEqual(
            [
                doubts(at_the_end),
                doubts(
                    replace(
                        at_the_end,
                        track=(Tracked("interface", "e0", -5),),
                        preempt=False,
                    )
                ),
                doubts(replace(at_the_end, priority=100, preempt=False)),
            ],
            [
                [
                    "(a) the weight of x has no effect: the priority is 254 "
                    "whether they are up or down"
                ],
                [
                    "(a) the weight of e0 moves no address away while the other nodes "
                    "have nopreempt too"
                ],
                [],
            ],
        )

    def test_files(self) -> None:
        """The number in a file may be any: its weight can reach everything."""
        tracked = (Tracked("file", "load", 1),)
        self.assertEqual(doubts(replace(PLAIN, track=tracked, priority=254)), [])

    def test_reversed(self) -> None:
        """A reversed weight pulls the other way."""
        up, down = Tracked("script", "a", 5, True), Tracked("script", "a", -5, True)
        self.assertEqual(
            [
                len(doubts(replace(PLAIN, track=(each,), priority=254)))
                for each in (up, down)
            ],
            [0, 1],
        )

    def test_at_the_end_of_the_scale(self) -> None:
        """A priority that cannot go further has no use for weights."""
        self.assertEqual(
            [
                self.weighted(5, 6, priority=254),
                self.weighted(-5, priority=1),
                self.weighted(5, priority=253),
            ],
            [
                [
                    "(a) the weight of e0, e1 has no effect: the priority is 254 "
                    "whether they are up or down"
                ],
                [
                    "(a) the weight of e0 has no effect: the priority is 1 "
                    "whether they are up or down"
                ],
                [],
            ],
        )


class AddressTests(SynchronousTestCase):
    def test_own_addresses(self) -> None:
        """Source, peers and virtual addresses are three different things."""
        vip, own, peer = map(ip_address, ("192.0.2.1", "192.0.2.2", "192.0.2.3"))
        held = replace(PLAIN, addresses=(Address(vip, 24, "eth0"),))
        self.assertEqual(
            [
                doubts(replace(held, source=own, unicast_peers=(UnicastPeer(peer),))),
                doubts(replace(held, source=vip)),
                doubts(replace(held, unicast_peers=(UnicastPeer(vip),))),
                doubts(replace(held, source=own, unicast_peers=(UnicastPeer(own),))),
            ],
            [
                [],
                [
                    "(a) the source address 192.0.2.1 is also a virtual address: "
                    "a backup has no address to send from"
                ],
                [
                    "(a) unicast_peer 192.0.2.1 is also a virtual address: "
                    "it leads to whoever is master"
                ],
                ["(a) unicast_peer 192.0.2.2 is this node's own source address"],
            ],
        )


class ScriptTests(SynchronousTestCase):
    SECURITY = (
        "SECURITY VIOLATION - scripts are being executed but "
        "script_security not enabled."
    )

    def test_relative_path(self) -> None:
        """A command without a slash in front is searched in PATH."""
        notify = Notify(
            master=Script(("mail", "x"), "bob"), always=Script(("/n",), "bob")
        )
        self.assertEqual(
            doubts(replace(PLAIN, notify=notify)),
            ["(a) script 'mail' is not an absolute path: it is searched in PATH"],
        )

    def test_security(self) -> None:
        """Scripts that may run as root, and nobody looks at who may write them."""
        ours = replace(PLAIN, notify=Notify(always=Script(("/n",))))
        theirs = replace(PLAIN, notify=Notify(always=Script(("/n",), "bob")))
        self.assertEqual(
            [
                doubts(ours),
                doubts(ours, GlobalDefs(script_user="root")),
                doubts(ours, GlobalDefs(script_user="bob")),
                doubts(ours, GlobalDefs(enable_script_security=True)),
                doubts(theirs),
            ],
            [[self.SECURITY], [self.SECURITY], [], [], []],
        )


class SameRouterTests(SynchronousTestCase):
    def test_multicast(self) -> None:
        """Interface, family, VRID and group make a virtual router."""
        others = [
            replace(PLAIN, name="b"),
            replace(PLAIN, vrid=2),
            replace(PLAIN, interface="eth1"),
            replace(PLAIN, family=6),
            replace(PLAIN, multicast_group=ip_address("224.0.0.9")),
        ]
        self.assertEqual(
            [same_router(PLAIN, other) for other in others],
            [True, False, False, False, False],
        )

    def test_unicast(self) -> None:
        """Unicast instances share a VRID when they share no peer."""
        one, two = (
            replace(PLAIN, unicast_peers=(UnicastPeer(ip_address(peer)),))
            for peer in ("192.0.2.1", "192.0.2.2")
        )
        self.assertEqual(
            [same_router(one, one), same_router(one, two), same_router(one, PLAIN)],
            [True, False, False],
        )


class IdleTests(SynchronousTestCase):
    """What is described, and tracked by nobody."""

    def test_idle(self) -> None:
        """It is said of scripts and processes; files may be there for checkers."""
        kinds = ("script", "process", "file")
        trackers = {
            kind: {name: Description(kind, name) for name in "ab"} for kind in kinds
        }
        track = (Tracked("script", "a"), Tracked("process", "b"))
        instance = replace(PLAIN, track=track)
        model = Model(instances={"a": instance}, trackers=trackers)
        self.assertEqual(
            messages(check(model)),
            [
                "warning: script b is not tracked by anybody: it is not looked at",
                "warning: process a is not tracked by anybody: it is not looked at",
            ],
        )

    def test_scripts(self) -> None:
        """The commands of trackers are among all commands."""
        command = Script(("/bin/chk",))
        described = Description("script", "a", options=Options(command), place=PLACE)
        other = Description("process", "p")
        trackers = {"script": {"a": described}, "process": {"p": other}}
        self.assertEqual(
            list(all_scripts(Model(trackers=trackers))), [(PLACE, command)]
        )
