"""The intervals of one session: what we announce, and what is in force meanwhile.

RFC 5880, sections 6.5 and 6.8.3. A slower transmission, or a quicker detection, may
begin only when the neighbour has confirmed (with the F bit) that it knows of it.
"""

from __future__ import annotations


class Negotiation:
    """Desired Min TX and Required Min RX Interval, in microseconds.

    C{tx} and C{rx} are what packets announce; C{tx_in_force} and C{rx_in_force} what
    we transmit and detect by. C{polling} is the Poll Sequence: while it is on, packets
    carry the P bit.
    """

    def __init__(self, tx: int, rx: int) -> None:
        self.tx = self.tx_in_force = tx
        self.rx = self.rx_in_force = rx
        self.polling = False
        self._polled: tuple[int, int] | None = None  # what the poll in progress asks

    def want(self, tx: int, rx: int, up: bool) -> bool:
        """Announce C{tx} and C{rx} from now on; tell whether that is a change."""
        if (tx, rx) == (self.tx, self.rx):
            return False
        self.tx, self.rx = tx, rx
        if not up:
            self.tx_in_force, self.rx_in_force = tx, rx
            return True
        # Quicker transmission and more patience hurt nobody: they begin at once.
        self.tx_in_force = min(self.tx_in_force, tx)
        self.rx_in_force = max(self.rx_in_force, rx)
        self.poll()
        return True

    def poll(self) -> None:
        """Begin a Poll Sequence, unless one is in progress.

        Section 6.5: there is one at a time. What changed since the one in progress
        began is asked about by the next one.
        """
        if not self.polling:
            self.polling, self._polled = True, (self.tx, self.rx)

    def final(self) -> bool:
        """The neighbour has answered the poll; tell whether that ended one."""
        if not self.polling:
            return False
        asked = self._polled
        self.cancel()
        if asked == (self.tx, self.rx):
            self.tx_in_force, self.rx_in_force = self.tx, self.rx
        else:
            self.poll()
        return True

    def cancel(self) -> None:
        """The session has left Up: nobody is there to answer."""
        self.polling, self._polled = False, None
