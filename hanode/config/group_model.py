"""A vrrp_sync_group as a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hanode.config.problems import Place

if TYPE_CHECKING:
    from hanode.config.model import Notify


@dataclass(frozen=True)
class SyncGroup:
    """Instances that change their state together.

    C{members} are the names of instances that exist, in the order of the file, each
    in no other group. C{smtp_alert}: its changes are mailed.
    """

    name: str
    members: tuple[str, ...]
    notify: Notify
    smtp_alert: bool = False
    place: Place | None = field(default=None, compare=False, repr=False)
