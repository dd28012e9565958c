"""The shapes of the answers of the http service, in JSON Schema (2020-12).

Every member that is named here is always there, unless it is said to be optional. There
may be more members some day: who reads an answer overlooks what it does not know.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
SECONDS: Schema = {"type": "number", "description": "seconds"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
ANYTHING: Schema = {}


def listed(items: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": items}


def counts(description: str) -> Schema:
    """How often, by what."""
    return {
        "type": "object",
        "description": description,
        "additionalProperties": COUNT,
    }


def maybe(schema: Schema) -> Schema:
    """This, or null."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def said(schema: Schema, description: str) -> Schema:
    """The same, with a word about it."""
    return {**schema, "description": description}


def one_of(*words: str) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(words)}


def record(**members: Schema) -> Schema:
    """An object; a member whose name ends in C{_opt} may be missing."""
    names = {name.removesuffix("_opt"): each for name, each in members.items()}
    wanted = [name for name in members if not name.endswith("_opt")]
    found: Schema = {"type": "object", "properties": names}
    return {**found, "required": wanted} if wanted else found


def ref(name: str) -> Schema:
    """The schema of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


VRRP_STATE = one_of("INIT", "BACKUP", "MASTER", "FAULT", "STOP")
BFD_STATE = one_of("ADMIN_DOWN", "DOWN", "INIT", "UP")
UP_OR_DOWN = one_of("UP", "DOWN")
SINCE = said(SECONDS, "seconds since then")

_TRACKED = record(
    kind=TEXT,
    name=TEXT,
    weight={"type": "integer"},
    reverse=FLAG,
    points=said({"type": "integer"}, "what it adds to the priority now"),
    fault=said(TEXT, 'why the instance is in FAULT because of it, or ""'),
    state=TEXT,
)
_PEER = record(address=TEXT, priority=maybe(said(COUNT, "the last that was heard")))
_INSTANCE = record(
    name=TEXT,
    vrid={"type": "integer", "minimum": 1, "maximum": 255},
    interface=TEXT,
    device=said(TEXT, "the link that speaks, a virtual one or the interface itself"),
    version={"type": "integer", "enum": [2, 3]},
    state=VRRP_STATE,
    since=maybe(SINCE),
    reason=maybe(said(TEXT, "why it is in this state")),
    releasing=FLAG,
    retirement=one_of("", "waiting", "resigned", "nobody takes over", "done"),
    priority=said(COUNT, "effective, 0 to 255"),
    base_priority=COUNT,
    faults=listed(TEXT),
    tracked=listed(ref("Tracked")),
    source=maybe(TEXT),
    master=maybe(TEXT),
    master_priority=maybe(COUNT),
    master_advert_int=maybe(SECONDS),
    peers=said(listed(ref("Peer")), "who was heard, or is named"),
    authentication=maybe(TEXT),
    advert_int=SECONDS,
    master_down=maybe(SECONDS),
    preempt=FLAG,
    addresses=listed(TEXT),
    routes=listed(TEXT),
    rules=listed(TEXT),
    missing=said(listed(TEXT), "what should be in the kernel and is not"),
    conflicts={"type": "object", "additionalProperties": TEXT},
    counters=counts("packets and transitions"),
)
_GROUP = record(
    name=TEXT,
    state=VRRP_STATE,
    members=listed(TEXT),
    since=maybe(SINCE),
    reason=maybe(TEXT),
)
_SESSION = record(
    name=TEXT,
    neighbour=TEXT,
    source=maybe(TEXT),
    device=TEXT,
    multihop=FLAG,
    state=BFD_STATE,
    remote_state=BFD_STATE,
    since=SINCE,
    local_discriminator=COUNT,
    remote_discriminator=COUNT,
    diagnostic=TEXT,
    remote_diagnostic=TEXT,
    last_reason=TEXT,
    multiplier=COUNT,
    remote_multiplier=maybe(COUNT),
    tx_interval=maybe(SECONDS),
    rx_interval=maybe(SECONDS),
    detection_time=maybe(SECONDS),
    wanted_min_tx=SECONDS,
    wanted_min_rx=SECONDS,
    echo=maybe(record(tx_interval=SECONDS, sent=COUNT, returned=COUNT, lost=COUNT)),
    demand=FLAG,
    authentication=maybe(TEXT),
    role=TEXT,
    sent=COUNT,
    received=COUNT,
    dropped=counts("packets that were refused, by reason"),
    flaps=COUNT,
    send_errors=COUNT,
    lateness=record(latest=maybe(SECONDS), worst=maybe(SECONDS), p999=maybe(SECONDS)),
    wanted_by=listed(TEXT),
)
_LATENESS = record(
    p999=maybe(SECONDS),
    worst=maybe(SECONDS),
    buckets=counts("packets by a limit in seconds that they do not reach"),
)
_USAGE = record(
    connections=COUNT,
    packets_in=COUNT,
    packets_out=COUNT,
    bytes_in=COUNT,
    bytes_out=COUNT,
    connection_rate=COUNT,
    byte_rate_in=COUNT,
    byte_rate_out=COUNT,
    active=COUNT,
    inactive=COUNT,
)
_RESULT = record(ok=FLAG, reason=TEXT, detail=TEXT, seconds=SECONDS, ago=SECONDS)
_CHECK = record(
    check=said(TEXT, "its keyword"),
    address=TEXT,
    port=COUNT,
    state=UP_OR_DOWN,
    since=SINCE,
    tried=FLAG,
    failures=COUNT,
    probes=COUNT,
    users=COUNT,
    running=FLAG,
    result=maybe(_RESULT),
)
_REAL = record(
    name=TEXT,
    address=TEXT,
    port=COUNT,
    state=UP_OR_DOWN,
    since=SINCE,
    reason=TEXT,
    weight={"type": "integer"},
    configured_weight={"type": "integer"},
    weight_in_use=maybe({"type": "integer"}),
    method=TEXT,
    drain=TEXT,
    leaving=FLAG,
    checks=listed(ref("Check")),
    usage=maybe(ref("Usage")),
)
_VIRTUAL = record(
    name=TEXT,
    group=maybe(TEXT),
    protocol=TEXT,
    services=listed(TEXT),
    scheduler=TEXT,
    persistence={"type": ["integer", "null"], "minimum": 0},
    state=UP_OR_DOWN,
    since=SINCE,
    reason=TEXT,
    quorum=COUNT,
    hysteresis=COUNT,
    weight={"type": "integer"},
    alive=COUNT,
    suspended=FLAG,
    balanced=one_of("yes", "refused", "partly refused", "off"),
    refused={"type": "object", "additionalProperties": TEXT},
    sorry_server=maybe(record(name=TEXT, active=FLAG)),
    real_servers=listed(ref("RealServer")),
    usage=maybe(ref("Usage")),
)
_DISTRIBUTION = record(
    count=COUNT,
    sum=SECONDS,
    worst=SECONDS,
    buckets=said(
        listed({"type": "array", "items": {"type": ["number", "null"]}}),
        "pairs: an upper bound in seconds (null: none), and how many up to it",
    ),
)
_REACTOR = record(
    lag_opt=ref("Distribution"),
    stalls_opt=COUNT,
    longest_opt=SECONDS,
    held_by_opt=TEXT,
    garbage_collections_opt=ref("Distribution"),
)
_EVENT = record(
    id=COUNT,
    time=said(NUMBER, "seconds since 1970"),
    fact=TEXT,
    value=ANYTHING,
    why=TEXT,
)
_FACT = record(name=TEXT, value=ANYTHING, since=SINCE, changes=COUNT, why=TEXT)
_STATIC = record(
    addresses=listed(TEXT),
    routes=listed(TEXT),
    rules=listed(TEXT),
    lacking=listed(TEXT),
)
_STATUS = record(
    host=TEXT,
    pid=COUNT,
    uptime=SECONDS,
    instances=listed(ref("Instance")),
    groups=listed(ref("Group")),
    bfd=counts("sessions by state"),
    virtual_servers=record(
        count=COUNT, down=said(listed(TEXT), "some without their quorum")
    ),
    static=ref("Static"),
    reactor=ref("Reactor"),
    events=listed(ref("Event")),
)
_OUTCOME = record(
    refused=FLAG,
    problems=listed(TEXT),
    difference=TEXT,
    changes=FLAG,
)

#: by the names that C{ref} takes
SCHEMAS: dict[str, Schema] = {
    "Tracked": _TRACKED,
    "Peer": _PEER,
    "Instance": _INSTANCE,
    "Group": _GROUP,
    "Session": _SESSION,
    "Lateness": _LATENESS,
    "Usage": _USAGE,
    "Check": _CHECK,
    "RealServer": _REAL,
    "VirtualServer": _VIRTUAL,
    "Distribution": _DISTRIBUTION,
    "Reactor": _REACTOR,
    "Event": _EVENT,
    "Fact": _FACT,
    "Static": _STATIC,
    "Status": _STATUS,
    "Outcome": _OUTCOME,
    "Error": record(
        error=TEXT,
        known_opt=said(listed(TEXT), "the names that there are"),
        waiting_opt=said(listed(TEXT), "what is not ready yet"),
        allow_opt=said(listed(TEXT), "the methods that are possible"),
    ),
}
