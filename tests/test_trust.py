"""Files that others could change."""

import os
from pathlib import Path
from tempfile import mkdtemp

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from hanode.trust import untrusted

NOBODY = 65534


class TrustTests(SynchronousTestCase):
    def setUp(self):
        if os.geteuid() != 0:
            raise SkipTest("only root can make files of different owners")
        # /tmp itself is writable by all, but sticky: strangers cannot replace ours.
        self.folder = Path(mkdtemp())
        self.script = self.folder / "sub" / "script"
        self.script.parent.mkdir(mode=0o755)
        self.script.write_text("#!/bin/sh\n")
        self.script.chmod(0o755)

    def test_rootsOwn(self):
        """What only root can write to is trusted."""
        self.assertIsNone(untrusted(str(self.script)))

    def test_writableByOthers(self):
        """The answer names file, mode and owner."""
        self.script.chmod(0o757)
        self.assertEqual(
            untrusted(str(self.script)), f"{self.script} is -rwxr-xrwx, owner root"
        )

    def test_directoryOfSomebodyElse(self):
        """A directory on the way counts as much as the file."""
        os.chown(self.script.parent, NOBODY, NOBODY)
        self.assertEqual(
            untrusted(str(self.script)),
            f"{self.script.parent} is drwxr-xr-x, owner nobody",
        )

    def test_groupThatMayWrite(self):
        """Root's own group may write, another one may not."""
        self.script.chmod(0o775)
        self.assertIsNone(untrusted(str(self.script)))
        os.chown(self.script, 0, NOBODY)
        self.assertIn("-rwxrwxr-x", untrusted(str(self.script)))

    def test_stickyFile(self):
        """The sticky bit protects directories, not files."""
        self.script.chmod(0o1777)
        self.assertIn(str(self.script), untrusted(str(self.script)))

    def test_link(self):
        """A link is as good as what it points to, and as where it lies."""
        link = self.folder / "link"
        link.symlink_to(self.script)
        self.assertIsNone(untrusted(str(link)))
        self.script.chmod(0o777)
        self.assertIn(str(self.script), untrusted(str(link)))

    def test_chainOfLinks(self):
        """The directories of every link on the way count."""
        between = self.folder / "between"
        between.mkdir(mode=0o755)
        (between / "link").symlink_to("../sub/script")
        first = self.folder / "first"
        first.symlink_to("between/link")
        self.assertIsNone(untrusted(str(first)))
        between.chmod(0o777)
        self.assertEqual(untrusted(str(first)), f"{between} is drwxrwxrwx, owner root")

    def test_linkOfSomebodyElse(self):
        """Who owns a link can replace it, even where the sticky bit is set."""
        link = self.folder / "link"
        link.symlink_to(self.script)
        os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
        self.assertEqual(untrusted(str(link)), f"{link} is lrwxr-xr-x, owner nobody")

    def test_endlessLinks(self):
        """Links that lead in a circle are the caller's affair."""
        link = self.folder / "link"
        link.symlink_to(link)
        self.assertRaises(OSError, untrusted, str(link))

    def test_unknownOwner(self):
        """An owner without a name is shown by number."""
        os.chown(self.script, 54321, 0)
        self.assertIn("owner 54321", untrusted(str(self.script)))

    def test_missing(self):
        """A file that is not there is the caller's affair."""
        self.assertRaises(OSError, untrusted, str(self.folder / "nowhere"))
