"""For kinds whose facts are stated by somebody else, who has to know them anyway."""

from __future__ import annotations

from collections.abc import Mapping

from zope.interface import implementer

from hanode.config.track_model import Description
from hanode.interfaces import IObservation


@implementer(IObservation)
class Elsewhere:
    """States nothing."""

    def expect(self, described: Mapping[str, Description]) -> None:
        """See L{IObservation.expect}."""

    def close(self) -> None:
        """See L{IObservation.close}."""
