"""What a configuration says about the files that signals ask for."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.build import build
from hanode.config.dump_model import DumpDefs
from tests.config.reading import said, tree


def read(lines):
    """The record of these lines of global_defs, and what is said about them."""
    model, problems = build(tree(f"global_defs {{\n{lines}\n}}"))
    return model.dumps, said(problems)


class DumpTests(SynchronousTestCase):
    def test_nothing(self):
        """Without a word there are the defaults."""
        self.assertEqual(read(""), (DumpDefs(), []))

    def test_words(self):
        """Each word fills its field."""
        lines = (
            "state_dump_file /tmp/a\nstats_dump_file /tmp/b\njson_dump_file /tmp/c/\n"
            "json_version 2\ndata_use_instance"
        )
        self.assertEqual(
            read(lines), (DumpDefs("/tmp/a", "/tmp/b", "/tmp/c/", 2, True), [])
        )

    def test_relative(self):
        """A path that depends on where the daemon was started is refused."""
        defs, problems = read("json_dump_file keepalived.json\nstate_dump_file")
        self.assertEqual(defs, DumpDefs())
        self.assertEqual(
            problems[0],
            "2 warning: json_dump_file: 'keepalived.json' is no absolute path"
            " (ignored; begin it with '/')",
        )
        self.assertEqual(len(problems), 2)
