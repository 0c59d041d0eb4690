"""What the benchmarks share: `stopwatch`, which they import, and one thread on one device."""

import sys
from pathlib import Path

import pytest
import torch

from txlib.device import pick_device

sys.path.insert(0, str(Path(__file__).parent))


def pytest_collection_modifyitems(config, items):
    """Measure when asked to by name alone: a record is no by-product of running all tests."""
    if not any("benchmarks" in str(word) for word in config.invocation_params.args):
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="benchmarks are run by `make bench`"))


@pytest.fixture
def device():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return pick_device()
