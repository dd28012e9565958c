"""The times of the VRRP machine (RFC 9568, section 6.1), in seconds."""

from __future__ import annotations

from hanode.config.model import VrrpInstance
from hanode.vrrp.priority import skew_time


def skew(settings: VrrpInstance, priority: int, master_interval: float) -> float:
    """Skew time: by whole seconds in version 2 (RFC 3768, 6.1)."""
    return skew_time(priority, master_interval if settings.version == 3 else 1.0)


def goodbye_skew(settings: VrrpInstance, priority: int, usual: float) -> float:
    """The skew time after a goodbye, where C{usual} is that of other cases.

    Who can take over from a dead master within milliseconds should not take a
    second for one that says goodbye: fast_failover counts in its own interval.
    """
    quick = settings.fast_failover
    return usual if quick is None else min(usual, skew_time(priority, quick.interval))


def overslept(settings: VrrpInstance, late: float) -> bool:
    """Whether a master whose timer is C{late} was silent for too long.

    keepalived's timer_expired_backup names the highest priority of others, which
    have waited their master-down time then. Only with nopreempt, for else the best
    node is to be MASTER again anyway.
    """
    other = settings.timer_expired_backup
    if not other or settings.preempt:
        return False
    patience = (settings.down_timer_adverts - 1) * settings.advert_int
    return late >= patience + skew(settings, other, settings.advert_int)


def rivals_patience(settings: VrrpInstance) -> float:
    """A second address owner that is silent for so long has gone (keepalived)."""
    return 1.2 * settings.advert_int
