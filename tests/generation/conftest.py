import pytest
import torch


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(7)  # of the small models it makes, those end at many lengths
