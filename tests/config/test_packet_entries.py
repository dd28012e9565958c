"""Words about checksums and receive buffers."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.config.reading import good, instance


class ChecksumTests(SynchronousTestCase):
    """old_unicast_checksum [never]."""

    def test_values(self) -> None:
        """Alone it is on, never is never, and without it the peer decides."""
        words = ("", "old_unicast_checksum", "old_unicast_checksum never")
        found = [good(each).old_checksum for each in words]
        self.assertEqual(found, [None, True, False])

    def test_mistake(self) -> None:
        """Another word is none."""
        found, said = instance("old_unicast_checksum always")
        assert found is not None
        self.assertEqual(found.old_checksum, None)
        text = "warning: (VI_1) Unknown old_unicast_checksum 'always'"
        self.assertEqual(said, [text])


class BufferTests(SynchronousTestCase):
    """vrrp_rx_bufs_policy, vrrp_rx_bufs_multiplier and kernel_rx_buf_size."""

    def size(self, global_defs: str, lines: str = "") -> int:
        """What the instance asks for; nothing is said."""
        found, said = instance(lines, global_defs)
        assert found is not None
        self.assertEqual(said, [])
        return found.receive_buffer

    def test_policy(self) -> None:
        """So many frames, so many advertisements, or so many bytes."""
        wanted = {
            "": 0,
            "vrrp_rx_bufs_policy MTU": 4500,
            "vrrp_rx_bufs_policy mtu\nvrrp_rx_bufs_multiplier 10": 15000,
            "vrrp_rx_bufs_policy ADVERT": 180,
            "vrrp_rx_bufs_policy 3000000": 3000000,
            "vrrp_rx_bufs_policy MTU\nvrrp_rx_bufs_multiplier 4000000000": 2147483647,
        }
        self.assertEqual({text: self.size(text) for text in wanted}, wanted)

    def test_own(self) -> None:
        """What the instance says itself counts."""
        size = self.size("vrrp_rx_bufs_policy MTU", "kernel_rx_buf_size 99")
        self.assertEqual(size, 99)

    def test_mistakes(self) -> None:
        """What is no policy leaves the buffer alone."""
        for text in ("vrrp_rx_bufs_policy LOTS", "vrrp_rx_bufs_policy"):
            found, said = instance("", text)
            assert found is not None
            self.assertEqual((found.receive_buffer, len(said)), (0, 1))
