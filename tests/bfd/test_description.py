"""Claims about what is shown of a session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hanode.bfd.description import in_words
from hanode.bfd.packet import State
from hanode.console.report import bfd_details, bfd_table
from tests.bfd.networks import FAST, Neighbour, instance
from tests.bfd.services import ServiceTestCase


class DescriptionTests(ServiceTestCase):
    """One session as a dict, and as a person reads it."""

    def test_new(self) -> None:
        """A session that has heard nothing: what is not known is None."""
        self.configure(instance())
        found = self.described()
        ours = found.pop("local_discriminator")
        wanted: dict[str, Any] = {
            "name": "peer",
            "neighbour": "10.0.0.2",
            "source": "10.0.0.1",
            "device": "",
            "multihop": False,
            "state": "DOWN",
            "remote_state": "DOWN",
            "since": 0.0,
            "remote_discriminator": 0,
            "diagnostic": "No Diagnostic",
            "remote_diagnostic": "No Diagnostic",
            "last_reason": "started",
            "multiplier": 3,
            "remote_multiplier": None,
            "tx_interval": 1.0,
            "rx_interval": None,
            "detection_time": None,
            "wanted_min_tx": 1.0,
            "wanted_min_rx": 0.05,
            "echo": None,
            "demand": False,
            "authentication": None,
            "role": "active",
            "sent": 1,
            "received": 0,
            "dropped": {},
            "flaps": 0,
            "send_errors": 0,
            "lateness": {"latest": 0.0, "worst": 0.0, "p999": 0.0},
            "wanted_by": ["bfd_instance peer"],
        }
        rounded = {**found, "wanted_min_rx": round(found["wanted_min_rx"], 6)}
        self.assertEqual(rounded, wanted)
        self.assertEqual(ours, self.line().session.discriminator)

    def test_up(self) -> None:
        """What differs in a session that is Up."""
        self.configure(instance())
        before = self.described()
        peer = Neighbour(self.network)
        peer.come_up()
        self.run_for(0.02)
        after = self.described()
        changed = {key: after[key] for key in after if after[key] != before[key]}
        rounded = {
            key: round(value, 6) if isinstance(value, float) else value
            for key, value in changed.items()
        }
        wanted = {
            "state": "UP",
            "remote_state": "UP",
            "since": 0.02,
            "remote_discriminator": 0xB,
            "last_reason": "neighbour in INIT",
            "remote_multiplier": 3,
            "tx_interval": 0.05,
            "rx_interval": 0.05,
            "detection_time": 0.15,
            "wanted_min_tx": 0.05,
            "sent": 3,
            "received": 4,
        }
        self.assertEqual(rounded, wanted)

    def test_echo(self) -> None:
        """The echo function, while it is active."""
        parameters = replace(FAST, echo_tx=20_000)
        self.configure(instance(device="eth0", parameters=parameters))
        peer = Neighbour(self.network, device="eth0")
        peer.says["min_echo_rx"] = 20_000
        peer.come_up()
        self.run_for(0.05)
        echo = self.described()["echo"]
        self.assertEqual(round(echo.pop("tx_interval"), 6), 0.02)
        sent = len(self.network.echoes[0].sent)
        self.assertEqual(echo, {"sent": sent, "returned": 0, "lost": sent})

    def test_roles(self) -> None:
        """A passive session is called so."""
        self.configure(instance(parameters=replace(FAST, passive=True)))
        self.assertEqual(self.described()["role"], "passive")

    def test_words(self) -> None:
        """Diagnostics in keepalived's words; those nobody knows are reserved."""
        words = [in_words(number) for number in (0, 1, 3, 7, 9, 31)]
        self.assertEqual(
            words,
            [
                "No Diagnostic",
                "Control Detection Time Expired",
                "Neighbor Signaled Session Down",
                "Administratively Down",
                "Reserved (9)",
                "Reserved (31)",
            ],
        )

    def test_service(self) -> None:
        """What is shown of all together."""
        self.up()
        found = self.service.describe_all()
        wanted = {
            "states": {"UP": 1},
            "stalls": {"count": 0, "latest": 0.0, "worst": 0.0},
            "rejected": {},
            "lateness": {"p999": 0.0, "worst": 0.0, "buckets": {}},
        }
        self.assertEqual((found, self.service.names()), (wanted, ["peer"]))

    def test_report(self) -> None:
        """The console knows every key, and has one for each that it asks for."""
        peer = self.up(
            instance(device="eth0", parameters=replace(FAST, echo_tx=20_000)),
            device="eth0",
        )
        peer.say(State.UP, min_echo_rx=20_000)
        asked: set[str] = set()

        class Asked(dict[str, Any]):
            """Remembers what was asked for; what is not there is a failure."""

            def get(self, key: str, default: Any = None) -> Any:
                """Ask."""
                asked.add(key)
                return self[key]

        session = Asked(self.described())
        text = bfd_details(session) + bfd_table([session])
        self.assertEqual(set(session) - asked, set())
        self.assertIn("peer: Up for", text)
        self.assertNotIn("unknown", text)
