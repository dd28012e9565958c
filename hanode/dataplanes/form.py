"""What L{hanode.dataplanes.kept} asks of those who know one kind of record."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Protocol, TypeVar

from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.netlink.message import Buffer

Wanted = TypeVar("Wanted", bound=Hashable, contravariant=True)


class Form(Protocol[Wanted]):
    """How records of one kind are said to the kernel."""

    @property
    def noun(self) -> str:
        """What one of them is called."""

    @property
    def groups(self) -> tuple[int, ...]:
        """The groups (RTNLGRP_*) that tell of them."""

    def devices(self, record: Wanted) -> tuple[str, ...]:
        """The interfaces without which there can be no such record."""

    def track(self, record: Wanted) -> bool:
        """Whether it is put back when somebody removes it."""

    def add(self, record: Wanted, kernel: Kernel) -> list[bytes]:
        """Requests that set it; only the last one may not fail."""

    def remove(self, record: Wanted, kernel: Kernel) -> bytes:
        """The request that removes it."""

    def remove_stored(self, stored: Any) -> bytes:
        """The request that removes what the kernel has."""

    def read(self, records: Iterable[Wanted]) -> list[Any]:
        """What the kernel has, of the kinds that these are. Raises L{OSError}."""

    def is_same(self, stored: Any, record: Wanted, kernel: Kernel) -> bool:
        """Whether C{stored} is what the kernel makes of the record."""

    def is_alike(self, stored: Any, record: Wanted) -> bool:
        """Whether C{stored} stands in the place of the record, and is of our making."""

    def concerns(self, kind: int, data: Buffer, start: int, end: int) -> bool:
        """Whether this message of the kernel speaks of a removal or a replacement."""
