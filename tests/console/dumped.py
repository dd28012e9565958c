"""What a real keepalived wrote, and the same node as hanode sees it."""

from __future__ import annotations

import json
from pathlib import Path

from hanode import trackers
from hanode.config.build import build
from hanode.console.dumps_counts import counts
from hanode.console.dumps_words import STATES, Seen
from hanode.interfaces import ITracker
from hanode.plugins import find
from tests.config.reading import tree

FOLDER = Path(__file__).parent.parent / "data" / "dumps"
KEEPALIVED = json.loads((FOLDER / "keepalived.json").read_text())
TRACKED = {
    "script": {
        "chk": {
            "command": ["/usr/bin/true"],
            "interval": 1.0,
            "timeout": 1.0,
            "rise": 2,
            "fall": 3,
            "up": True,
            "running": True,
            "weight": 10,
        },
        "bad": {
            "command": ["/usr/bin/false"],
            "interval": 1.0,
            "timeout": 1.0,
            "rise": 1,
            "fall": 1,
            "up": False,
            "running": True,
            "weight": 0,
        },
    },
    "file": {"tf": {"value": 5, "weight": 1}},
    "process": {
        "tp": {
            "words": ["nosuchproc"],
            "match": "",
            "least": 1,
            "most": None,
            "count": 0,
            "up": False,
            "fork_delay": 0.0,
            "terminate_delay": 0.0,
            "weight": -5,
        }
    },
    "bfd": {"b1": {"up": False, "weight": 0}},
}


def model():
    """The configuration that keepalived had, read by hanode."""
    text = (FOLDER / "node.conf").read_text()
    words = {each.keyword: each.words for each in find(ITracker, trackers).values()}
    return build(tree(text), trackers=words)[0]


def seen(settings, data, counters=None):
    """An instance in the state that keepalived's C{data} tell of."""
    state = STATES[data["state"]]
    described = {
        "name": settings.name,
        "state": state,
        "faults": [],
        "priority": data["effective_priority"],
        "source": "fe80::1" if settings.family == 6 else "192.0.2.1",
        "master": None,
        "master_priority": 0,
        "master_advert_int": data["master_adver_int"],
        "master_down": 3.6,
        "missing": [],
    }
    return Seen(settings, described, data["last_transition"], counts(counters or {}))


def all_seen(found):
    """All instances, as keepalived had them."""
    return [
        seen(
            settings,
            record["data"],
            {
                "advertisements": record["stats"]["advert_sent"],
                "entered MASTER": record["stats"]["become_master"],
            },
        )
        for settings, record in zip(found.instances.values(), KEEPALIVED, strict=True)
    ]
