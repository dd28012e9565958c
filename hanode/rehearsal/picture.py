"""The timeline of a lab as an SVG: one lane per node and one for the client.

Made by hand of rectangles, lines and text, so that it needs no library and can be read
in any browser.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, TOP = 1100, 90, 24, 84
LANE, BAR = 54, 26
COLOURS = {
    "MASTER": "#2f7d5b",
    "BACKUP": "#b9cfe4",
    "FAULT": "#c8553d",
    "off": "#e9e7e2",
}
WORDS = {"MASTER": "master", "BACKUP": "backup", "FAULT": "fault", "off": "off"}
INK, PALE, ALARM = "#26323a", "#8a949b", "#c8553d"
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120)


@dataclass(frozen=True)
class Span:
    """A stretch of one lane: C{kind} is a state, or "answers" or "silence"."""

    start: float
    end: float
    kind: str
    text: str = ""


@dataclass(frozen=True)
class Lane:
    """One row of the picture."""

    name: str
    spans: Sequence[Span]


def draw(
    title: str, lanes: Sequence[Lane], deeds: Sequence[tuple[float, str]], end: float
) -> str:
    """The SVG of C{lanes} from 0 to C{end} seconds; C{deeds} are vertical marks."""
    bottom = TOP + LANE * len(lanes)
    height = bottom + 76
    scale = (WIDTH - LEFT - RIGHT) / max(end, 0.001)

    def x(at: float) -> float:
        return round(LEFT + min(max(at, 0.0), end) * scale, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' width="{WIDTH}" height="{height}"'
        ' font-family="DejaVu Sans, Verdana, sans-serif" font-size="12">',
        '<defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><rect width="4" height="8" fill="#fdfcfa"'
        ' fill-opacity="0.4"/></pattern></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fdfcfa"/>',
        _text(LEFT, 28, title, size=16, weight="600"),
    ]
    parts += _axis(x, end, bottom)
    for number, lane in enumerate(lanes):
        parts += _lane(x, lane, TOP + LANE * number)
    parts += _deeds(x, deeds, bottom)
    parts += _legend(lanes, bottom + 58)
    return "\n".join([*parts, "</svg>", ""])


def _text(
    x: float,
    y: float,
    text: str,
    colour: str = INK,
    anchor: str = "start",
    size: int = 12,
    weight: str = "400",
    halo: bool = False,
) -> str:
    """A line of text; with a C{halo} it stays readable where lines cross it."""
    extra = ' stroke="#fdfcfa" stroke-width="4" paint-order="stroke"' if halo else ""
    return (
        f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="{anchor}"'
        f' font-size="{size}" font-weight="{weight}"{extra}>{escape(text)}</text>'
    )


def _axis(x: Callable[[float], float], end: float, bottom: float) -> list[str]:
    step = next((each for each in STEPS if end / each <= 14), STEPS[-1])
    parts = []
    for number in range(int(end / step) + 1):
        at = x(number * step)
        parts.append(
            f'<line x1="{at}" y1="{TOP - 8}" x2="{at}" y2="{bottom}"'
            ' stroke="#e6e3dd" stroke-width="1"/>'
        )
        label = f"{number * step:g}"
        parts.append(_text(at, bottom + 18, label, PALE, "middle", 11))
    parts.append(_text(WIDTH - RIGHT, bottom + 36, "seconds", PALE, "end", 11))
    return parts


def _lane(x: Callable[[float], float], lane: Lane, top: float) -> list[str]:
    y = top + (LANE - BAR) / 2
    parts = [_text(LEFT - 14, y + BAR / 2 + 4, lane.name, INK, "end", 13, "600")]
    words = []
    for span in lane.spans:
        left, right = x(span.start), x(span.end)
        width = round(max(right - left, 0.8), 1)
        if span.kind == "answers":
            parts.append(_rectangle(left, y + 9, width, BAR - 18, INK))
        elif span.kind == "cut":
            parts.append(_cut(left, width, y))
        elif span.kind == "silence":
            parts += _silence(left, right, y, span.text)
        else:
            parts.append(_rectangle(left, y, width, BAR, COLOURS.get(span.kind, PALE)))
            word = WORDS.get(span.kind, span.kind.lower())
            if width > 8 * len(word) + 6:
                dark = span.kind in ("MASTER", "FAULT")
                colour = "#ffffff" if dark else "#5b6a75"
                middle = round((left + right) / 2, 1)
                words.append(_text(middle, y + 17, word, colour, "middle", 11))
    return parts + words


def _rectangle(x: float, y: float, width: float, height: float, fill: str) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="2"'
        f' fill="{fill}"/>'
    )


def _cut(left: float, width: float, y: float) -> str:
    """Who is cut off: hatched, over the state that it believes itself in."""
    return (
        f'<rect x="{left}" y="{y}" width="{width}" height="{BAR}" rx="2"'
        ' fill="url(#hatch)"/>'
    )


def _cut_mark(x: float, y: float) -> str:
    return f'<rect x="{x}" y="{y}" width="12" height="12" fill="url(#hatch)"/>'


def _silence(left: float, right: float, y: float, text: str) -> list[str]:
    """A gap: an empty dashed box, and its length under it."""
    width = round(max(right - left, 2.0), 1)
    middle = round((left + right) / 2, 1)
    return [
        f'<rect x="{left}" y="{y + 4}" width="{width}" height="{BAR - 8}"'
        f' fill="#fbe9e4" stroke="{ALARM}" stroke-width="1" stroke-dasharray="3 2"/>',
        _text(middle, y + BAR + 9, text, ALARM, "middle", 11, "600"),
    ]


def _deeds(
    x: Callable[[float], float], deeds: Sequence[tuple[float, str]], bottom: float
) -> list[str]:
    """What was done, above the lanes; close ones take turns on two lines."""
    parts, words = [], []
    ends = [-1.0, -1.0]
    for at, text in deeds:
        left = x(at)
        row = 1 if ends[1] <= left or ends[1] <= ends[0] else 0
        room = 6.6 * len(text)
        begin = min(left + 4, WIDTH - RIGHT - room)
        ends[row] = begin + room + 8
        y = TOP - 30 + 16 * row
        parts.append(
            f'<line x1="{left}" y1="{y - 9}" x2="{left}" y2="{bottom}"'
            f' stroke="{INK}" stroke-width="1" stroke-dasharray="2 3"/>'
        )
        words.append(_text(round(begin, 1), y, text, INK, size=11, halo=True))
    return parts + words


def _legend(lanes: Sequence[Lane], y: float) -> list[str]:
    kinds = {span.kind for lane in lanes for span in lane.spans}
    words = [(COLOURS[kind], WORDS[kind]) for kind in COLOURS if kind in kinds]
    words.append((INK, "the virtual address answers"))
    parts, at = [], LEFT
    for colour, word in words:
        parts.append(_rectangle(at, y - 10, 12, 12, colour))
        parts.append(_text(at + 18, y, word, "#5b6a75", size=11))
        at += 40 + round(6.8 * len(word))
    if "cut" in kinds:
        parts.append(_rectangle(at, y - 10, 12, 12, COLOURS["MASTER"]))
        parts.append(_cut_mark(at, y - 10))
        parts.append(_text(at + 18, y, "cut off", "#5b6a75", size=11))
        at += 90
    if "silence" in kinds:
        parts.append(
            f'<rect x="{at}" y="{y - 10}" width="12" height="12" fill="#fbe9e4"'
            f' stroke="{ALARM}" stroke-dasharray="3 2"/>'
        )
        parts.append(_text(at + 18, y, "no answer", "#5b6a75", size=11))
    return parts
