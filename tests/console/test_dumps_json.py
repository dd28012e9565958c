"""keepalived.json, held against one that keepalived 2.2.7 wrote."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from hanode.console import dumps_json
from tests.console.dumped import KEEPALIVED, TRACKED, all_seen, model

#: what hanode says otherwise: another default, resolved links, how ip(8) writes it
OTHERWISE = {"higher_prio_send_advert", "vroutes", "vrules", "auth_data"}
SCRIPTS = {"script", "script_backup", "script_master", "script_fault", "script_stop"}


def written(version=1, instances=None, trackers=TRACKED):
    """The whole file, read again."""
    found = all_seen(model()) if instances is None else instances
    return json.loads("".join(dumps_json.pieces(version, found, trackers)))


class JsonTests(SynchronousTestCase):
    def test_values(self):
        """Each field of each instance has keepalived's value."""
        for theirs, ours in zip(KEEPALIVED, written(), strict=True):
            for field, value in theirs["data"].items():
                if field in SCRIPTS:  # keepalived follows the link /bin -> /usr/bin
                    value = value.replace("/usr/bin", "/bin")
                if field not in OTHERWISE:
                    what = f"{theirs['data']['iname']}: {field}"
                    self.assertEqual(ours["data"][field], value, what)
            self.assertEqual(ours["stats"], theirs["stats"])

    def test_order(self):
        """The fields stand in keepalived's order, and no new one is among them."""
        for theirs, ours in zip(KEEPALIVED, written(), strict=True):
            fields = [each for each in ours["data"] if each != "track_process"]
            self.assertEqual(fields, list(theirs["data"]))
            self.assertEqual(list(ours["stats"]), list(theirs["stats"]))

    def test_secret(self):
        """The password is told nowhere."""
        text = "".join(dumps_json.pieces(1, all_seen(model()), TRACKED))
        self.assertNotIn("secret12", text)
        self.assertEqual(json.loads(text)[1]["data"]["auth_data"], "***")

    def test_version2(self):
        """Version 2 is an object: the same list, and what processes are tracked."""
        found = written(2)
        self.assertEqual(list(found), ["vrrp", "track_process"])
        self.assertEqual(found["vrrp"], written())
        self.assertEqual(
            found["track_process"],
            [
                {
                    "process": "tp",
                    "program": "nosuchproc",
                    "param_match": "none",
                    "min_processes": 1,
                    "current_processes": 0,
                    "have_quorum": False,
                    "weight": -5,
                    "terminate_delay": 0,
                    "fork_delay": 0,
                }
            ],
        )

    def test_nothing(self):
        """Without an instance there is an empty list."""
        self.assertEqual(written(1, []), [])
        self.assertEqual(written(2, [], {}), {"vrrp": []})

    def test_following(self):
        """A backup tells the priority of its master; one without a master tells 0."""
        first = all_seen(model())[0]
        first.described.update(state="BACKUP", master_priority=200, master="192.0.2.2")
        self.assertEqual(written(1, [first])[0]["data"]["master_priority"], 200)
        first.described.update(master=None)
        self.assertEqual(written(1, [first])[0]["data"]["master_priority"], 0)
