"""Numbers in files as facts: C{file:NAME} is an int, None where there is no number.

keepalived.conf(5), "Track files". What is inside is an integer in text; a file that is
missing, empty or not a number is None, which counts as 0 wherever it is used.

inotify(7) watches the folder of each file, so that it does not matter whether a file is
written in place, renamed over, or made later. A glance from time to time finds what
inotify does not tell: a folder that appears later, a link whose target is changed, a
file that its writer keeps open, a file system without notifications. The files should
be on a local file system: reading one that hangs would hold everything up.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorFDSet
from twisted.logger import Logger
from twisted.plugin import IPlugin
from zope.interface import implementer

from hanode.config import tracker_words
from hanode.config.balance_model import TrackedFile
from hanode.config.track_model import NOTHING, Description, Share, Tracked
from hanode.facts import Facts
from hanode.folder import Folder
from hanode.interfaces import IObservation, ITracker

GLANCE = 2.0  # seconds between two looks at all files
SETTLE = 0.2  # seconds: an editor moves a file away before it writes the new one
READ = 128  # bytes: a number is shorter
LEAST, MOST = -(2**31), 2**31 - 1
LEAST_POINTS = -254  # what would take any priority to nothing is a fault

_NUMBER = re.compile(rb"\s*([+-]?[0-9]{1,30})(?:\s|\Z)")


@dataclass(frozen=True)
class Reading:
    """What is in a file: C{number} or None, and C{why}."""

    number: int | None
    why: str


def read(path: str) -> Reading:
    """The number at the beginning of a file; it is kept inside 32 bits."""
    try:
        # Not blocking: it might be a pipe that nobody writes to.
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Reading(None, "no such file")
    except (OSError, ValueError) as error:
        return Reading(None, f"cannot be read: {_text(error)}")
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return Reading(None, "not a regular file")
        data = os.read(opened, READ)
    except OSError as error:
        return Reading(None, f"cannot be read: {_text(error)}")
    finally:
        os.close(opened)
    if not data.strip():
        return Reading(None, "empty")
    match = _NUMBER.match(data)
    if match is None:
        return Reading(None, "not a number")
    number = min(max(int(match[1]), LEAST), MOST)
    return Reading(number, f"{number} in the file")


def initialise(file: TrackedFile) -> None:
    """init_file: write the first number where there is no file, or always.

    Raises L{OSError}. A symbolic link is not followed: what it leads to might not be
    meant.
    """
    if file.initial is None:
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    flags |= os.O_TRUNC if file.overwrite else os.O_EXCL
    try:
        opened = os.open(file.path, flags, 0o644)
    except FileExistsError:
        return
    try:
        os.write(opened, b"%d\n" % file.initial)
    finally:
        os.close(opened)


@implementer(IObservation)
class FileTracker:
    """Sets the fact C{file:NAME} for each track_file that is expected.

    Call L{expect} with all of them at the start and at every reload, L{close} at the
    end. Facts of files that are expected no more are forgotten. C{reactor} may be a
    Clock: without descriptors to watch the files are glanced at.
    """

    log = Logger()

    def __init__(self, facts: Facts, reactor: Any) -> None:
        self._facts, self._reactor = facts, reactor
        self._files: dict[str, TrackedFile] = {}
        self._folders: dict[str, Folder] = {}
        self._calls: dict[str, IDelayedCall] = {}
        self._glance: IDelayedCall | None = None
        self._started = self._complained = False

    def expect(self, described: Mapping[str, Description]) -> None:
        """From now on these are watched, and no others.

        Each fact is set before this returns. The first call is the start: only then
        are files made that init_file wants.
        """
        wanted = {
            name: each.options
            for name, each in described.items()
            if isinstance(each.options, TrackedFile)
        }
        for name in self._files.keys() - wanted.keys():
            self._facts.forget(f"file:{name}")
        self._files = wanted
        if not self._started:
            self._started = True
            for file in wanted.values():
                self._initialise(file)
        self._look_at_all()

    def close(self) -> None:
        """Give everything back; the facts stay as they are."""
        for call in (*self._calls.values(), *filter(None, (self._glance,))):
            call.cancel()
        self._calls.clear()
        self._glance = None
        self._files = {}
        self._watch_folders()

    def _initialise(self, file: TrackedFile) -> None:
        try:
            initialise(file)
        except (OSError, ValueError) as error:
            self.log.error(
                "track_file {name}: cannot write {path}: {reason}",
                name=file.name,
                path=file.path,
                reason=_text(error),
            )

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            self.log.warn(
                "track_file: no notifications ({reason}): looking every {seconds} s",
                reason=_text(error),
                seconds=GLANCE,
            )

    def _watch_folders(self) -> None:
        wanted = {_folder(file) for file in self._files.values()}
        for path, folder in list(self._folders.items()):
            if folder.gone or path not in wanted:
                del self._folders[path]
                folder.close()
        if not IReactorFDSet.providedBy(self._reactor):
            return
        for path in sorted(wanted - self._folders.keys()):
            told = partial(self._told, path)
            try:
                self._folders[path] = Folder(self._reactor, path, told)
            except NotADirectoryError:
                continue  # the next glance tries again
            except OSError as error:
                self._complain(error)

    def _told(self, folder: str, name: str | None, complete: bool) -> None:
        """Something has happened to a file in a folder, None for the folder itself."""
        if name is None:
            self._soon("")
        for file in self._files.values():
            if os.path.basename(file.path) != name or _folder(file) != folder:
                continue
            if complete:
                self._look(file)
            else:
                self._soon(file.name)

    def _soon(self, name: str) -> None:
        """Look at a file, "" for all, when those who change it may have finished."""
        if name not in self._calls:
            self._calls[name] = self._reactor.callLater(SETTLE, self._settled, name)

    def _settled(self, name: str) -> None:
        del self._calls[name]
        if name in self._files:
            self._look(self._files[name])
        elif not name:
            self._look_at_all()

    def _look_at_all(self) -> None:
        if self._glance is not None and self._glance.active():
            self._glance.cancel()
        self._glance = None
        self._watch_folders()
        for file in self._files.values():
            self._look(file, glancing=True)
        if self._files:
            self._glance = self._reactor.callLater(GLANCE, self._look_at_all)

    def _look(self, file: TrackedFile, glancing: bool = False) -> None:
        reading = read(file.path)
        known = self._facts.get(f"file:{file.name}")
        if glancing and reading.number is None and known is not None:
            self._soon(file.name)  # it may just be written anew
            return
        self._facts.set(f"file:{file.name}", reading.number, reading.why)


def _folder(file: TrackedFile) -> str:
    return os.path.dirname(os.path.abspath(file.path))


def _text(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else str(error)


@implementer(IPlugin, ITracker)
class FileTrackerPlugin:
    """The plug-in."""

    keyword = "track_file"
    words = tracker_words.FILE

    def weigh(self, tracked: Tracked, value: int | None) -> Share:
        """See L{ITracker.weigh}; what is no number counts as 0.

        Without weight any number but 0 is a fault (with C{reverse}: 0 is). The number
        times the weight is added to the priority, and a fault from -254 down.
        """
        number = value or 0
        fault = f"tracked file {tracked.name} has status {number}"
        if not tracked.weight:
            return Share(fault=fault) if bool(number) != tracked.reverse else NOTHING
        points = number * (-tracked.weight if tracked.reverse else tracked.weight)
        return Share(fault=fault) if points <= LEAST_POINTS else Share(points)

    def make(
        self, world: Any, facts: Facts, checkers: Mapping[str, Any]
    ) -> FileTracker:
        """See L{ITracker.make}."""
        return FileTracker(facts, world.clock)


fileTracker = FileTrackerPlugin()
