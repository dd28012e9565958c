"""What is said and heard again and again, which is what a voice does most."""

from __future__ import annotations

from dataclasses import replace

from hanode.config.model import MULTICAST_4, Address, VrrpInstance
from hanode.vrrp.packet import Advert, Checksum, encode
from tests.vrrp.test_voice import ADVERT, HMAC, OURS, PEER, SETTINGS, VIP, VoiceTestCase

SAME = encode(ADVERT, PEER, MULTICAST_4)
OTHER = replace(ADVERT, addresses=(PEER,))


class SaidAgainTests(VoiceTestCase):
    """One instance that is master for a while."""

    def say(self, priority: int) -> bytes:
        """Advertise; what was sent."""
        self.voice.advertise(priority)
        ((data, _),) = self.sent()
        return data

    def expected(self, priority: int, settings: VrrpInstance = SETTINGS) -> bytes:
        """What an advertisement of these settings looks like."""
        addresses = tuple(each.address for each in settings.addresses)
        advert = Advert(3, 51, priority, settings.advert_int, addresses)
        kind = Checksum.PLAIN if settings.checksum_as_v2 else Checksum.PSEUDO
        return encode(advert, OURS, MULTICAST_4, kind)

    def test_same(self) -> None:
        """Every beat says what is so: a priority that changed, and changed back."""
        self.speak()
        for priority in (100, 100, 90, 90, 100, 0):
            self.assertEqual(self.say(priority), self.expected(priority))
        self.assertEqual(self.voice.counters["sent"], 6)

    def test_settings(self) -> None:
        """New settings are in the next one."""
        self.speak()
        self.say(100)
        for changes in (
            {"advert_int": 2.0},
            {"addresses": (Address(PEER, 24, "eth0"),)},
            {"checksum_as_v2": True},
        ):
            settings = replace(SETTINGS, **changes)
            self.reconfigure(settings)
            self.assertEqual(self.say(100), self.expected(100, settings))

    def reconfigure(self, settings: VrrpInstance) -> None:
        """As the service does it."""
        self.voice.reconfigure(settings)
        self.voice._machine.settings = settings


class HeardAgainTests(VoiceTestCase):
    """One instance that follows a master."""

    def counted(self, what: str) -> int:
        """How often that has happened."""
        return self.voice.counters[what]

    def test_same(self) -> None:
        """Each of them is counted, and handed on."""
        self.speak()
        for _ in range(5):
            self.receive(SAME)
        self.assertEqual(self.heard, [(ADVERT, PEER)] * 5)
        self.assertEqual((self.counted("received"), self.lines), (5, []))

    def test_otherSource(self) -> None:
        """The same bytes from elsewhere are another arrival."""
        self.speak()
        for source in (PEER, VIP, PEER):
            self.receive(encode(ADVERT, source, MULTICAST_4), source)
        self.assertEqual([source for _, source in self.heard], [PEER, VIP, PEER])

    def test_settings(self) -> None:
        """What was good under the old settings is looked at again under the new."""
        self.speak()
        self.receive(SAME)
        self.receive(SAME)
        self.voice._machine.settings = replace(SETTINGS, version=2)
        self.receive(SAME)
        self.assertEqual(self.counted("dropped: version"), 1)
        self.assertEqual(self.counted("received"), 2)

    def test_odd(self) -> None:
        """What gives cause for a remark gives it every time."""
        self.speak()
        for _ in range(3):
            self.receive(encode(OTHER, PEER, MULTICAST_4))
        self.assertEqual(self.counted("address list differs"), 3)
        self.assertEqual(len(self.lines), 1)
        self.voice.forgive()
        self.receive(encode(OTHER, PEER, MULTICAST_4))
        self.assertEqual(len(self.lines), 2)

    def test_onlyOnce(self) -> None:
        """What has to be proved is not believed again for being the same."""
        self.speak(replace(SETTINGS, auth_hmac=HMAC))
        for _ in range(3):
            self.receive(SAME)
        self.assertEqual((self.heard, self.counted("received")), ([], 0))

    def test_goodbye(self) -> None:
        """Each goodbye is counted as one."""
        self.speak()
        for _ in range(2):
            self.receive(encode(replace(ADVERT, priority=0), PEER, MULTICAST_4))
        self.assertEqual(self.counted("priority zero received"), 2)
