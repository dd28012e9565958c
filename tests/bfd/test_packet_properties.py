"""What holds for every control packet and for any bytes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.packet import BadPacket, Control, State, decode, encode

WORD = st.integers(0, 0xFFFFFFFF)


@st.composite
def controls(draw: st.DrawFn) -> Control:
    """Any control packet that may be sent."""
    state = draw(st.sampled_from(State))
    return Control(
        state,
        draw(st.integers(1, 0xFFFFFFFF)),
        draw(st.integers(1 if state > State.DOWN else 0, 0xFFFFFFFF)),
        draw(st.integers(1, 255)),
        draw(WORD),
        draw(WORD),
        draw(WORD),
        draw(st.integers(0, 31)),
        *draw(st.sampled_from(((False, False), (True, False), (False, True)))),
        independent=draw(st.booleans()),
        demand=draw(st.booleans()),
    )


def sections() -> st.SearchStrategy[bytes]:
    """No section, or one of any type that fits."""
    whole = st.tuples(st.integers(0, 255), st.binary(max_size=229)).map(
        lambda parts: bytes([parts[0], 2 + len(parts[1])]) + parts[1]
    )
    return st.just(b"") | whole


class PropertyTests(SynchronousTestCase):
    """Over generated packets and bytes."""

    @settings(max_examples=500, deadline=None)
    @given(controls(), sections(), st.binary(max_size=40))
    def test_round_trip(self, control: Control, section: bytes, tail: bytes) -> None:
        """What was encoded is decoded, whatever follows it in the payload."""
        data = encode(control, section)
        self.assertEqual(data[3], len(data))
        self.assertEqual(decode(data + tail), (control, section))

    @settings(max_examples=500, deadline=None)
    @given(controls(), sections(), st.data())
    def test_cut_anywhere(
        self, control: Control, section: bytes, data: st.DataObject
    ) -> None:
        """A packet that was cut off anywhere is refused."""
        whole = encode(control, section)
        end = data.draw(st.integers(0, len(whole) - 1))
        self.assertRaises(BadPacket, decode, whole[:end])

    @settings(max_examples=2000, deadline=None)
    @given(st.binary(max_size=300))
    def test_any_bytes(self, data: bytes) -> None:
        """Any bytes give a packet or BadPacket."""
        self.decoded(data)

    @settings(max_examples=2000, deadline=None)
    @given(st.integers(0, 255), st.integers(24, 60), st.binary(max_size=60))
    def test_any_bytes_of_version_1(self, flags: int, length: int, rest: bytes) -> None:
        """The same when the first bytes let the decoder look further."""
        self.decoded(bytes([0x20, flags, 3, length]) + rest)

    def decoded(self, data: bytes) -> None:
        """Decode, and hold what comes out against the bytes."""
        try:
            control, section = decode(data)
        except BadPacket as problem:
            self.assertIn(problem.reason, str(problem))
            return
        self.assertEqual(control.mine.to_bytes(4), data[4:8])
        self.assertEqual(control.yours.to_bytes(4), data[8:12])
        self.assertEqual(section, data[24 : 24 + len(section)])
