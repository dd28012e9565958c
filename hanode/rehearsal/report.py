"""What a lab has shown: as a table, as JSON, as lanes of a picture."""

from __future__ import annotations

from typing import Any

from hanode.rehearsal.picture import Lane, Span
from hanode.rehearsal.stage import Stage
from hanode.rehearsal.story import Scene, Story

LAST_LINES = 8


def summary(stage: Stage, story: Story, moved: bool) -> str:
    """The table of outages; when something failed, what, and what the nodes said."""
    lines = [f"{'':16}{'outage':>10}{'expected':>11}{'lost':>11}   answered by"]
    for scene in story.scenes:
        lost = scene.gap.lost if scene.gap is not None else 0
        counted = "" if scene.title == "start" else f"{lost} pings"
        lines.append(
            f"{scene.title:16}{_outage(scene):>10}{_milliseconds(scene.expected):>11}"
            f"{counted:>11}   {scene.holder or 'nobody'}"
        )
    if moved:
        return "\n".join([*lines, "", "The address moved each time, and came back."])
    lines += ["", f"FAILED: {story.scenes[-1].title}: {story.scenes[-1].failure}"]
    for daemon in stage.daemons.values():
        lines += ["", f"{daemon.name} said last:"]
        lines += [f"  {line}" for line in list(daemon.lines)[-LAST_LINES:]]
    return "\n".join(lines)


def record(stage: Stage, story: Story, moved: bool) -> dict[str, Any]:
    """The same as plain values; times in seconds since the lab began."""
    return {
        "ok": moved,
        "address": str(stage.plan.target.address),
        "nodes": list(stage.daemons),
        "scenes": [
            {
                "title": scene.title,
                "ok": scene.ok,
                "holder": scene.holder,
                "outage_ms": _rounded(scene.gap.seconds) if scene.gap else 0.0,
                "expected_ms": _rounded(scene.expected),
                "lost": scene.gap.lost if scene.gap else 0,
                "failure": scene.failure,
            }
            for scene in story.scenes
        ],
        "events": [
            {"at": round(mark.at - stage.began, 4), "who": mark.who, "text": mark.text}
            for mark in stage.marks
        ],
    }


def lanes_of(
    stage: Stage, ended: float
) -> tuple[list[Lane], list[tuple[float, str]], float]:
    """Lanes, deeds and length of the picture, in seconds since the first deed."""
    deeds = [
        (mark.at, mark.text.partition(": ")[2]) for mark in stage.marks if not mark.who
    ]
    zero = deeds[0][0] if deeds else stage.began
    lanes = []
    for name, states in stage.states.items():
        ends = [at for at, _ in states[1:]] + [ended]
        spans = [
            Span(at - zero, end - zero, state)
            for (at, state), end in zip(states, ends, strict=True)
        ]
        spans += [
            Span(since - zero, (ended if until is None else until) - zero, "cut")
            for who, since, until in stage.absences
            if who == name
        ]
        lanes.append(Lane(name, spans))
    lanes.append(Lane("client", _answers(stage, zero, ended)))
    return lanes, [(at - zero, text) for at, text in deeds], ended - zero


def _answers(stage: Stage, zero: float, ended: float) -> list[Span]:
    """Stretches of answers and of silence between them."""
    assert stage.pinger is not None
    answers = stage.pinger.answers
    if not answers:
        return []
    spans: list[Span] = []
    start = answers[0].at
    for gap in stage.pinger.gaps(start, ended):
        spans.append(Span(start - zero, gap.start - zero, "answers"))
        text = f"{gap.seconds * 1000:.0f} ms"
        spans.append(Span(gap.start - zero, gap.end - zero, "silence", text))
        start = gap.end
    if answers[-1].at > start:
        spans.append(Span(start - zero, answers[-1].at - zero, "answers"))
    return spans


def _outage(scene: Scene) -> str:
    if scene.title == "start":
        return "-"
    return "none" if scene.gap is None else _milliseconds(scene.gap.seconds)


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return "none" if seconds == 0 else f"{seconds * 1000:.0f} ms"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
