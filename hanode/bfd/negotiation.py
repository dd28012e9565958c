"""The intervals of one session: what we announce, and what is in force meanwhile.

RFC 5880, sections 6.5 and 6.8.3. A slower transmission, or a quicker detection, may
begin only when the neighbour has confirmed (with the F bit) that it knows of it.
"""

from __future__ import annotations


class Negotiation:
    """Desired Min TX and Required Min RX Interval, in microseconds.

    C{tx} and C{rx} are what packets announce; C{tx_in_force} and C{rx_in_force} what
    we transmit and detect by. C{polling} is the Poll Sequence: while it is on, packets
    carry the P bit. C{pending} tells that another one must follow.
    """

    def __init__(self, tx: int, rx: int) -> None:
        self.tx = self.tx_in_force = tx
        self.rx = self.rx_in_force = rx
        self.polling = self.pending = False
        self._settled = True  # no answer to an earlier poll can still be under way

    def want(self, tx: int, rx: int, up: bool, other: bool = False) -> None:
        """Announce C{tx} and C{rx} from now on.

        @param up: whether the session is Up; if not, both are in force at once.
        @param other: whether something else has changed that needs a poll.
        """
        if not up:
            self.tx = self.tx_in_force = tx
            self.rx = self.rx_in_force = rx
        elif other or (tx, rx) != (self.tx, self.rx):
            self.tx, self.rx = tx, rx
            # Quicker transmission and more patience hurt nobody: they begin at once.
            self.tx_in_force = min(self.tx_in_force, tx)
            if rx == 0 or self.rx_in_force == 0:  # asks for silence: endless patience
                self.rx_in_force = 0
            else:
                self.rx_in_force = max(self.rx_in_force, rx)
            if self._settled and not self.polling:
                self.poll()
            else:
                self.pending = True

    def poll(self) -> None:
        """Begin a Poll Sequence, unless one is in progress (section 6.5)."""
        if not self.polling:
            self.polling, self.pending = True, False

    def settle(self) -> None:
        """No answer to an earlier poll can come any more: the next one may begin.

        Section 6.8.3 demands a packet without the F bit, or a round trip time, between
        the end of one Poll Sequence and the beginning of the next.
        """
        self._settled = True
        if self.pending:
            self.poll()

    def final(self) -> bool:
        """The neighbour has answered the poll; tell whether that ended one."""
        if not self.polling:
            return False
        self.polling = self._settled = False
        if not self.pending:
            self.tx_in_force, self.rx_in_force = self.tx, self.rx
        return True

    def cancel(self) -> None:
        """The session has left Up: nobody is there to answer."""
        self.polling = self.pending = False
        self._settled = True
