"""A node to look at, without a network."""

from twisted.internet.defer import succeed

from hanode.config.scalars import Secret
from hanode.facts import Facts
from hanode.reload import Outcome
from tests.console.samples import INSTANCE, LATENESS, SESSION, VIRTUAL, YOUNG


class Lateness:
    """Stands for the distribution of our lateness."""

    def describe(self):
        """What it says."""
        return LATENESS


class Sessions:
    """Stands for the BFD service: two sessions that obey the operator's wish."""

    def __init__(self, facts):
        self.sessions = {each["name"]: dict(each) for each in (SESSION, YOUNG)}
        self.wishes = []
        self.lateness = Lateness()
        for name in self.sessions:
            facts.watch(f"admin:bfd:{name}", self._wish)

    def _wish(self, fact, wish):
        self.wishes.append((fact, wish))
        session = self.sessions[fact.removeprefix("admin:bfd:")]
        session["state"] = "ADMIN_DOWN" if wish == "down" else "DOWN"

    def names(self):
        """The names of the sessions."""
        return list(self.sessions)

    def describe_each(self):
        """All sessions."""
        return iter(self.sessions.values())

    def describe_one(self, name):
        """One session, or None."""
        return self.sessions.get(name)

    def describe_all(self):
        """What concerns all of them."""
        return {
            "states": {"UP": 1, "ADMIN_DOWN": 1},
            "stalls": {"count": 1, "latest": 0.02, "worst": 0.02},
        }


class Balance:
    """Stands for the load balancer: one virtual server."""

    def __init__(self):
        self.virtuals = {VIRTUAL["name"]: VIRTUAL}
        self.asked = 0

    async def usages(self):
        """The kernel was asked."""
        self.asked += 1
        return {}

    def describe_each(self, usages):
        """All virtual servers."""
        return iter(self.virtuals.values())

    def describe_one(self, name, usages):
        """One, or None."""
        return self.virtuals.get(name)

    def describe_all(self):
        """What concerns all of them."""
        return {"dataplane": "memory", "problem": ""}

    def names(self):
        """The names of the virtual servers."""
        return list(self.virtuals)

    def real_names(self):
        """The names of the real servers."""
        return [
            f"{virtual['name']}/{real['name']}"
            for virtual in self.virtuals.values()
            for real in virtual["real_servers"]
        ]


class Reloader:
    """Stands for the reloads of the daemon: the next outcome is C{outcome}."""

    def __init__(self):
        self.outcome = Outcome(False, ("warning: odd",), "1 changed (VI_1)", True)
        self.asked = []

    def reload(self):
        """It was asked for."""
        self.asked.append("reload")
        return succeed(self.outcome)

    def compare(self, path=None):
        """So was this."""
        self.asked.append(path)
        return succeed(self.outcome)


class Instance:
    """Stands for a VRRP service."""

    name = INSTANCE["name"]

    def describe(self):
        """What a service says itself: neither since when nor why."""
        return {k: v for k, v in INSTANCE.items() if k not in ("since", "reason")}


class Group:
    """Stands for a sync group."""

    def describe(self):
        """What a group says itself."""
        return {"name": "G", "state": "MASTER", "members": ["VI_1", "VI_2"]}


class Statics:
    """Stands for what is static: nothing."""

    def describe(self):
        """What it says."""
        return {"addresses": [], "routes": [], "rules": [], "lacking": []}


class Node:
    """Stands for the node; one of its facts holds a secret."""

    def __init__(self, clock):
        self.facts = Facts(clock)
        self.facts.set("interface:eth0", {"up": True}, "up")
        self.facts.set("key", Secret("opensesame"), "a mistake")
        self.bfd = Sessions(self.facts)
        self.balance = Balance()
        self.statics = Statics()

    def groups(self):
        """One sync group."""
        return [Group()]

    def instances(self):
        """One instance."""
        return [Instance()]
