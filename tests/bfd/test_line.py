"""Claims about one session on the network: its bytes, its socket, its counters."""

from __future__ import annotations

import errno
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd import echo
from hanode.bfd.line import FAREWELLS, Line
from hanode.bfd.packet import BadPacket, Control, State, decode
from hanode.bfd.session import Report
from hanode.config.bfd_model import AuthType, BfdAuthentication, BfdKey, BfdRoute
from hanode.config.scalars import Secret
from tests.bfd.lines import Lines
from tests.bfd.logs import Logs
from tests.bfd.networks import FAST, NEIGHBOUR, NO_ROUTE, OTHER, US, EchoPort, problem

REFUSED = problem(errno.ECONNREFUSED)


def keys(kind: AuthType, *ids: int) -> BfdAuthentication:
    """Keys of this type."""
    return BfdAuthentication(kind, tuple(BfdKey(id, Secret("secret")) for id in ids))


class LineTestCase(SynchronousTestCase):
    """Lines on a network that remembers, at 1000 s."""

    def setUp(self) -> None:
        """No line yet."""
        self.lines = Lines()
        self.network, self.clock = self.lines.network, self.lines.clock
        self.logs = Logs(self)

    def down(self, **changes: object) -> Line:
        """A line that was started: its first packet is sent."""
        line = self.lines.line(**changes)  # type: ignore[arg-type]
        line.perform(line.session.start(now=self.clock.seconds()))
        return line

    def turns(self, line: Line, count: int) -> None:
        """Let the next packets be sent, each at its time."""
        for _ in range(count):
            now = line.session.transmit_at
            line.session.heard = now
            self.clock.rightNow = now
            line.turn(now)

    def states(self) -> list[State]:
        """The states that packets have told."""
        return [each.state for each in self.network.packets()]


class TransmitTests(LineTestCase):
    """What goes out."""

    def test_first(self) -> None:
        """The first packet opens the socket, with all that the route says."""
        route = BfdRoute(NEIGHBOUR, OTHER, "eth0", True, 64, 60)
        line = self.down(route=route)
        sender = self.network.senders[0]
        self.assertEqual(sender.where, (NEIGHBOUR, 4784, "eth0", 64))
        self.assertEqual((sender.source, line.source), (OTHER, OTHER))
        self.assertEqual((self.states(), line.sent), ([State.DOWN], 1))

    def test_source(self) -> None:
        """Until there is a socket the source is that of the route, or not known."""
        self.assertIsNone(self.lines.line().source)
        line = self.lines.line(route=BfdRoute(NEIGHBOUR, OTHER))
        self.assertEqual(line.source, OTHER)

    def test_kept_bytes(self) -> None:
        """While nothing changes the very same bytes go out."""
        line = self.lines.up()
        self.turns(line, 20)
        sent = {id(data) for _, data in self.network.sent}
        self.assertEqual((len(self.network.sent), len(sent)), (20, 1))

    def test_turn(self) -> None:
        """A turn gives the time of the next one."""
        line = self.lines.up()
        now = line.session.transmit_at
        following = line.turn(now)
        self.assertEqual(following, line.session.deadline)
        assert following is not None
        self.assertTrue(0.0375 <= following - now <= 0.05)

    def test_early(self) -> None:
        """A turn before anything is due sends nothing."""
        line = self.lines.up()
        due = line.session.deadline
        assert due is not None
        self.assertEqual((line.turn(due - 0.001), self.network.sent), (due, []))

    def test_lateness(self) -> None:
        """How late a packet left is noted, for the line and for all."""
        line = self.lines.up()
        self.turns(line, 3)
        due = line.session.transmit_at
        line.session.heard = due
        line.turn(due + 0.003)
        self.turns(line, 1)
        self.assertEqual((line.latest, round(line.worst, 6)), (0.0, 0.003))
        self.assertEqual(round(self.lines.lateness.worst, 6), 0.003)

    def test_detection(self) -> None:
        """Silence for a detection time is reported, and the neighbour is told."""
        line = self.lines.up()
        self.lines.reports.clear()
        now = line.session.heard + line.session.detection_time
        line.turn(now)
        reason = "control detection time expired"
        self.assertEqual(self.lines.reports, [Report(State.DOWN, True, reason)])
        self.assertEqual(self.states(), [State.DOWN])

    def test_farewell(self) -> None:
        """At the end AdminDown is said three times, and the socket is closed."""
        line = self.lines.up()
        before = line.sent
        line.farewell(1001.0)
        self.assertEqual(self.states(), [State.ADMIN_DOWN] * FAREWELLS)
        self.assertEqual((self.network.nothing(), line.sent - before), (True, 3))

    def test_farewell_unknown(self) -> None:
        """A neighbour that was never heard is told once."""
        line = self.down()
        self.network.packets()
        line.farewell(1001.0)
        self.assertEqual(self.states(), [State.ADMIN_DOWN])
        self.assertTrue(self.network.nothing())

    def test_farewell_of_none(self) -> None:
        """A session that was never started says nothing."""
        self.lines.line().farewell(1001.0)
        self.assertEqual((self.states(), self.network.tries), ([], 0))

    def test_farewell_without_route(self) -> None:
        """Without a route the end is quiet."""
        line = self.lines.up()
        self.network.senders[0].problems.append(NO_ROUTE)
        self.network.mute = NO_ROUTE
        line.farewell(1001.0)
        self.assertEqual((self.states(), self.network.nothing()), ([], True))
        self.assertEqual(line.send_errors, 3)


class RefusedTests(LineTestCase):
    """What the kernel does not send."""

    def test_no_route(self) -> None:
        """Without a route each packet tries again; all count, one is logged."""
        self.network.mute = NO_ROUTE
        line = self.down()
        self.turns(line, 4)
        self.assertEqual((line.sent, line.send_errors, self.network.tries), (0, 5, 5))
        text = "(peer) cannot send to 10.0.0.2: Network is unreachable"
        self.assertEqual(self.logs.lines(), [text])
        self.network.mute = None
        self.turns(line, 2)
        self.assertEqual((line.sent, line.send_errors, self.network.tries), (2, 5, 6))

    def test_no_route_again(self) -> None:
        """A route that is lost again is logged again."""
        line = self.down()
        for _ in range(2):
            self.network.senders[0].problems.append(NO_ROUTE)
            self.network.mute = NO_ROUTE
            self.turns(line, 3)
            self.network.mute = None
            self.turns(line, 1)
        self.assertEqual((line.sent, line.send_errors), (3, 6))
        self.assertEqual(len(self.logs.lines()), 2)

    def test_forbidden(self) -> None:
        """A socket that opens and cannot send is logged once, too."""
        self.network.cursed = problem(errno.EPERM)
        line = self.down()
        self.turns(line, 4)
        self.assertEqual((line.sent, line.send_errors, self.network.tries), (0, 5, 5))
        text = "(peer) cannot send to 10.0.0.2: Operation not permitted"
        self.assertEqual(self.logs.lines(), [text])

    def test_port_unreachable(self) -> None:
        """An ICMP error about an earlier packet: this one is sent again at once."""
        line = self.lines.up()
        self.network.senders[0].problems.append(REFUSED)
        self.turns(line, 2)
        self.assertEqual((len(self.network.sent), line.send_errors), (2, 0))
        self.assertEqual((self.network.tries, self.logs.lines()), (1, []))

    def test_port_unreachable_twice(self) -> None:
        """When that fails, too, the packet is lost and the socket is kept."""
        line = self.lines.up()
        self.network.senders[0].problems += [REFUSED, REFUSED]
        self.turns(line, 3)
        self.assertEqual((len(self.network.sent), line.send_errors), (2, 1))
        self.assertEqual(self.network.tries, 1)

    def test_full(self) -> None:
        """A full queue loses the packet, and keeps the socket and its port."""
        for number in (errno.EAGAIN, errno.ENOBUFS):
            with self.subTest(number=number):
                self.setUp()
                line = self.lines.up()
                self.network.senders[0].problems += [problem(number)] * 2
                self.turns(line, 3)
                self.assertEqual((len(self.network.sent), line.send_errors), (1, 2))
                self.assertEqual((self.network.tries, len(self.logs.lines())), (1, 1))

    def test_gone(self) -> None:
        """Any other error closes the socket; the next packet opens another."""
        line = self.lines.up()
        self.network.senders[0].problems.append(problem(errno.EADDRNOTAVAIL))
        self.turns(line, 3)
        self.assertEqual((len(self.network.sent), self.network.tries), (2, 2))
        self.assertEqual(len(self.network.senders), 1)

    def test_timing(self) -> None:
        """A packet that was not sent changes nothing about the next one's time."""
        line = self.lines.up()
        self.network.senders[0].problems.append(problem(errno.ENOBUFS))
        now = line.session.transmit_at
        following = line.turn(now)
        assert following is not None
        self.assertTrue(0.0375 <= following - now <= 0.05)


class ReceiveTests(LineTestCase):
    """What comes in."""

    def test_counters(self) -> None:
        """Accepted packets are counted, those on the short way, too."""
        line = self.lines.up()
        line.session.repeated += 5
        self.assertEqual((line.processed, line.received, line.up), (3, 8, True))

    def test_interval(self) -> None:
        """While Up, the neighbour's interval is known; it is kept afterwards."""
        line = self.lines.up()
        self.assertAlmostEqual(line.interval, 0.05)
        self.lines.hear(line, State.DOWN)
        self.assertAlmostEqual(line.interval, 0.05)

    def test_poll(self) -> None:
        """A poll is answered at once, and the bytes that are kept stay the same."""
        line = self.lines.up()
        self.turns(line, 1)
        kept = self.network.sent.pop()[1]
        ours = line.session.discriminator
        poll = Control(State.UP, 0xB, ours, 3, 50_000, 50_000, poll=True)
        line.accept(b"", poll, b"", 1000.1)
        (answer,) = self.network.packets()
        self.turns(line, 1)
        self.assertEqual((answer.final, self.network.sent), (True, [(NEIGHBOUR, kept)]))

    def test_repeatable(self) -> None:
        """What is Up on both ends may come again; a final may not."""
        line = self.lines.up()
        before = line.repeatable
        self.lines.hear(line, State.UP, final=True)
        self.assertEqual((before, line.repeatable), (True, False))


class AuthenticationTests(LineTestCase):
    """Keys."""

    def up(self, kind: AuthType) -> Line:
        """A line that is Up, with keys; the neighbour is another line's keys."""
        line = self.lines.up()
        parameters = replace(FAST, authentication=keys(kind, 1, 2))
        line.authenticate_with(parameters)
        line.session.reconfigure(parameters, now=self.clock.seconds())
        return line

    def sections(self, line: Line, count: int) -> list[bytes]:
        """The sections of the next packets."""
        self.turns(line, count)
        found = [decode(data)[1] for _, data in self.network.sent]
        self.network.sent.clear()
        return found

    def test_steady(self) -> None:
        """With a plain digest the bytes are kept."""
        line = self.up(AuthType.KEYED_SHA1)
        self.assertEqual(len(set(self.sections(line, 5))), 1)
        self.assertEqual(line.authentication, "keyed_sha1, key 1")
        self.assertTrue(line.repeatable)

    def test_meticulous(self) -> None:
        """With a meticulous one each packet has its own number, and none may repeat."""
        line = self.up(AuthType.METICULOUS_MD5)
        numbers = [int.from_bytes(e[4:8], "big") for e in self.sections(line, 5)]
        first = numbers[0]
        self.assertEqual(numbers, [(first + n) % (1 << 32) for n in range(5)])
        self.assertFalse(line.repeatable)

    def test_changed(self) -> None:
        """New keys are used from the next packet on; numbers go on."""
        line = self.up(AuthType.KEYED_SHA1)
        (before,) = self.sections(line, 1)
        line.authenticate_with(
            replace(FAST, authentication=keys(AuthType.KEYED_SHA1, 9))
        )
        (after,) = self.sections(line, 1)
        self.assertEqual((before[2], after[2]), (1, 9))
        numbers = [int.from_bytes(each[4:8], "big") for each in (before, after)]
        self.assertEqual(numbers[1], (numbers[0] + 1) % (1 << 32))

    def test_removed(self) -> None:
        """Without keys packets have no section."""
        line = self.up(AuthType.SIMPLE)
        line.authenticate_with(FAST)
        line.session.reconfigure(FAST, now=self.clock.seconds())
        self.assertEqual(self.sections(line, 1), [b""])
        self.assertIsNone(line.authentication)

    def test_answer_between(self) -> None:
        """After an answer to a poll the kept bytes have an old number: sign anew."""
        line = self.up(AuthType.KEYED_MD5)
        self.sections(line, 2)
        other = self.up(AuthType.KEYED_MD5)
        ours = line.session.discriminator
        poll = Control(State.UP, 0xB, ours, 3, 50_000, 50_000, poll=True)
        known = other._authenticator
        assert known is not None
        data = known.sign(poll)
        line.accept(data, *decode(data), 1000.1)
        numbers = [
            int.from_bytes(section[4:8], "big") for section in self.sections(line, 3)
        ]
        first = numbers[0]
        wanted = [(first + n) % (1 << 32) for n in (0, 1, 1, 1)]
        self.assertEqual(numbers, wanted)

    def test_refused(self) -> None:
        """A packet that is not signed is refused, and counts as nothing."""
        line = self.up(AuthType.SIMPLE)
        before = (line.received, line.session.heard)
        ours = line.session.discriminator
        control = Control(State.DOWN, 0xB, ours, 3, 50_000, 50_000)
        self.clock.advance(0.01)
        with self.assertRaises(BadPacket) as caught:
            line.accept(b"", control, b"", self.clock.seconds())
        self.assertEqual(str(caught.exception), "authentication missing")
        self.assertEqual((line.received, line.session.heard), before)


class EchoTests(LineTestCase):
    """Echo packets."""

    def echoing(self) -> tuple[Line, EchoPort]:
        """A line whose neighbour takes echo packets, with a port."""
        line = self.lines.up(parameters=replace(FAST, echo_tx=20_000), echo=10_000)
        port = EchoPort(self.network, (4, "eth0"), lambda payload: None, False)
        self.network.echoes.append(port)
        line.echo_port = port
        return line, port

    def due(self, line: Line) -> None:
        """Let the next echo packet be sent."""
        line.session.heard = line.session.echo.send_at
        line.turn(line.session.echo.send_at)

    def test_sent(self) -> None:
        """They go by way of the neighbour, and say which session they are of."""
        line, port = self.echoing()
        self.due(line)
        payload = echo.encode(line.session.discriminator, 1, line.echo_token)
        self.assertEqual(port.sent, [(payload, US, NEIGHBOUR)])

    def test_no_port(self) -> None:
        """Without a port nothing is sent, and nothing fails."""
        line, port = self.echoing()
        line.echo_port = None
        self.due(line)
        self.assertEqual((port.sent, line.send_errors), ([], 0))

    def test_refused(self) -> None:
        """An echo packet that cannot be sent is an error like others."""
        line, port = self.echoing()
        port.problem = problem(errno.EHOSTUNREACH)
        self.due(line)
        self.due(line)
        self.assertEqual((port.sent, line.send_errors), ([], 2))
        self.assertEqual(
            self.logs.lines(), ["(peer) cannot send to 10.0.0.2: No route to host"]
        )
