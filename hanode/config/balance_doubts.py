"""Cross checks of what a model says about load balancing."""

from __future__ import annotations

from collections.abc import Iterator

from hanode.config.balance_model import VirtualServer
from hanode.config.model import Model
from hanode.config.problems import Problem, Severity
from hanode.config.scalars import Script

Doubts = Iterator[tuple[str, str]]


def doubts(model: Model) -> Iterator[Problem]:
    """Every doubt about the virtual servers of C{model}."""
    for server in model.virtual_servers.values():
        for doubt in (_weights, _engine, _sorry, _scripts):
            for message, remedy in doubt(server):
                yield Problem(
                    Severity.WARNING,
                    server.place,
                    f"Virtual server {server.name}: {message}",
                    remedy,
                )


def scripts(server: VirtualServer) -> Iterator[Script]:
    """The scripts that C{server} and its real servers have."""
    for script in (server.quorum_up, server.quorum_down):
        if script is not None:
            yield script
    for real in server.real_servers:
        if real.notify_up is not None:
            yield real.notify_up
        if real.notify_down is not None:
            yield real.notify_down


def _weights(server: VirtualServer) -> Doubts:
    # A check may give a weight to a server that has none.
    if not any(real.weight or real.checks for real in server.real_servers):
        yield (
            "all real servers have weight 0: none gets a connection",
            "give one of them a weight",
        )


def _engine(server: VirtualServer) -> Doubts:
    if not server.engine:
        return
    if not server.persistence:
        yield (
            f"persistence_engine {server.engine} has no effect without persistence",
            "add persistence_timeout",
        )
    elif server.engine == "sip" and server.protocol != "UDP" and _addressed(server):
        yield (
            f"persistence_engine sip is for UDP only: {server.protocol} is not"
            " balanced",
            "use protocol UDP",
        )


def _addressed(server: VirtualServer) -> bool:
    return any(not each.mark for each in server.addresses)


def _sorry(server: VirtualServer) -> Doubts:
    sorry = server.sorry
    if sorry is None:
        return
    for real in server.real_servers:
        if (real.address, real.port) == (sorry.address, sorry.port):
            yield (
                f"sorry_server {sorry} is also a real server",
                "name a server of its own",
            )


def _scripts(server: VirtualServer) -> Doubts:
    for path in sorted({script.argv[0] for script in scripts(server)}):
        if not path.startswith("/"):
            yield (
                f"script '{path}' is not an absolute path: it is searched in PATH",
                "Please specify full path",
            )
