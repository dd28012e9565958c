"""Claims about finding plug-ins, with packages made for the test."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
from types import ModuleType

from twisted.python.filepath import FilePath
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import Attribute, Interface

import hanode.notifiers
from hanode.interfaces import INotifier
from hanode.notifiers.script import scriptNotifier
from hanode.plugins import Found, find

PACKAGE = """
from twisted.plugin import pluginPackagePaths
__path__.extend(pluginPackagePaths(__name__))
"""
MODULE = """
from twisted.plugin import IPlugin
from zope.interface import implementer
from tests.test_plugins import IColour

@implementer(IPlugin, IColour)
class Colour:
    keyword = {keyword!r}

colour = Colour()
"""
_numbers = itertools.count()


class IColour(Interface):
    """The kind of plug-in of these tests."""

    keyword = Attribute("its name")


class FindTests(SynchronousTestCase):
    """A folder on sys.path is enough."""

    def setUp(self) -> None:
        """An empty plug-in package of a name of its own."""
        self.patch(sys, "path", list(sys.path))
        self.addCleanup(importlib.invalidate_caches)
        self.name = f"hanode_test_colours_{os.getpid()}_{next(_numbers)}"
        self.first = self.folder()
        self.first.child("__init__.py").setContent(PACKAGE.encode())

    def folder(self) -> FilePath[str]:
        """Another place on sys.path, with a folder of the package's name."""
        place = FilePath(self.mktemp())
        folder: FilePath[str] = place.child(self.name)
        folder.makedirs()
        sys.path.append(place.path)
        importlib.invalidate_caches()
        return folder

    def write(self, folder: FilePath[str], name: str, keyword: str) -> None:
        """Put a plug-in file into C{folder}."""
        text = MODULE.format(keyword=keyword)
        folder.child(f"{name}.py").setContent(text.encode())

    def package(self) -> ModuleType:
        """The package, imported."""
        package = importlib.import_module(self.name)
        self.addCleanup(self.forget)
        return package

    def forget(self) -> None:
        """Take the package and its modules out of memory."""
        for name in [each for each in sys.modules if each.startswith(self.name)]:
            del sys.modules[name]

    def test_nothing(self) -> None:
        """An empty folder offers nothing."""
        self.assertEqual(find(IColour, self.package()), {})

    def test_by_keyword(self) -> None:
        """Each plug-in is found under its keyword, whatever its file is called."""
        self.write(self.first, "one", "red")
        self.write(self.first, "two", "blue")
        self.assertEqual(sorted(find(IColour, self.package())), ["blue", "red"])

    def test_third_party(self) -> None:
        """A file in a folder of the same name elsewhere on sys.path is found."""
        self.write(self.folder(), "theirs", "green")
        self.assertEqual(list(find(IColour, self.package())), ["green"])

    def test_new_file_later(self) -> None:
        """A file that is dropped in while we run is found by the next look."""
        package = self.package()
        self.assertEqual(find(IColour, package), {})
        self.write(self.first, "late", "late")
        self.assertEqual(list(find(IColour, package)), ["late"])

    def test_other_kinds_are_left_alone(self) -> None:
        """Plug-ins of another kind in the same folder are not among them."""
        self.write(self.first, "one", "red")
        self.assertEqual(find(INotifier, self.package()), {})

    def test_two_owners(self) -> None:
        """Two owners of one keyword are refused, and both are named."""
        self.write(self.first, "one", "red")
        self.write(self.first, "two", "red")
        problem = self.assertRaises(ValueError, find, IColour, self.package())
        self.assertIn("red offered twice", str(problem))
        self.assertIn(f"{self.name}.one", str(problem))
        self.assertIn(f"{self.name}.two", str(problem))

    def test_found(self) -> None:
        """A Found looks when it is asked for the first time, and then no more."""
        found = Found(self.package(), IColour)
        self.write(self.first, "one", "red")
        self.assertEqual((list(found), len(found)), (["red"], 1))
        self.write(self.first, "two", "blue")
        self.assertEqual((found["red"].keyword, "blue" in found), ("red", False))

    def test_found_twice(self) -> None:
        """Nor may plug-ins of two kinds offer the same keyword."""
        self.write(self.first, "one", "red")
        found = Found(self.package(), IColour, IColour)
        self.assertIn(
            "red offered twice", str(self.assertRaises(ValueError, len, found))
        )

    def test_broken_module(self) -> None:
        """A module that cannot be imported is logged; the others are found."""
        self.first.child("broken.py").setContent(b"1 / 0\n")
        self.write(self.first, "one", "red")
        self.assertEqual(list(find(IColour, self.package())), ["red"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_the_notifiers(self) -> None:
        """hanode's own script notifier is found."""
        self.assertIs(find(INotifier, hanode.notifiers).get("script"), scriptNotifier)
