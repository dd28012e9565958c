"""keepalived's command line."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.keepalived_options import OPTIONS, BadOption, facility, read, usage


class ReadTests(SynchronousTestCase):
    def values(self, *words):
        """What a command line gives."""
        return read(words).values

    def test_long(self):
        """By long names, with the value behind "=" or as the next word."""
        self.assertEqual(
            self.values("--use-file=a", "--pid", "b", "--dont-fork"),
            {"use-file": "a", "pid": "b", "dont-fork": ""},
        )

    def test_short(self):
        """By letters, alone or several in one word."""
        self.assertEqual(
            self.values("-nlD", "-fa", "-p", "b"),
            {
                "dont-fork": "",
                "log-console": "",
                "log-detail": "",
                "use-file": "a",
                "pid": "b",
            },
        )

    def test_maybe(self):
        """A value that may be left out stands in the same word, or there is none."""
        self.assertEqual(
            self.values("-t", "-f", "a"), {"config-test": "", "use-file": "a"}
        )
        self.assertEqual(self.values("-t/log"), {"config-test": "/log"})
        self.assertEqual(self.values("--config-test=/log"), {"config-test": "/log"})
        self.assertEqual(self.values("--config-test"), {"config-test": ""})

    def test_twice(self):
        """The last value counts; how often a flag was given is known."""
        found = read(["-DD", "-fa", "-fb"])
        self.assertEqual(
            (found.times["log-detail"], found.values["use-file"]), (2, "b")
        )
        self.assertIn("log-detail", found)
        self.assertNotIn("vrrp", found)

    def test_abbreviated(self):
        """The beginning of a name does, when it is that of one option only."""
        self.assertEqual(self.values("--vers"), {"version": ""})
        self.assertEqual(self.values("--vrrp"), {"vrrp": ""})
        for word in ("--log", "--nothing", "--=x"):
            self.assertRaises(BadOption, read, [word])

    def test_genhash(self):
        """Behind -T everything belongs to genhash."""
        found = read(["-T", "-s", "192.0.2.1"])
        self.assertEqual(found.rest, ("-s", "192.0.2.1"))

    def test_nonsense(self):
        """What there is not, and values that lack or are too many."""
        for words, text in (
            (["-Z"], "Unknown option -Z"),
            (["-nZ"], "Unknown option -Z"),
            (["-f"], "Missing value for option -f"),
            (["--pid"], "Missing value for option --pid"),
            (["--vrrp=x"], "option '--vrrp' doesn't allow an argument"),
            (["file"], "Unexpected argument(s): file"),
            (["--"], "Unexpected argument(s): --"),
            (["-"], "Unexpected argument(s): -"),
        ):
            problem = self.assertRaises(BadOption, read, words)
            self.assertEqual(str(problem), text)

    def test_unique(self):
        """No name is there twice, and the help names all of them."""
        for names in (
            [each.long for each in OPTIONS],
            [each.short for each in OPTIONS if each.short],
        ):
            self.assertEqual(len(names), len(set(names)))
        for each in OPTIONS:
            self.assertIn(f"--{each.long}", usage())

    def test_facility(self):
        """0 to 7 are the local ones, as with keepalived."""
        words = ("0", "local7", "user", "daemon", "8", "mail")
        self.assertEqual([facility(each) for each in words], [16, 23, 1, 3, None, None])
