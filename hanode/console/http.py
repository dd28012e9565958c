"""The http service: JSON on a Twisted endpoint, a unix socket unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hanode.console.listening import Listening
from hanode.console.token import TokenFile
from hanode.console.verbs import Verbs
from hanode.console.view import View


class HttpService(Listening):
    """Serves C{view} and C{verbs}; see L{Listening}."""

    kind = "http"
    open_to_all = "can look in"

    def __init__(
        self,
        endpoint: str,
        view: View,
        verbs: Verbs,
        reactor: Any,
        opened: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(endpoint, reactor, opened)
        self._view, self._verbs = view, verbs
        self.token = TokenFile()

    def load(self) -> Callable[[], Any]:
        """See L{Listening.load}."""
        from hanode.console.site import make_site

        return partial(make_site, self._view, self._verbs, self._reactor, self.token)
