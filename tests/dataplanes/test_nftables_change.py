"""Transactions from one table to another, word by word."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.nftables_change import (
    Present,
    change,
    read_present,
    rewrite,
)
from hanode.dataplanes.nftables_rules import BASES, MAPS, rules_of
from hanode.lvs import Destination, Endpoint, Fwmark, Service

WEB = Endpoint(ip_address("192.0.2.10"), 80, "TCP")
MAIL = Endpoint(ip_address("192.0.2.10"), 25, "TCP")
T = "inet hanode_lvs"
W = "tcp_192.0.2.10_80"


def to(number, weight=1):
    return Destination(ip_address(f"10.0.0.{number}"), 80, weight)


def table(identity, *destinations, **more):
    service = Service(identity, "rr", destinations=destinations, **more)
    return {identity: service}


class ChangeTests(SynchronousTestCase):
    """From a table that the kernel has."""

    def test_nothing(self):
        """Equal tables need no command."""
        old = table(WEB, to(1)) | table(MAIL, to(1))
        self.assertEqual(change(old, dict(old)).text, "")

    def test_another_server(self):
        """One real server for another: neither the rest nor its clients are touched."""
        old = table(WEB, to(1), to(2), persistence=60) | table(MAIL, to(1))
        new = old | table(WEB, to(1), to(3), persistence=60)
        spec = "{ type ipv4_addr; flags dynamic,timeout; size 1048576; }"
        gone, come = "192.0.2.10 . tcp . 80 . 10.0.0.2 . 80", f"{W}/10.0.0.3_80"
        came = "192.0.2.10 . tcp . 80 . 10.0.0.3 . 80"
        self.assertEqual(
            change(old, new).lines,
            [
                f"add counter {T} {W}/10.0.0.3_80",
                f"add counter {T} {W}/10.0.0.3_80/in",
                f"add counter {T} {W}/10.0.0.3_80/out",
                f"add set {T} {W}/10.0.0.3_80 {spec}",
                f"add chain {T} {W}/10.0.0.3_80",
                f"delete element {T} in4 {{ {gone} }}",
                f"delete element {T} out4 {{ {gone} }}",
                f"flush chain {T} {W}/10.0.0.2_80",
                f"flush chain {T} {W}",
                f"add rule {T} {come} update @{come} {{ ip saddr timeout 60s }}",
                f"add rule {T} {come} counter name {come}",
                f"add rule {T} {come} meta l4proto tcp dnat ip to 10.0.0.3:80",
                f"add rule {T} {W} counter name {W}",
                f"add rule {T} {W} ip saddr @{W}/10.0.0.1_80 goto {W}/10.0.0.1_80",
                f"add rule {T} {W} ip saddr @{come} goto {come}",
                f"add rule {T} {W} numgen inc mod 2 vmap"
                f" {{ 0 : goto {W}/10.0.0.1_80, 1 : goto {come} }}",
                f'add element {T} in4 {{ {came} : "{come}/in" }}',
                f'add element {T} out4 {{ {came} : "{come}/out" }}',
                f"delete chain {T} {W}/10.0.0.2_80",
                f"delete set {T} {W}/10.0.0.2_80",
                f"delete counter {T} {W}/10.0.0.2_80",
                f"delete counter {T} {W}/10.0.0.2_80/in",
                f"delete counter {T} {W}/10.0.0.2_80/out",
            ],
        )

    def test_services(self):
        """A service goes, another one comes; each line knows whose it is."""
        mark, other = Fwmark(1), Fwmark(2)
        got = change(table(mark), table(other))
        self.assertEqual(
            list(zip(got.owners, got.lines, strict=True)),
            [
                (other, f"add counter {T} fwmark_2_ipv4"),
                (other, f"add chain {T} fwmark_2_ipv4"),
                (mark, f"delete element {T} marks4 {{ 1 }}"),
                (mark, f"flush chain {T} fwmark_1_ipv4"),
                (other, f"add rule {T} fwmark_2_ipv4 counter name fwmark_2_ipv4"),
                (
                    other,
                    f"add rule {T} fwmark_2_ipv4 reject with icmpx port-unreachable",
                ),
                (other, f"add element {T} marks4 {{ 2 : goto fwmark_2_ipv4 }}"),
                (mark, f"delete chain {T} fwmark_1_ipv4"),
                (mark, f"delete counter {T} fwmark_1_ipv4"),
            ],
        )
        self.assertEqual(
            [got.owner(each) for each in (0, 1, 3, 10)], [None, other, mark, None]
        )

    @given(
        st.lists(st.integers(0, 3), min_size=4, max_size=4),
        st.lists(st.integers(0, 3), min_size=4, max_size=4),
        st.sampled_from([0, 60]),
    )
    def test_adds_up(self, before, after, persistence):
        """Played on a model of the kernel, a change makes what the new table needs."""

        def made(weights):
            present = [to(n, w - 1) for n, w in enumerate(weights, 1) if w]
            return table(WEB, *present, persistence=persistence)

        old, new = made(before), made(after)
        kernel = Kernel()
        kernel.play(rewrite(None, old).lines)
        kernel.play(change(old, new).lines)
        self.assertEqual(kernel.has(), wanted(new))
        kernel.play(rewrite(kernel.present(), old).lines)
        self.assertEqual(kernel.has(), wanted(old))


class RewriteTests(SynchronousTestCase):
    """From whatever the kernel has."""

    def test_from_nothing(self):
        """What was there is removed first; then the frame, then the services."""
        lines = rewrite(None, table(Fwmark(1))).lines
        self.assertEqual(
            lines[:3], [f"add table {T}", f"delete table {T}", f"add table {T}"]
        )
        self.assertEqual(
            [each for each in lines if "hook" in each],
            [
                f"add chain {T} prerouting"
                " { type nat hook prerouting priority -100; policy accept; }",
                f"add chain {T} output"
                " { type nat hook output priority -100; policy accept; }",
                f"add chain {T} postrouting"
                " { type filter hook postrouting priority 90; policy accept; }",
                f"add chain {T} input"
                " { type filter hook input priority 90; policy accept; }",
            ],
        )
        self.assertEqual(
            lines[-5:],
            [
                f"add counter {T} fwmark_1_ipv4",
                f"add chain {T} fwmark_1_ipv4",
                f"add rule {T} fwmark_1_ipv4 counter name fwmark_1_ipv4",
                f"add rule {T} fwmark_1_ipv4 reject with icmpx port-unreachable",
                f"add element {T} marks4 {{ 1 : goto fwmark_1_ipv4 }}",
            ],
        )

    def test_to_nothing(self):
        """Without services there is no table."""
        self.assertEqual(
            rewrite(None, {}).lines, [f"add table {T}", f"delete table {T}"]
        )

    def test_adoption(self):
        """Sets and counters that are wanted stay, others go."""
        name = f"{W}/10.0.0.1_80"
        present = Present(
            frozenset({"dispatch", W, name, "old"}),
            frozenset({name, "old"}),
            frozenset({"services4", "old"}),
            frozenset({name, "old"}),
        )
        lines = rewrite(present, table(WEB, to(1), persistence=9)).lines
        self.assertEqual(
            lines[:8],
            [
                f"add table {T}",
                f"flush table {T}",
                f"flush map {T} old",
                f"flush map {T} services4",
                f"delete chain {T} old",
                f"delete set {T} old",
                f"delete map {T} old",
                f"delete counter {T} old",
            ],
        )
        self.assertEqual([each for each in lines[8:] if "delete" in each], [])


class PresentTests(SynchronousTestCase):
    """What nft lists."""

    def test_read(self):
        """The names in our table, each by its kind."""
        text = """table inet hanode_lvs {
	counter tcp_192.0.2.10_80/10.0.0.1_80 {
		packets 0 bytes 0
	}

	set six {
		type ipv6_addr
	}

	map in4 {
		type mark : counter
	}

	chain input {
		type filter hook input priority 90; policy accept;
		ct status dnat goto traffic
	}

	chain "quoted" {
		counter name "tcp_192.0.2.10_80/10.0.0.1_80" accept
	}
}
"""
        self.assertEqual(
            read_present(text),
            Present(
                frozenset({"input", "quoted"}),
                frozenset({"six"}),
                frozenset({"in4"}),
                frozenset({"tcp_192.0.2.10_80/10.0.0.1_80"}),
            ),
        )


def wanted(table):
    """Names, rules and elements that a table needs in the kernel."""
    chains, sets, counters, elements = {}, set(), set(), {}
    for service in table.values():
        rules = rules_of(service)
        chains.update(rules.chains)
        sets.update(rules.sets)
        counters.update(rules.counters)
        elements.update(rules.elements)
    return chains, sets, counters, elements


class Kernel:
    """As much of nf_tables as the transactions use; it refuses as the kernel does."""

    def play(self, lines):
        for line in lines:
            verb, kind, _, rest = line.split(" ", 3)
            _, _, rest = rest.partition(" ")
            getattr(self, f"_{verb}_{kind}")(*rest.split(" ", 1))

    def present(self):
        return Present(
            frozenset(self.chains),
            frozenset(self.sets),
            frozenset(self.maps),
            frozenset(self.counters),
        )

    def has(self):
        chains = {k: tuple(v) for k, v in self.chains.items() if k not in BASES}
        return chains, self.sets, self.counters, self.elements

    def _add_table(self, _=""):
        if not hasattr(self, "chains"):
            self.chains, self.sets, self.maps, self.counters = {}, set(), set(), set()
            self.elements = {}

    def _delete_table(self, _=""):
        del self.chains

    def _flush_table(self, _=""):
        for rules in self.chains.values():
            rules.clear()

    def _add_counter(self, name):
        self.counters.add(name)

    def _add_set(self, name, spec):
        self.sets.add(name)

    def _add_map(self, name, spec):
        assert spec == f"{{ type {MAPS[name]}; }}"
        self.maps.add(name)

    def _add_chain(self, name, hook=""):
        self.chains.setdefault(name, [])

    def _add_rule(self, name, rule):
        for word in rule.replace(",", " ").split():
            if "/" in word or word.startswith(W):
                place = self.sets if word[0] == "@" else self.chains
                assert word.lstrip("@") in place or word in self.counters, word
        self.chains[name].append(rule)

    def _add_element(self, name, text):
        key, value = text[2:-2].split(" : ")
        assert self.elements.setdefault((name, key), value) == value

    def _delete_element(self, name, text):
        del self.elements[name, text[2:-2]]

    def _flush_map(self, name):
        for place in [each for each in self.elements if each[0] == name]:
            del self.elements[place]

    def _flush_chain(self, name):
        self.chains[name].clear()

    def _words(self):
        """All words that stand in rules and elements."""
        rules = [each for rules in self.chains.values() for each in rules]
        return " ".join([*rules, *self.elements.values()]).replace(",", " ").split()

    def _delete_chain(self, name):
        assert not self.chains.pop(name), "a chain with rules"
        words = self._words()
        pairs = zip(words, words[1:], strict=False)
        assert ("goto", name) not in pairs, "a chain in use"

    def _delete_set(self, name):
        assert f"@{name}" not in self._words(), "a set in use"
        self.sets.remove(name)

    def _delete_counter(self, name):
        words = self._words()
        assert f'"{name}"' not in words, "a counter in use"
        pairs = zip(words, words[1:], strict=False)
        assert ("name", name) not in pairs, "a counter in use"
        self.counters.remove(name)
