"""When a change of an interface counts, and who is asked for its carrier."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.build import build
from hanode.config.link_model import ETHTOOL, IOCTL, MII, Debounce, LinkDefs
from tests.config.reading import BASIC, messages, said, tree


def read(text: str, lines: str = "") -> tuple[LinkDefs, list[str]]:
    """What C{text} says beside an instance on eth0 with C{lines}."""
    text += f"\nvrrp_instance VI_1 {{\n{BASIC}\n{lines}\n}}\n"
    model, problems = build(tree(text))
    return model.links, messages(problems)


class DelayTests(SynchronousTestCase):
    """interface_up_down_delays."""

    def test_delays(self) -> None:
        """Seconds down, perhaps seconds up, on each line; nothing else."""
        self.assertEqual(
            read("interface_up_down_delays {\neth1 0.5\neth2 1.25 3\neth3 1 2 3\n}"),
            (
                LinkDefs(
                    {
                        "eth1": Debounce(0.5),
                        "eth2": Debounce(1.25, 3.0),
                        "eth3": Debounce(1.0, 2.0),
                    }
                ),
                [
                    "warning: Unknown configuration entry '3' for "
                    "interface_up_down_delays - ignoring"
                ],
            ),
        )

    def test_mistakes(self) -> None:
        """A number that is none is 0, a line without one is an error."""
        model, problems = build(tree("interface_up_down_delays {\neth1\neth2 x 256\n}"))
        self.assertEqual(
            (model.links, said(problems)),
            (
                LinkDefs({"eth2": Debounce()}),
                [
                    "2 error: *** Configuration line starting `eth1` is missing a "
                    "parameter after keyword `eth1` at word position 2 (write the "
                    "seconds that it has to be down)",
                    "3 warning: invalid number 'x' for delay (ignored; the default is "
                    "0)",
                    "3 warning: number '256' outside range [0, 255]: delay '256' is "
                    "invalid (ignored; the default is 0)",
                ],
            ),
        )

    def test_too_long(self) -> None:
        """Longer than a backup waits after one lost advertisement is reset."""
        said = (
            "warning: (VI_1) debounce timer(s) of eth0 not less than "
            "(down_timer_adverts - 1) * advert_int ({}s) - resetting"
        )
        self.assertEqual(
            [
                read("interface_up_down_delays {\neth0 1.9 1.9\neth1 9\n}"),
                read("interface_up_down_delays {\neth0 2 1.9\n}"),
                read(
                    "interface_up_down_delays {\neth0 0.1 0.4\n}",
                    "version 3\nadvert_int 0.1\ndown_timer_adverts 5",
                ),
            ],
            [
                (LinkDefs({"eth0": Debounce(1.9, 1.9), "eth1": Debounce(9.0)}), []),
                (LinkDefs({"eth0": Debounce(0.0, 1.9)}), [said.format(2)]),
                (LinkDefs({"eth0": Debounce(0.1, 0.0)}), [said.format(0.4)]),
            ],
        )


class PolledTests(SynchronousTestCase):
    """linkbeat_interfaces and linkbeat_use_polling."""

    def test_interfaces(self) -> None:
        """Each line names an interface, perhaps how it is asked."""
        found, problems = read(
            "linkbeat_interfaces {\na\nb MII\nc ETHTOOL\nd IOCTL\ne MMI\nf MII x\n}"
        )
        self.assertEqual(
            (found.polled, problems),
            (
                {"a": "", "b": MII, "c": ETHTOOL, "d": IOCTL, "e": "", "f": MII},
                [
                    "warning: unknown linkbeat type 'MMI' - ignoring",
                    "warning: Unknown configuration entry 'x' for linkbeat_interfaces "
                    "- ignoring",
                ],
            ),
        )

    def test_everything(self) -> None:
        """linkbeat_use_polling: what instances are on, and what they track."""
        track = "track_interface {\neth1\n}\ntrack_file {\nload\n}"
        text = "linkbeat_use_polling\ntrack_file load {\nfile /a\n}\n"
        text += "linkbeat_interfaces {\neth1 MII\n}"
        self.assertEqual(
            read(text, track), (LinkDefs({}, {"eth0": "", "eth1": MII}), [])
        )

    def test_instance(self) -> None:
        """In an instance it means its own interface, and should stand elsewhere."""
        self.assertEqual(
            read("", "linkbeat_use_polling"),
            (
                LinkDefs({}, {"eth0": ""}),
                [
                    "warning: (VI_1) 'linkbeat_use_polling' in a vrrp_instance is "
                    "deprecated"
                ],
            ),
        )
