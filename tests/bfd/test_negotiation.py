"""Claims about what is announced and what is in force (RFC 5880, 6.5 and 6.8.3)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.negotiation import Negotiation


class NegotiationTests(SynchronousTestCase):
    """Intervals are small numbers here; their unit does not matter."""

    def expect(
        self,
        negotiation: Negotiation,
        announced: tuple[int, int],
        in_force: tuple[int, int],
        polling: bool,
    ) -> None:
        """Compare all of it."""
        found = (negotiation.tx, negotiation.rx)
        self.assertEqual(found, announced)
        found = (negotiation.tx_in_force, negotiation.rx_in_force)
        self.assertEqual(found, in_force)
        self.assertEqual(negotiation.polling, polling)

    def test_6_8_3_not_up_is_immediate(self) -> None:
        """While not Up everything is in force at once, without a poll."""
        negotiation = Negotiation(100, 50)
        negotiation.want(200, 20, False)
        self.expect(negotiation, (200, 20), (200, 20), False)

    def test_6_8_3_not_up_brings_what_was_announced_into_force(self) -> None:
        """What waited for a final is in force when Up is left."""
        negotiation = Negotiation(100, 50)
        negotiation.want(200, 20, True)
        negotiation.cancel()
        negotiation.want(200, 20, False)
        self.expect(negotiation, (200, 20), (200, 20), False)

    def test_6_8_3_quicker(self) -> None:
        """A smaller tx is in force at once, a smaller rx only after the final."""
        negotiation = Negotiation(100, 50)
        negotiation.want(10, 5, True)
        self.expect(negotiation, (10, 5), (10, 50), True)
        self.assertTrue(negotiation.final())
        self.expect(negotiation, (10, 5), (10, 5), False)

    def test_6_8_3_slower(self) -> None:
        """A greater rx is in force at once, a greater tx only after the final."""
        negotiation = Negotiation(100, 50)
        negotiation.want(300, 400, True)
        self.expect(negotiation, (300, 400), (100, 400), True)
        self.assertTrue(negotiation.final())
        self.expect(negotiation, (300, 400), (300, 400), False)

    def test_6_8_3_silence_is_the_greatest_patience(self) -> None:
        """rx 0 is in force at once, and its end only after the final."""
        negotiation = Negotiation(100, 50)
        negotiation.want(100, 0, True)
        self.expect(negotiation, (100, 0), (100, 0), True)
        negotiation.final()
        negotiation.settle()
        negotiation.want(100, 50, True)
        self.expect(negotiation, (100, 50), (100, 0), True)
        negotiation.final()
        self.expect(negotiation, (100, 50), (100, 50), False)

    def test_no_change_no_poll(self) -> None:
        """The same wish again begins no poll sequence."""
        negotiation = Negotiation(100, 50)
        negotiation.want(100, 50, True)
        self.expect(negotiation, (100, 50), (100, 50), False)

    def test_6_6_another_change(self) -> None:
        """Something else that changes can ask for a poll sequence, too."""
        negotiation = Negotiation(100, 50)
        negotiation.want(100, 50, True, True)
        self.expect(negotiation, (100, 50), (100, 50), True)

    def test_6_5_final_without_a_poll(self) -> None:
        """F without a poll ends none."""
        self.assertFalse(Negotiation(100, 50).final())

    def test_6_8_3_change_during_a_poll(self) -> None:
        """It is announced, and needs a poll of its own, after a packet without F."""
        negotiation = Negotiation(100, 50)
        negotiation.want(300, 50, True)
        negotiation.want(600, 50, True)
        self.assertTrue(negotiation.final())
        self.expect(negotiation, (600, 50), (100, 50), False)
        self.assertFalse(negotiation.final())
        negotiation.settle()
        self.expect(negotiation, (600, 50), (100, 50), True)
        negotiation.final()
        self.expect(negotiation, (600, 50), (600, 50), False)

    def test_6_8_3_there_and_back(self) -> None:
        """A wish that returns to the polled one is confirmed only by its own poll."""
        negotiation = Negotiation(100, 50)
        negotiation.want(300, 50, True)
        negotiation.want(80, 50, True)
        negotiation.want(300, 50, True)
        negotiation.final()
        self.expect(negotiation, (300, 50), (80, 50), False)

    def test_6_8_3_change_before_it_is_settled(self) -> None:
        """Between a final and the next packet without F no poll begins."""
        negotiation = Negotiation(100, 50)
        negotiation.poll()
        negotiation.final()
        negotiation.want(300, 50, True)
        self.assertEqual((negotiation.polling, negotiation.pending), (False, True))
        negotiation.settle()
        self.assertEqual((negotiation.polling, negotiation.pending), (True, False))

    def test_6_5_one_poll_at_a_time(self) -> None:
        """A poll during a poll is the same one."""
        negotiation = Negotiation(100, 50)
        negotiation.poll()
        negotiation.poll()
        negotiation.final()
        negotiation.settle()
        self.expect(negotiation, (100, 50), (100, 50), False)

    def test_cancel(self) -> None:
        """Leaving Up ends the poll and those that were to follow."""
        negotiation = Negotiation(100, 50)
        negotiation.want(300, 50, True)
        negotiation.want(600, 50, True)
        negotiation.cancel()
        negotiation.settle()
        self.assertEqual((negotiation.polling, negotiation.pending), (False, False))
