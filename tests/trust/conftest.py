"""How hard the generated attacks try: quickly on every run, long under `make trust`.

    @settings.get_profile("trust")  # or "trust-light", "trust-heavy": for dear and for cheap cases
    @given(...)
    def test_...(tally, ...):
        tally("attention: bad input")

The cases are the same on every run: a failure is a failure again.
"""

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

CASES = {"trust-light": (6, 100), "trust": (30, 1000), "trust-heavy": (150, 5000)}
LONG = os.environ.get("TXLIB_TRUST") == "long"

sys.path.insert(0, str(Path(__file__).parent))  # the tests share their tables and their judge

for name, (quick, long) in CASES.items():
    settings.register_profile(
        name,
        max_examples=long if LONG else quick,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],  # it goes by the clock
    )
