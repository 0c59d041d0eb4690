"""What the benchmarks share: `stopwatch`, which they import, and one thread on one device."""

import sys
from pathlib import Path

import pytest
import torch

from txlib.device import pick_device

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def device():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return pick_device()
