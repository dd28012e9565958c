"""The verbs of the console."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.console import prompt
from hanode.console.prompt import Prompt, Text, Verb
from hanode.console.shell import run
from hanode.console.verbs import Verbs
from hanode.console.view import View
from tests.console.node import Node, Reloader
from tests.console.samples import INSTANCE, SESSION, VIRTUAL


class PromptCase(SynchronousTestCase):
    """A prompt for a node that is not there."""

    def setUp(self):
        self.clock = Clock()
        self.node = Node(self.clock)
        self.node.facts.set(f"vrrp:{INSTANCE['name']}", "MASTER", "no advertisement")
        self.clock.advance(75)
        view = View(self.node, self.clock.seconds, lambda: 1_000_000_000.0)
        verbs = Verbs(self.node, Reloader())
        self.viewer = Prompt(self.node, view, None).words()
        self.operator = Prompt(self.node, view, verbs).words()


class LookTests(PromptCase):
    """Looking."""

    def test_itself(self):
        """A verb without parentheses shows what it shows with empty ones."""
        for name in ("show", "vrrp", "bfd", "facts", "events", "help"):
            verb = self.viewer[name]
            self.assertEqual(repr(verb), verb())
            self.assertEqual(repr(verb()), verb())

    def test_vrrp(self):
        """A table of all, one in full with since when and why, or who is missing."""
        verb = self.viewer["vrrp"]
        self.assertIn("1m 15s", verb())
        self.assertIn("no advertisement", verb(INSTANCE["name"]))
        self.assertEqual(verb("VI_9"), "there is no VRRP instance 'VI_9'")

    def test_why(self):
        """Why one is in its state; without a name it says what to type."""
        verb = self.viewer["why"]
        self.assertIn("has been BACKUP for 1m 15s", verb(INSTANCE["name"]))
        self.assertEqual(verb("VI_9"), "there is no VRRP instance 'VI_9'")
        self.assertEqual(repr(verb), 'why("VI_1"): why an instance is in its state')

    def test_bfd(self):
        """The sessions, one of them, or who is missing."""
        verb = self.viewer["bfd"]
        self.assertIn(SESSION["name"], verb())
        self.assertIn("detection time", verb(SESSION["name"]))
        self.assertEqual(verb("x"), "there is no BFD session 'x'")

    def test_lvs(self):
        """Comes when the kernel has been asked; without parentheses it says how."""
        verb = self.viewer["lvs"]
        self.assertIn(VIRTUAL["name"], self.successResultOf(verb()))
        self.assertIn("scheduler", self.successResultOf(verb(VIRTUAL["name"])))
        self.assertEqual(
            self.successResultOf(verb("x")), "there is no virtual server 'x'"
        )
        self.assertEqual(repr(verb), 'type lvs(), lvs("NAME")')

    def test_facts(self):
        """All, or those of one kind; secrets are not among what is shown."""
        verb = self.viewer["facts"]
        self.assertIn("interface:eth0", verb())
        self.assertNotIn("opensesame", verb())
        self.assertNotIn("interface:", verb("vrrp:"))
        self.assertEqual(verb("xyz"), "no fact begins with 'xyz'")

    def test_manyFacts(self):
        """A prompt is not the place for thousands."""
        self.patch(prompt, "MOST", 2)
        self.assertTrue(self.viewer["facts"]().endswith("... and 1 more"))
        self.patch(prompt, "MOST", 1)
        self.assertEqual(len(self.viewer["vrrp"]().splitlines()), 2)

    def test_events(self):
        """The latest ones."""
        self.assertEqual(len(self.viewer["events"](1).splitlines()), 2)

    def test_show(self):
        """One screen about the whole node."""
        shown = self.viewer["show"]()
        for part in (INSTANCE["name"], VIRTUAL["name"], "TIME"):
            self.assertIn(part, shown)

    def test_help(self):
        """Every verb with what to type."""
        shown = self.operator["help"]()
        for verb in self.operator.values():
            self.assertIn(verb.usage, shown)


class WriteTests(PromptCase):
    """Writing, for those who may."""

    def test_drain(self):
        """A wish, and taken back."""
        name = f"{VIRTUAL['name']}/{VIRTUAL['real_servers'][0]['name']}"
        self.assertEqual(self.operator["drain"](name), f"{name} is being drained")
        self.assertEqual(self.node.facts.get(f"admin:real:{name}"), "drain")
        self.assertEqual(self.operator["undrain"](name), f"{name} is used again")
        self.assertEqual(self.node.facts.get(f"admin:real:{name}"), None)

    def test_instance(self):
        """An instance is sent away with its group, and taken back."""
        name, group = INSTANCE["name"], "VI_1, VI_2"
        self.assertEqual(
            self.operator["drain"](name),
            f"{group}: sent away; why('{name}') tells how far",
        )
        for each in ("VI_1", "VI_2"):
            self.assertEqual(self.node.facts.get(f"admin:vrrp:{each}"), "drain")
        self.operator["undrain"](name)
        self.assertEqual(self.node.facts.get(f"admin:vrrp:{name}"), None)

    def test_unknown(self):
        """Of what is not there it says so."""
        self.assertEqual(
            self.operator["drain"]("x"), "there is no VRRP instance or real server 'x'"
        )

    def test_itself(self):
        """A verb that needs a word says which when it is shown."""
        self.assertEqual(
            repr(self.operator["drain"]),
            'drain("VI_1"): let another node be master; a real server: no new'
            " connections",
        )

    def test_viewer(self):
        """Who may only look has no word for it."""
        self.assertEqual(set(self.operator) - set(self.viewer), {"drain", "undrain"})


class RunTests(PromptCase):
    """Verbs as words of a line."""

    def test_words(self):
        """A verb with its words; numbers are numbers."""
        self.assertEqual(len(run(self.viewer, ["events", "1"]).splitlines()), 2)
        self.assertIn("VI_9", run(self.viewer, ["vrrp", "VI_9"]))

    def test_wrong(self):
        """Another word, or too many of them, is answered with what to type."""
        problem = self.assertRaises(LookupError, run, self.viewer, ["xyz"])
        self.assertIn("there is no 'xyz'; there are: show, vrrp", str(problem))
        problem = self.assertRaises(LookupError, run, self.viewer, ["vrrp", "a", "b"])
        self.assertEqual(str(problem), "type vrrp, vrrp VI_1")

    def test_help(self):
        """Here the verbs are words: nothing that would only do in Python."""
        shown = run(self.operator, ["help"])
        self.assertEqual([mark in shown for mark in '("'], [False, False])
        for words in ("show ", "vrrp, vrrp VI_1 ", "why VI_1 ", "events, events 50 "):
            self.assertIn(f"\n{words}", shown)


class VerbTests(SynchronousTestCase):
    """A verb by itself."""

    def test_text(self):
        """It passes words on."""
        verb = Verb(lambda *words: Text("-".join(words)), "u", "h")
        self.assertEqual(verb("a", "b"), "a-b")
