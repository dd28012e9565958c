"""Any value as plain data: what JSON has words for, and never a secret."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from math import isfinite
from typing import Any

from hanode.config.scalars import Secret

HIDDEN = "***"
_PLAIN = frozenset({str, int, bool, type(None)})


def plain(value: Any) -> Any:
    """Dicts, lists, texts, numbers, booleans and None that say the same as C{value}.

    A number that JSON does not have (infinite, not a number) becomes None. Octets
    are only counted, because they might be a key; but those of a field whose metadata
    call it C{public} are shown, as those of a MAC address.
    """
    if type(value) in _PLAIN:  # nearly everything is; thousands of values are asked
        return value
    if isinstance(value, Secret):
        return HIDDEN
    if isinstance(value, Enum):
        return value.name
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else None
    return _composite(value)


def _composite(value: Any) -> Any:
    if type(value) is dict and all(type(key) is str for key in value):
        return {key: plain(each) for key, each in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _field(value, each) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} octets"
    if isinstance(value, set | frozenset):
        return sorted((plain(each) for each in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return str(value)


def _field(record: Any, field: dataclasses.Field[Any]) -> Any:
    value = getattr(record, field.name)
    if field.metadata.get("public") and isinstance(value, bytes):
        return value.hex(":")
    return plain(value)
