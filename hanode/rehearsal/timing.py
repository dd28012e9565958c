"""How long a failover ought to take, by the settings of who takes over; in seconds."""

from __future__ import annotations

from collections.abc import Iterable

from hanode.config.bfd_model import BfdParameters
from hanode.config.model import VrrpInstance
from hanode.vrrp.priority import skew_time


def skew(settings: VrrpInstance) -> float:
    """RFC 9568, section 6.1, and for v2 RFC 3768, section 6.1."""
    unit = settings.advert_int if settings.version == 3 else 1.0
    return skew_time(settings.priority, unit)


def down_time(settings: VrrpInstance) -> float:
    """How long a silent master is believed, without BFD."""
    return settings.down_timer_adverts * settings.advert_int + skew(settings)


def loss_time(settings: VrrpInstance, watches: Iterable[BfdParameters] = ()) -> float:
    """How long the loss of the master takes to notice and to act upon.

    @param watches: the sessions with the master whose loss means his, see
        L{hanode.rehearsal.plan.Plan.watches}.
    """
    times = [down_time(settings)]
    for each in watches:
        skew = skew_time(settings.priority, each.interval)
        times.append(each.multiplier * each.interval + skew)
    return min(times)


def goodbye_time(settings: VrrpInstance) -> float:
    """How long after a goodbye (priority 0) a backup waits."""
    quick = settings.fast_failover
    if quick is None:
        return skew(settings)
    return min(skew(settings), skew_time(settings.priority, quick.interval))
