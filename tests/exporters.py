"""keepalived's files as exporters read them.

Those that are in use are written in Go; they go by the beginnings of lines and by
names of fields, and fail on what is no number. This does it their way.
"""

from __future__ import annotations

import json

STATES = ("INIT", "BACKUP", "MASTER", "FAULT")
SCRIPT_STATES = ("idle", "running", "requested termination", "forcing termination")
WANTED = {
    "Wantstate": "wantstate",
    "Interface": "interface",
    "Gratuitous ARP delay": "garp_delay",
    "Virtual Router ID": "vrid",
    "Last transition": "last_transition",
}
COUNTS = {
    ("Advertisements", "Received"): "advert_rcvd",
    ("Advertisements", "Sent"): "advert_sent",
    ("", "Became master"): "become_master",
    ("", "Released master"): "release_master",
    ("Packet Errors", "Length"): "packet_len_err",
    ("Packet Errors", "TTL"): "ip_ttl_err",
    ("Packet Errors", "Invalid Type"): "invalid_type_rcvd",
    ("Packet Errors", "Advertisement Interval"): "advert_interval_err",
    ("Packet Errors", "Address List"): "addr_list_err",
    ("Authentication Errors", "Invalid Type"): "invalid_authtype",
    ("Authentication Errors", "Type Mismatch"): "authtype_mismatch",
    ("Authentication Errors", "Failure"): "auth_failure",
    ("Priority Zero", "Received"): "pri_zero_rcvd",
    ("Priority Zero", "Sent"): "pri_zero_sent",
}


def read_data(text):
    """The instances of keepalived.data: name -> what exporters take of it.

    Raises L{ValueError} where they would fail.
    """
    found, current, key = {}, None, ""
    for line in text.splitlines():
        if line.startswith(" VRRP Instance") and "=" in line:
            current = found.setdefault(line.partition("=")[2].strip(), {"vips": []})
        elif line.startswith("     ") and current is not None:
            if key.startswith("Virtual IP ("):
                address, _, device = line.split()[:3]
                current["vips"].append((address, device))
        elif line.startswith("   ") and current is not None:
            mark = "=" if "=" in line else ":"
            key, _, value = (part.strip() for part in line.partition(mark))
            _take(current, key, value)
        elif not line.startswith((" VRRP Version", " VRRP Script")):
            current = None
    return found


def _take(current, key, value):
    if key in ("State", "Wantstate"):
        current[key.lower()] = STATES.index(value)
    elif key in ("Gratuitous ARP delay", "Virtual Router ID"):
        current[WANTED[key]] = int(value)
    elif key == "Last transition":
        current["last_transition"] = float(value.split()[0])
    elif key in WANTED:
        current[WANTED[key]] = value


def read_scripts(text):
    """The scripts of keepalived.data: name -> (whether good, state as a number)."""
    found, current = {}, None
    for line in text.splitlines():
        if line.startswith(" VRRP Script") and "=" in line:
            current = found.setdefault(line.partition("=")[2].strip(), {})
        elif line.startswith("   ") and current is not None:
            key, _, value = (part.strip() for part in line.partition("="))
            if key in ("Status", "State"):
                current[key] = value
        elif not line.startswith("    "):
            current = None
    return {
        name: (("BAD", "GOOD").index(e["Status"]), SCRIPT_STATES.index(e["State"]))
        for name, e in found.items()
    }


def read_stats(text):
    """The counts of keepalived.stats: name -> counts by their names in JSON."""
    found, current, section = {}, None, ""
    for line in text.splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        if line.startswith("VRRP Instance"):
            current = found.setdefault(value, {})
        elif line.endswith(":"):
            section = key
        else:
            section = section if line.startswith("    ") else ""
            current[COUNTS[section, key]] = int(value)
    return found


def read_json(text):
    """The instances of keepalived.json, version 1 or 2: name -> data and counts."""
    found = json.loads(text)
    instances = found["vrrp"] if isinstance(found, dict) else found
    return {each["data"]["iname"]: (each["data"], each["stats"]) for each in instances}
