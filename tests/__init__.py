"""The tests of hanode; the folders mirror those of the code.

Hypothesis measures no time here: a busy machine would make a test fail that is right.
The daemons that tests start by the hundred may keep what Python has compiled, whatever
the environment says: to compile all of it takes as long as all the rest of a start.
"""

import os

from hypothesis import HealthCheck, settings

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
settings.register_profile(
    "hanode", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("hanode")
