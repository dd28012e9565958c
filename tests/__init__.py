"""The tests of hanode; the folders mirror those of the code.

Hypothesis measures no time here: a busy machine would make a test fail that is right.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "hanode", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("hanode")
