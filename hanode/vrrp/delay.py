"""vrrp_startup_delay and vrrp_delay_after_boot: all instances begin later.

What arrives before is not heard. The switches of the network often need longer than we
do: a node that begins at once would hear nobody and be MASTER beside another one.
"""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from hanode.config.model import GlobalDefs
from hanode.world import World


class Delay:
    """How long, in C{seconds}; the longer one of both counts."""

    log = Logger()

    def __init__(self, world: World, global_defs: GlobalDefs) -> None:
        left = 0.0
        if global_defs.delay_after_boot:
            left = global_defs.delay_after_boot - world.uptime()
        self.seconds = max(0.0, global_defs.startup_delay, left)
        self._clock = world.clock
        self._call: IDelayedCall | None = None

    def start(self) -> None:
        """Say that we wait, and when it is over."""
        if self.seconds:
            text = "Delaying startup for {seconds:g} seconds"
            self.log.info(text, seconds=self.seconds)
            self._call = self._clock.callLater(self.seconds, self._over)

    def stop(self) -> None:
        """Say nothing more."""
        if self._call is not None and self._call.active():
            self._call.cancel()

    def _over(self) -> None:
        self.log.info("Delayed start completed")
