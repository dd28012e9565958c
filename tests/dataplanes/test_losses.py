"""How long to wait before an address is put back."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.losses import Losses


class LossesTests(SynchronousTestCase):
    def test_ten_are_free(self) -> None:
        """Ten losses within ten seconds cost nothing, the eleventh a second."""
        losses = Losses()
        pauses = [losses.add(100 + n * 0.5) for n in range(11)]
        self.assertEqual(pauses, [0.0] * 10 + [1.0])

    def test_slow_losses_are_free(self) -> None:
        """Losses that are far enough apart never cost anything."""
        losses = Losses()
        self.assertEqual({losses.add(n * 1.1) for n in range(100)}, {0.0})

    def test_pauses_grow(self) -> None:
        """The pause doubles with each further loss, up to half a minute."""
        losses = Losses()
        now = 0.0
        for _ in range(11):
            losses.add(now)
        pauses = []
        for _ in range(6):
            now += losses.pause
            pauses.append(losses.add(now))
        self.assertEqual(pauses, [2.0, 4.0, 8.0, 16.0, 30.0, 30.0])

    def test_calm(self) -> None:
        """After it stood for ten seconds the next loss is free again."""
        losses = Losses()
        for _ in range(11):
            losses.add(0.0)
        self.assertEqual((losses.add(11.5), losses.pause), (0.0, 0.0))

    def test_clear(self) -> None:
        """A new beginning forgets everything."""
        losses = Losses()
        for _ in range(11):
            losses.add(0.0)
        losses.clear()
        self.assertEqual(losses.add(0.5), 0.0)

    def test_breath(self) -> None:
        """What is lost again at once waits for a breath, and is no fight yet."""
        losses = Losses(breath=0.02)
        self.assertEqual(
            [losses.add(now) for now in (1.0, 1.05, 2.0)], [0.0, 0.02, 0.0]
        )
        self.assertEqual(losses.pause, 0.0)
