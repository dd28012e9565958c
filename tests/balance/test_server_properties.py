"""Whatever happens to a virtual server, some things always hold."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.balance.real import Real
from hanode.balance.server import Actions, Virtual
from hanode.events import ServerEvent
from hanode.result import Result
from tests.balance.servers import health, real, real_name, virtual

NUMBERS = range(1, 5)
RESULTS = st.builds(
    Result,
    st.booleans(),
    st.just("found"),
    weight=st.none() | st.integers(0, 3),
    change=st.none() | st.integers(-3, 3),
)
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("check"), st.sampled_from(NUMBERS), RESULTS),
        st.tuples(st.just("wish"), st.sampled_from(NUMBERS), st.booleans()),
        st.tuples(st.just("count"), st.sampled_from(NUMBERS), st.integers(0, 1)),
        st.tuples(
            st.just("reload"),
            st.sets(st.sampled_from(NUMBERS), min_size=1),
            st.tuples(st.integers(1, 6), st.integers(0, 2)),
        ),
    ),
    max_size=30,
)
SETTINGS = st.fixed_dictionaries(
    {"sorry": st.none() | st.just(real(9)), "sorry_inhibit": st.booleans()}
)


class Properties(SynchronousTestCase):
    def perform(self, deed: object) -> Actions:
        """Let something happen at C{self.now}."""
        match deed:
            case ("check", number, result):
                self.healths[number].record(result, now=self.now)
                if number in self.reals:
                    return self.virtual.judge(self.reals[number], now=self.now)
            case ("wish", number, drained):
                if number in self.reals:
                    one = self.reals[number]
                    return self.virtual.wish(one, drained, now=self.now)
            case ("count", number, count):
                counted = {self.settings[number].address: count}
                keys = {(each, 80): n for each, n in counted.items()}
                return self.virtual.counted(keys, now=self.now)
            case ("reload", numbers, (quorum, hysteresis)):
                self.reals = {
                    each: self.reals.get(each) or self.make(each)
                    for each in sorted(numbers)
                }
                wanted = virtual(
                    *(self.settings[each] for each in self.reals),
                    quorum=quorum,
                    hysteresis=min(hysteresis, quorum - 1),
                    **self.more,
                )
                reals = self.reals.values()
                return self.virtual.reconfigure(wanted, reals, now=self.now)
        return []

    def make(self, number: int) -> Real:
        server = self.settings[number]
        name = real_name(virtual(), server)
        return Real(server, name, [self.healths[number]], self.now)

    @settings(max_examples=60, deadline=None)
    @given(DEEDS, SETTINGS, st.booleans())
    def test_always(self, deeds: list[object], more: dict, up: bool) -> None:
        """Sums are right, nobody is there twice, and changes are told in turn."""
        self.now, self.more = 0.0, more
        self.healths = {each: health(up=up, retry=1) for each in NUMBERS}
        self.settings = {
            each: real(each, inhibit=each == 1, drain=5.0 * (each == 2))
            for each in NUMBERS
        }
        self.reals = {each: self.make(each) for each in NUMBERS}
        self.virtual = Virtual(virtual(*self.settings.values(), **more))
        told: dict[str, str] = {}
        actions = self.virtual.start(self.reals.values(), False, now=0.0)
        for number, deed in enumerate(deeds, 1):
            self.hear(actions, told)
            self.see()
            self.now = float(number)
            actions = self.perform(deed)
        self.hear(actions, told)
        self.see()

    def hear(self, actions: Actions, told: dict[str, str]) -> None:
        """Nobody is told the same about one server twice in a row."""
        for each in actions:
            if isinstance(each, ServerEvent):
                self.assertNotEqual(told.get(each.name), each.state)
                told[each.name] = each.state
        # Who comes back later is a new one.
        here = {f"{each.name}/{self.virtual.name}" for each in self.reals.values()}
        for name in told.keys() - here - {self.virtual.name}:
            del told[name]

    def see(self) -> None:
        one = self.virtual
        self.assertEqual(one.weight, sum(each.counts for each in one.reals.values()))
        keys = [(each.address, each.port) for each, _ in one.destinations()]
        self.assertEqual(len(keys), len(set(keys)))
        self.assertTrue(one.weight > 0 or not one.quorum.up)
        for each in one.reals.values():
            self.assertEqual(each.up, each.healthy)
        sorry = one.settings.sorry
        serving = {each.address for each, weight in one.destinations() if weight}
        if sorry is not None and not one.quorum.up:
            self.assertEqual(serving, {sorry.address})
        else:
            wanted = {
                each.settings.address for each in one.reals.values() if each.counts
            }
            self.assertEqual(serving, wanted)
