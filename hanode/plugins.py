"""Find the plug-ins of one kind, by keyword."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


class Found(Mapping[str, Any]):
    """All plug-ins of C{package} of these kinds, looked for when one is asked for.

    To look for them is to import them. Asking raises L{ValueError} when two plug-ins
    offer the same keyword.
    """

    def __init__(self, package: ModuleType, *interfaces: Any) -> None:
        self._package, self._interfaces = package, interfaces
        self._plugins: dict[str, Any] | None = None

    def __getitem__(self, keyword: str) -> Any:
        return self._all()[keyword]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, Any]:
        if self._plugins is None:
            found: dict[str, Any] = {}
            for interface in self._interfaces:
                for keyword, plugin in find(interface, self._package).items():
                    if keyword in found:
                        raise ValueError(f"{keyword} offered twice: {plugin!r}")
                    found[keyword] = plugin
            self._plugins = found
        return self._plugins
