"""What etc/ has for Prometheus and Grafana speaks of metrics that there are."""

import json
import re
from pathlib import Path

import yaml
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.console.families import FAMILIES, STATES
from hanode.console.view import View
from tests.console.node import Node
from tests.console.test_metrics import Pulse

ETC = Path(__file__).parents[1] / "etc"
METRIC = re.compile(r"\b((?:hanode|process)_\w+)(?:\{([^}]*)\})?")
SELECTOR = re.compile(r'(\w+)(=~|=)"([^"]*)"')
UNITS = ("seconds", "bytes", "ratio", "celsius", "meters", "volts", "amperes")
WRONG_UNITS = re.compile(r"_(ms|us|milliseconds|microseconds|minutes|kb|kilobytes)\b")
#: what a family of each kind has behind its name
ENDINGS = {
    "gauge": ("",),
    "stateset": ("",),
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
}
#: labels by the beginning of the family
LABELS = {
    "hanode_vrrp_group": {"group"},
    "hanode_vrrp": {"vrrp_instance", "reason", "to"},
    "hanode_bfd_transmit": {"le"},
    "hanode_bfd": {"session", "neighbour", "reason"},
    "hanode_virtual_server": {"virtual_server"},
    "hanode_real_server": {"virtual_server", "real_server"},
    "hanode_reactor": {"le"},
    "hanode_garbage": {"le"},
    "process": set(),
}
TARGET = {"instance", "job"}  # Prometheus's own labels
SAMPLES = {
    f"{name}{ending}": name
    for name, (kind, _) in FAMILIES.items()
    for ending in ENDINGS[kind]
}


def labels(name):
    """The labels that a sample of that name has."""
    start = max((each for each in LABELS if name.startswith(each)), key=len)
    family = SAMPLES.get(name, name)
    own = {family} if family in STATES else set()
    return LABELS[start] | own | TARGET


class QueryCase(SynchronousTestCase):
    def check(self, query):
        """Each metric, each label and each state in it exists."""
        grouped = re.findall(r"\bby \(([^)]*)\)", query)
        bare = re.sub(r"\bby \([^)]*\)", "", query)
        found = METRIC.findall(bare)
        # A label that is called as its family is not a metric of its own.
        found = [each for each in found if f"{each[0]}=" not in bare or each[1]]
        self.assertTrue(found, query)
        for name, selectors in found:
            if not name.startswith("process_"):
                self.assertIn(name, SAMPLES, query)
            for label, _, value in SELECTOR.findall(selectors):
                self.assertIn(label, labels(name), query)
                if label in STATES:
                    self.assertLessEqual(set(value.split("|")), set(STATES[label]))
        every = set().union(*(labels(name) for name, _ in found))
        for each in grouped:
            self.assertLessEqual({word.strip() for word in each.split(",")}, every)
        return every


class RulesTests(QueryCase):
    """etc/prometheus-rules.yml"""

    file = ETC / "prometheus-rules.yml"

    def rules(self):
        """All of them."""
        [group] = yaml.safe_load(self.file.read_text())["groups"]
        return group["rules"]

    def test_queries(self):
        """They speak of what there is, and so do their texts."""
        for rule in self.rules():
            if rule["expr"].startswith("up{"):
                continue
            every = self.check(rule["expr"])
            for text in rule["annotations"].values():
                named = set(re.findall(r"\$labels\.(\w+)", text))
                self.assertLessEqual(named, every, rule["alert"])

    def test_words(self):
        """Each has a name of its own, says how bad it is, and what it means."""
        rules = self.rules()
        names = [each["alert"] for each in rules]
        self.assertEqual(len(names), len(set(names)))
        for each in rules:
            self.assertIn(each["labels"]["severity"], ("critical", "warning"))
            self.assertEqual(set(each["annotations"]), {"summary", "description"})


class DashboardTests(QueryCase):
    """etc/grafana.json"""

    def setUp(self):
        self.board = json.loads((ETC / "grafana.json").read_text())

    def test_queries(self):
        """They speak of what there is, and so do the legends."""
        for panel in self.board["panels"]:
            for target in panel["targets"]:
                every = self.check(target["expr"])
                named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
                self.assertLessEqual(named, every, panel["title"])
        for variable in self.board["templating"]["list"]:
            if variable["type"] == "query":
                self.check(variable["query"])

    def test_places(self):
        """Each panel has a number and a place of its own, and one source of data."""
        panels = self.board["panels"]
        numbers = [each["id"] for each in panels]
        self.assertEqual(len(numbers), len(set(numbers)))
        taken = set()
        for each in panels:
            at = each["gridPos"]
            place = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            self.assertEqual(taken & place, set(), each["title"])
            taken |= place
            self.assertLessEqual(at["x"] + at["w"], 24)
            self.assertEqual(each["datasource"]["uid"], "${source}")


class NameTests(SynchronousTestCase):
    """The conventions of OpenMetrics and Prometheus, which its parser does not ask."""

    def test_names(self):
        """Prefix, characters, base units, no ending that a kind has for itself."""
        for name, (kind, help) in FAMILIES.items():
            self.assertTrue(re.fullmatch(r"hanode_[a-z]+(_[a-z0-9]+)*", name), name)
            self.assertIsNone(WRONG_UNITS.search(name), name)
            for ending in ("_total", "_bucket", "_count", "_sum", "_created", "_info"):
                self.assertFalse(name.endswith(ending), name)
            words = name.split("_")
            for unit in UNITS:
                self.assertNotIn(unit, words[:-1], name)
            if kind == "histogram":
                self.assertIn(words[-1], UNITS, name)
            self.assertTrue(help and not help.endswith("."), name)

    def test_samples(self):
        """What a node gives has these labels."""
        clock = Clock()
        view = View(Node(clock), clock.seconds, clock.seconds)
        view.pulse = Pulse()
        samples = self.successResultOf(Deferred.fromCoroutine(view.samples()))
        for name, found, _ in samples:
            self.assertLessEqual(set(found), labels(name) - TARGET, name)

    def test_labels(self):
        """No label of ours is one that Prometheus puts there itself."""
        for each in LABELS.values():
            self.assertEqual(each & TARGET, set())
