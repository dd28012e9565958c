"""Virtual servers as plain dicts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred

from hanode.config.balance_model import VirtualAddress
from hanode.lvs import Endpoint, Usage
from tests.balance.case import Case, checked, model
from tests.balance.checkers import Moody
from tests.balance.servers import (
    ILL,
    NAME,
    VIP,
    real,
    rs,
    virtual,
)
from tests.balance.test_table import ONE, WEB


class Descriptions(Case):
    def counted(self) -> list[dict[str, Any]]:
        """All virtual servers with what the kernel counts."""
        usages = Deferred.fromCoroutine(self.service.usages())
        return list(self.service.describe_each(self.successResultOf(usages)))

    def test_describe(self) -> None:
        """A virtual server as a dict, with its servers and their checks."""
        self.start(model(virtual(checked(1), real(2, 4), sorry=real(9))))
        self.clock.advance(1)
        self.answer((1, replace(ILL, seconds=0.25)))
        self.clock.advance(4)
        (record,) = self.service.describe_each({})
        servers = record.pop("real_servers")
        self.assertEqual(
            record,
            {
                "name": NAME,
                "group": "",
                "protocol": "TCP",
                "services": ["[192.0.2.1]:tcp:80"],
                "scheduler": "wlc",
                "persistence": 0,
                "state": "UP",
                "since": 5.0,
                "reason": "Starting with quorum up",
                "quorum": 1,
                "hysteresis": 0,
                "weight": 4,
                "alive": 1,
                "suspended": False,
                "balanced": "yes",
                "refused": {},
                "sorry_server": {"name": rs(9), "active": False},
                "usage": None,
            },
        )
        (first,) = servers[0].pop("checks")
        self.assertEqual(
            servers[0],
            {
                "name": rs(1),
                "address": "10.0.0.1",
                "port": 80,
                "state": "DOWN",
                "since": 4.0,
                "reason": "refused: by the peer",
                "weight": 1,
                "configured_weight": 1,
                "weight_in_use": None,
                "method": "NAT",
                "drain": "",
                "leaving": False,
                "usage": None,
            },
        )
        self.assertEqual(
            first,
            {
                "check": "TCP_CHECK",
                "address": "10.0.0.1",
                "port": 80,
                "state": "DOWN",
                "since": 4.0,
                "tried": True,
                "failures": 0,
                "probes": 1,
                "users": 1,
                "running": False,
                "result": {
                    "ok": False,
                    "reason": "refused",
                    "detail": "by the peer",
                    "seconds": 0.25,
                    "ago": 4.0,
                },
            },
        )
        self.assertEqual(servers[1]["checks"], [])

    def test_refused(self) -> None:
        """What is not balanced is said not to be, and no weight is in use."""
        both = (VirtualAddress(VIP, 80), VirtualAddress(VIP, 81))
        settings = virtual(real(1, 4), addresses=both)
        other = Endpoint(VIP, 81, "TCP")
        for refused, problem, wanted in (
            ((), "", ("yes", 4)),
            ((WEB,), "", ("partly refused", 4)),
            ((WEB, other), "", ("refused", None)),
            ((), "no module", ("off", None)),
        ):
            balancer = Moody()
            balancer.refused = dict.fromkeys(refused, "no wlc")
            self.start(model(settings), balancer)
            self.service.director.problem = problem
            (record,) = self.service.describe_each({})
            (server,) = record["real_servers"]
            found = record["balanced"], server["weight_in_use"]
            self.assertEqual((record["state"], found), ("UP", wanted))

    def test_usage(self) -> None:
        """When asked, with what the kernel counts."""
        self.start(model(virtual(checked(1), real(2, drain=60.0))))
        self.balancer.count(WEB, Usage(connections=9))
        self.balancer.count(WEB, Usage(connections=4, active=2), (ONE, 80))
        self.reload(model(virtual(checked(1))))
        (record,) = self.counted()
        self.assertEqual(record["usage"]["connections"], 9)
        first, second = record["real_servers"]
        self.assertEqual((first["usage"]["active"], first["leaving"]), (2, False))
        self.assertEqual((second["usage"]["active"], second["leaving"]), (0, True))
        self.assertEqual((second["drain"], second["weight_in_use"]), ("draining", 0))
        self.assertIsNone(first["checks"][0]["result"])

    def test_unknownUsage(self) -> None:
        """Where the kernel knows nothing, neither do we."""
        self.start(model(virtual(checked(1))), Moody("usages"))
        (record,) = self.counted()
        self.flushLoggedErrors(OSError)
        found = (record["usage"], record["real_servers"][0]["usage"])
        self.assertEqual(found, (None, None))

    def test_names(self) -> None:
        """What is there can be named, and looked at one by one."""
        self.start(model(virtual(checked(1), real(2))))
        self.assertEqual(self.service.names(), [NAME])
        self.assertEqual(
            self.service.real_names(), [f"{NAME}/{rs(1)}", f"{NAME}/{rs(2)}"]
        )
        record = self.service.describe_one(NAME, {})
        self.assertEqual(list(self.service.describe_each({})), [record])
        self.assertIsNone(self.service.describe_one("other", {}))
        self.assertEqual(
            self.service.describe_all(), {"dataplane": "memory", "problem": ""}
        )
