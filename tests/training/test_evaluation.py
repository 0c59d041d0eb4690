import pytest
import torch
from torch import nn

from txlib.training import mean_loss


class Tokens:
    def __init__(self, count, value):
        self.num_target_tokens, self.value = count, value

    def to(self, device):
        return Tokens(self.num_target_tokens, torch.tensor(self.value, device=device))


def loss(model, batch):
    return (model.weight * batch.value).sum()


@pytest.fixture
def model():
    linear = nn.Linear(1, 1, bias=False)
    nn.init.constant_(linear.weight, 2.0)
    return linear


def test_batches_count_by_their_tokens(model):
    assert mean_loss(model, [Tokens(1, 5.0), Tokens(3, 1.0)], loss=loss) == 4.0  # (10 + 6) / 4


def test_no_graph_is_built_and_the_mode_stays(model):
    needs = []
    mean_loss(
        model.eval(),
        [Tokens(2, 1.0)],
        loss=lambda m, b: needs.append(m(b.value[None])) or loss(m, b),
    )
    assert not needs[0].requires_grad
    assert not model.training


def test_nothing_to_average_is_an_error(model):
    with pytest.raises(ValueError, match="at least one real token, got none"):
        mean_loss(model, [], loss=loss)
    with pytest.raises(ValueError, match="at least one real token"):
        mean_loss(model, [Tokens(0, 1.0)], loss=loss)
