"""Find the plug-ins of one kind, by keyword."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from twisted.plugin import getPlugins


def find(interface: Any, package: ModuleType) -> dict[str, Any]:
    """All plug-ins of C{package} that provide C{interface}, by their keyword.

    Raises L{ValueError} when two plug-ins offer the same keyword.
    """
    found: dict[str, Any] = {}
    plugin: Any
    for plugin in getPlugins(interface, package):
        other = found.setdefault(plugin.keyword, plugin)
        if other is not plugin:
            raise ValueError(f"{plugin.keyword} offered twice: {other!r}, {plugin!r}")
    return found
