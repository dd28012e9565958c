"""Claims about being held up: nobody is declared down because we were late."""

from __future__ import annotations

from dataclasses import replace

from hanode.bfd import echo
from hanode.bfd.packet import Control, State, encode
from tests.bfd.networks import FAST, NEIGHBOUR, OTHER, Neighbour, instance
from tests.bfd.services import ServiceTestCase


class StallTests(ServiceTestCase):
    """A node with a session that is Up, at 50 ms x 3."""

    def setUp(self) -> None:
        """It has been Up for a while."""
        super().setUp()
        self.peer = self.up()
        self.steady = self.peer.say(State.UP)
        self.run_for(1.0, (self.peer, self.steady))
        self.facts.events.clear()

    def stall(self, seconds: float, *waiting: bytes) -> None:
        """Nothing runs for so long; then packets of the neighbour wait."""
        self.network.held_up = True
        for data in waiting:
            self.peer.put(data)
        self.clock.advance(seconds)
        self.network.held_up = False

    def test_alive(self) -> None:
        """Two seconds with packets in the socket: the session stays Up."""
        self.stall(2.0, *[self.steady] * 40)
        self.run_for(1.0, (self.peer, self.steady))
        self.assertEqual((self.state(), self.changes("bfd:")), ("UP", []))
        self.assertEqual(self.line().session.repeated, 1 + 25 + 40 + 25)

    def test_whole_machine(self) -> None:
        """Any stall with nothing in the socket: the neighbour gets its chance."""
        for seconds in (0.06, 0.1, 0.14, 0.2, 2.0, 100.0):
            with self.subTest(seconds):
                self.setUp()
                self.stall(seconds)
                self.run_for(1.0, (self.peer, self.steady))
                self.assertEqual((self.state(), self.changes("bfd:")), ("UP", []))

    def test_dead(self) -> None:
        """A neighbour that is really dead is found a detection time later at most."""
        for waiting in ([], [self.steady]):
            self.setUp()
            self.stall(2.0, *waiting)
            end = self.clock.seconds()
            self.run_for(1.0)
            (fact,) = self.changes("bfd:")
            self.assertEqual((fact.value.state, fact.value.died), ("DOWN", True))
            self.assertTrue(0 < fact.since - end <= 0.152, fact.since - end)

    def test_news_waiting(self) -> None:
        """What the neighbour said meanwhile counts: here that it is down."""
        peer = self.peer
        news = Control(State.ADMIN_DOWN, peer.mine, peer.yours, **peer.says)
        self.stall(2.0, encode(news))
        (fact,) = self.changes("bfd:")
        self.assertEqual(fact.why, "neighbour administratively down")

    def test_told(self) -> None:
        """The stall is shown, a fact, and in the log."""
        self.stall(2.0)
        record = self.service.describe_all()["stalls"]
        self.assertEqual(record["count"], 1)
        self.assertEqual(record["latest"], record["worst"])
        self.assertTrue(1.95 < record["worst"] <= 2.0)
        self.assertEqual(self.facts.get("reactor:stall"), round(record["worst"], 3))
        (line,) = self.logs.lines()
        self.assertIn("no session is judged by it", line)

    def test_worst(self) -> None:
        """The worst is kept, the latest is the latest."""
        for seconds in (1.0, 2.0, 0.5):
            self.stall(seconds, self.steady)
            self.run_for(0.2, (self.peer, self.steady))
        record = self.service.describe_all()["stalls"]
        self.assertEqual(record["count"], 3)
        self.assertTrue(0.45 < record["latest"] <= 0.5 < 1.95 < record["worst"])

    def test_short(self) -> None:
        """Being a little late is no stall, and what waits is read all the same."""
        self.run_for(0.13)
        self.stall(0.04, self.steady)
        self.run_for(0.1)
        self.assertEqual(self.state(), "UP")
        self.assertEqual(self.service.describe_all()["stalls"]["count"], 0)

    def test_pause(self) -> None:
        """A short pause of the whole machine is nobody's silence, and no stall."""
        self.run_for(0.102)
        self.stall(0.049)
        self.assertEqual(self.state(), "UP")
        self.assertEqual(self.service.describe_all()["stalls"]["count"], 0)
        self.run_for(0.05)
        self.assertEqual(self.state(), "DOWN")

    def test_others(self) -> None:
        """A session that is not Up is not touched."""
        self.configure(instance(), instance("other", neighbour=OTHER))
        heard = self.line("other").session.heard
        self.stall(2.0)
        self.assertEqual(self.line("other").session.heard, heard)

    def test_echo(self) -> None:
        """Echo packets that wait in their socket count, too."""
        parameters = replace(FAST, echo_tx=20_000)
        self.configure(instance(device="eth0", parameters=parameters))
        peer = Neighbour(self.network, device="eth0")
        peer.yours = self.line().session.discriminator
        peer.says["min_echo_rx"] = 20_000
        peer.say(State.DOWN)
        steady = peer.come_up()
        (port,) = self.network.echoes
        self.run_for(0.03)
        line = self.line()
        number = line.session.echo.number
        payload = echo.encode(line.session.discriminator, number, line.echo_token)
        port.waiting.append(payload)
        peer.put(steady)
        self.clock.advance(0.045)
        self.assertEqual((self.state(), port.waiting), ("UP", []))
        self.run_for(0.2, (peer, steady))
        reason = "echo packets do not come back"
        self.assertEqual((self.state(), self.path().reason), ("DOWN", reason))  # type: ignore[union-attr]


class BusyTests(ServiceTestCase):
    """With many sessions the wheel reads the sockets."""

    def setUp(self) -> None:
        """Ten sessions of 50 ms."""
        super().setUp()
        addresses = [NEIGHBOUR + n for n in range(10)]
        self.configure(
            *(instance(str(each), neighbour=each) for each in addresses),
        )
        self.peers = []
        for number, each in enumerate(addresses):
            peer = Neighbour(self.network, address=each, mine=100 + number)
            peer.yours = self.line(str(each)).session.discriminator
            self.peers.append((peer, peer.come_up()))

    def test_rests(self) -> None:
        """Then the reactor is not woken, and the sessions live."""
        listener = self.network.listener()
        self.assertTrue(listener.resting)
        self.run_for(5.0, *self.peers)
        found = {each["state"] for each in self.service.describe_each()}
        self.assertEqual(
            (found, self.service.describe_all()["stalls"]["count"]), ({"UP"}, 0)
        )
        turns = listener.drains / 5.0
        self.assertTrue(390 <= turns <= 410, turns)

    def test_death_of_one(self) -> None:
        """Of many sessions that one goes down whose neighbour is dead."""
        self.run_for(1.0, *self.peers[1:])
        states = [each["state"] for each in self.service.describe_each()]
        self.assertEqual(states, ["DOWN", *["UP"] * 9])

    def test_death_of_all(self) -> None:
        """When all are dead the wheel turns for what is due, and no more."""
        self.run_for(1.0)
        listener = self.network.listener()
        self.assertFalse(listener.resting)
        drains = listener.drains
        self.run_for(10.0)
        self.assertTrue(listener.drains - drains <= 140, listener.drains - drains)

    def test_removed(self) -> None:
        """When they are removed the wheel stops, once it has seen that."""
        self.configure()
        self.run_for(2.0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
