"""The live page: a few files that are served as they are.

Nothing comes from outside, and the browser is told to fetch nothing from there
(Content-Security-Policy).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
INDEX = "index.html"


@dataclass(frozen=True)
class Page:
    """One file, with its type."""

    type: str
    data: bytes


def pages() -> dict[str, Page]:
    """Every file of the page by its name; "" is the page itself."""
    found: dict[str, Page] = {}
    for file in files("hanode.console").joinpath("page").iterdir():
        name = file.name
        kind = TYPES.get(name[name.rfind(".") :])
        if kind is not None:
            found[name] = Page(kind, file.read_bytes())
    found[""] = found[INDEX]
    return found
