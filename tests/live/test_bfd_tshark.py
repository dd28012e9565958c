"""Another implementation reads our BFD packets: tshark, field by field."""

from __future__ import annotations

import json
import shutil
import socket
import struct
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.authentication import Authenticator
from hanode.bfd.packet import (
    CONTROL_PORT,
    MULTIHOP_PORT,
    Control,
    Diagnostic,
    State,
    encode,
)
from hanode.config.bfd_model import AuthType, BfdAuthentication, BfdKey
from hanode.config.scalars import Secret
from hanode.vrrp.packet import internet_checksum
from tests.live.case import need

SOURCE, DESTINATION = "192.0.2.1", "192.0.2.2"
UP = Control(State.UP, 0x11223344, 0xAABBCCDD, 3, 50_000, 10_000, 5_000)
KEY = BfdKey(42, Secret("secret"))
FIRST = 0xFFFFFFFF
FLAGS = {"poll": "p", "final": "f", "independent": "c", "demand": "d"}


def frame(payload, port=CONTROL_PORT):
    """The payload in Ethernet, IPv4 with TTL 255, and UDP."""
    size = 8 + len(payload)
    ways = socket.inet_aton(SOURCE) + socket.inet_aton(DESTINATION)
    udp = struct.pack("!HHHH", 49152, port, size, 0)
    total = internet_checksum(ways + struct.pack("!HH", 17, size) + udp + payload)
    udp = udp[:6] + struct.pack("!H", total)
    ip = struct.pack("!BBHHHBBH", 0x45, 0xC0, 20 + size, 0, 0, 255, 17, 0) + ways
    ip = ip[:10] + struct.pack("!H", internet_checksum(ip)) + ip[12:]
    ethernet = bytes.fromhex("020000000002 020000000001 0800")
    return ethernet + ip + udp + payload


def write_pcap(path, frames):
    """A file of libpcap's classic format, one frame each second."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for second, each in enumerate(frames):
        parts += [struct.pack("<IIII", second, 0, len(each), len(each)), each]
    path.write_bytes(b"".join(parts))


def fields(control, length=24, authenticated=False):
    """What tshark must say of C{control}, as numbers."""
    return {
        "bfd.version": 1,
        "bfd.diag": int(control.diagnostic),
        "bfd.sta": int(control.state),
        "bfd.flags.p": int(control.poll),
        "bfd.flags.f": int(control.final),
        "bfd.flags.c": int(control.independent),
        "bfd.flags.a": int(authenticated),
        "bfd.flags.d": int(control.demand),
        "bfd.flags.m": 0,
        "bfd.detect_time_multiplier": control.multiplier,
        "bfd.message_length": length,
        "bfd.my_discriminator": control.mine,
        "bfd.your_discriminator": control.yours,
        "bfd.desired_min_tx_interval": control.min_tx,
        "bfd.required_min_rx_interval": control.min_rx,
        "bfd.required_min_echo_interval": control.min_echo_rx,
    }


def flat(tree):
    """All fields of a tree of tshark's, at whatever depth, by their names."""
    found = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            found |= flat(value)
        else:
            found[name] = value
    return found


class TsharkTests(SynchronousTestCase):
    """What we encode is written to a file; tshark tells what it finds there."""

    maxDiff = None

    def setUp(self):
        need("tshark")
        self.folder = Path(tempfile.mkdtemp(prefix="hanode-live-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def read(self, payloads, port=CONTROL_PORT):
        """The C{bfd} fields of each packet; none may be malformed or remarked upon."""
        file = self.folder / "bfd.pcap"
        write_pcap(file, [frame(payload, port) for payload in payloads])
        command = ["tshark", "-r", str(file), "-T", "json"]
        command += ["-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
        told = subprocess.run(command, capture_output=True, check=True).stdout
        packets = [each["_source"]["layers"] for each in json.loads(told)]
        self.assertEqual(len(packets), len(payloads))
        for layers in packets:
            self.assertNotIn("_ws.", json.dumps(layers))
            self.assertNotIn("bfd.auth.len.invalid", json.dumps(layers))
            self.assertEqual(layers["udp"]["udp.checksum.status"], "1")
        return [flat(layers["bfd"]) for layers in packets]

    def numbers(self, found):
        """The fields that are numbers, as numbers; bfd.flags only sums up others."""
        text = ("bfd.flags", "bfd.checksum", "bfd.auth.password")
        return {
            name: int(value, 0) for name, value in found.items() if name not in text
        }

    def test_plain_packets(self):
        """Each state, diagnostic and flag, small and large numbers: the same fields."""
        most = 0xFFFFFFFF
        controls = [
            *(replace(UP, state=state) for state in State),
            *(replace(UP, diagnostic=diagnostic) for diagnostic in Diagnostic),
            *(replace(UP, **{flag: True}) for flag in FLAGS),
            Control(State.DOWN, 1, 0, 1, 0, 0),
            Control(State.UP, most, most, 255, most, most, most),
        ]
        for port in (CONTROL_PORT, MULTIHOP_PORT):
            found = self.read([encode(control) for control in controls], port)
            told = [self.numbers(each) for each in found]
            self.assertEqual(told, [fields(control) for control in controls])

    def signed(self, kind):
        """Two packets of one type, and what tshark says of them."""
        settings = BfdAuthentication(kind, (KEY,))
        authenticator = Authenticator(settings, FIRST)
        packets = [authenticator.sign(UP), authenticator.sign(UP)]
        return packets, self.read(packets)

    def test_simple_password(self):
        """The section's type, length, key and password."""
        _, found = self.signed(AuthType.SIMPLE)
        section = {"bfd.auth.type": 1, "bfd.auth.len": 9, "bfd.auth.key": 42}
        for each in found:
            self.assertEqual(self.numbers(each), fields(UP, 33, True) | section)
            self.assertEqual(each["bfd.auth.password"], "secret")

    def test_keyed_types(self):
        """The section's type, length, key, sequence number and digest."""
        for kind in tuple(AuthType)[1:]:
            packets, found = self.signed(kind)
            meticulous = kind in (AuthType.METICULOUS_MD5, AuthType.METICULOUS_SHA1)
            following = 0 if meticulous else FIRST
            size = 24 if kind < AuthType.KEYED_SHA1 else 28
            for packet, each, sequence in zip(
                packets, found, (FIRST, following), strict=True
            ):
                section = {
                    "bfd.auth.type": int(kind),
                    "bfd.auth.len": size,
                    "bfd.auth.key": 42,
                    "bfd.auth.seq_num": sequence,
                }
                whole = fields(UP, 24 + size, True) | section
                self.assertEqual(self.numbers(each), whole)
                self.assertEqual(each["bfd.checksum"], packet[32:].hex(":"))
