"""The metrics: names, kinds, and a text that a parser takes."""

from __future__ import annotations

from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.console import metrics
from hanode.console.families import FAMILIES
from hanode.console.metrics import exposition
from hanode.console.view import View
from tests.console.case import ConsoleCase
from tests.console.node import Node

PULSE = {
    "lag": {"buckets": [[0.001, 3], [None, 4]], "count": 4, "sum": 0.5},
    "stalls": 1,
    "longest": 0.4,
    "held_by": "x",
    "garbage_collections": {"buckets": [[0.001, 0], [None, 0]], "count": 0, "sum": 0},
}


class Pulse:
    """Stands for the pulse of the daemon."""

    def describe(self) -> dict[str, Any]:
        """What it says."""
        return PULSE


def parsed(text: str) -> dict[str, Any]:
    """The families of C{text} by name."""
    return {each.name: each for each in text_string_to_metric_families(text)}


class ExpositionTests(SynchronousTestCase):
    """The text of a node that is not there."""

    def setUp(self) -> None:
        """All samples of it."""
        clock = Clock()
        node = Node(clock)
        node.facts.set("vrrp:VI_1", "BACKUP", "a better master")
        clock.advance(30)
        self.view = View(node, clock.seconds, lambda: 1_000_000_000.0)
        self.view.pulse = Pulse()
        samples = self.successResultOf(self.samples())
        self.text = "".join(exposition(samples)) + "\n"

    def samples(self) -> Any:
        """What the view gives, when it does."""
        from twisted.internet.defer import Deferred

        return Deferred.fromCoroutine(self.view.samples())

    def value(self, sample: str, **labels: str) -> Any:
        """The value of one sample."""
        [found] = [
            each.value
            for family in parsed(self.text).values()
            for each in family.samples
            if each.name == sample and each.labels == labels
        ]
        return found

    def test_parsed(self) -> None:
        """A parser of OpenMetrics takes it; every family has its kind and its help."""
        families = parsed(self.text)
        for name, (kind, help) in FAMILIES.items():
            if name in families:
                found = families[name]
                self.assertEqual((found.type, found.documentation), (kind, help))
        ours = {name for name in families if name.startswith("hanode_")}
        self.assertEqual(ours - set(FAMILIES), set())
        self.assertIn("process_cpu_seconds", families)
        self.assertIn("python_info", families)

    def test_values(self) -> None:
        """Some of each kind."""
        vi = {"vrrp_instance": "VI_1"}
        peer = {"session": "peer", "neighbour": "192.0.2.2"}
        web = {"virtual_server": "[198.51.100.10]:tcp:80"}
        dead = {**web, "real_server": "[192.0.2.12]:tcp:80"}
        for sample, labels, value in (
            ("hanode_vrrp_state", {**vi, "hanode_vrrp_state": "BACKUP"}, 1),
            ("hanode_vrrp_state", {**vi, "hanode_vrrp_state": "MASTER"}, 0),
            ("hanode_vrrp_state_change_timestamp_seconds", vi, 999_999_970),
            (
                "hanode_vrrp_group_state",
                {"group": "G", "hanode_vrrp_group_state": "MASTER"},
                1,
            ),
            ("hanode_vrrp_priority", vi, 90),
            ("hanode_vrrp_advertisements_received_total", vi, 20),
            ("hanode_bfd_flaps_total", peer, 1),
            ("hanode_bfd_packets_dropped_total", {**peer, "reason": "bad ttl"}, 2),
            ("hanode_bfd_transmit_lateness_seconds_count", {}, 1000),
            ("hanode_bfd_transmit_lateness_seconds_bucket", {"le": "0.001"}, 999),
            ("hanode_virtual_server_up", web, 1),
            ("hanode_virtual_server_connections_total", web, 1200),
            ("hanode_real_server_up", dead, 0),
            ("hanode_reactor_stalls_total", {}, 1),
            ("hanode_reactor_lag_seconds_bucket", {"le": "+Inf"}, 4),
        ):
            self.assertEqual(self.value(sample, **labels), value, sample)

    def test_pieces(self) -> None:
        """However small the pieces, a family stands together."""
        self.patch(metrics, "AT_ONCE", 1)
        samples = self.successResultOf(self.samples())
        text = "".join(exposition(samples)) + "\n"

        def ours(text: str) -> list[str]:
            return [each for each in text.splitlines() if "hanode_" in each]

        self.assertEqual(sorted(ours(text)), sorted(ours(self.text)))
        parsed(text)

    def test_strangeNames(self) -> None:
        """A name with quotes, a line end or a backslash spoils nothing."""
        name = 'a"b\\c\nd'
        samples = [("hanode_vrrp_priority", {"vrrp_instance": name}, 100)]
        text = "".join(exposition(samples)) + "\n"
        [sample] = parsed(text)["hanode_vrrp_priority"].samples
        self.assertEqual(sample.labels, {"vrrp_instance": name})


class ServedTests(ConsoleCase):
    """What the http service gives."""

    async def test_metrics(self):
        """The text, with its type."""
        await self.serve()
        from twisted.internet.threads import deferToThread

        from hanode.console.client import UnixConnection

        def get():
            connection = UnixConnection(self.path)
            try:
                connection.request("GET", "/metrics")
                response = connection.getresponse()
                return response.getheader("content-type"), response.read().decode()
            finally:
                connection.close()

        kind, text = await deferToThread(get)
        self.assertTrue(text.endswith("# EOF\n"))
        self.assertIn("hanode_event_listeners", parsed(text))
        self.assertTrue(kind.startswith("application/openmetrics-text"), kind)

    async def test_ready(self):
        """Ready once every instance has begun."""
        await self.serve()
        status, _, answer = await self.ask("GET", "/readyz")
        self.assertEqual(
            (status, answer["waiting"]), (503, ["VRRP instance VI_1 has not begun"])
        )
        self.node.facts.set("vrrp:VI_1", "BACKUP", "a better master")
        status, _, answer = await self.ask("GET", "/readyz")
        self.assertEqual((status, answer), (200, {"status": "ready"}))

    async def test_reactor(self):
        """What the pulse says, and nothing without one."""
        await self.serve()
        self.assertEqual((await self.ask("GET", "/api/v1/reactor"))[2], {})
        self.view.pulse = Pulse()
        self.assertEqual((await self.ask("GET", "/api/v1/reactor"))[2], PULSE)
