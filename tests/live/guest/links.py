"""Virtual links of kinds that the build machines' kernel does not have.

The kernel that has IPVS has them: the guest by its modules, a distribution's anyhow.
"""

from __future__ import annotations

from tests.live.test_virtual_links import IpvlanTests, VrfTests


class IpvlanLinkTests(IpvlanTests):
    """ipvlan."""


class VrfLinkTests(VrfTests):
    """VRF."""


del IpvlanTests, VrfTests  # trial would run them, too
