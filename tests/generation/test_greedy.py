import pytest
import torch
from torch import nn

from txlib.generation import evaluating, greedy_continue

PAD, BOS, EOS, V = 0, 1, 2, 7
SPECIAL = {"eos_id": EOS, "pad_id": PAD}


def counting_down(state, tokens):
    """Logits that favour 5 while a row's counter is positive, EOS at zero, 6 afterwards."""
    choice = torch.where(state > 0, 5, torch.where(state == 0, EOS, 6))
    return nn.functional.one_hot(choice, V).float()[:, None], state - 1


def test_rows_end_with_eos_then_pad():
    decoded = greedy_continue(
        counting_down, torch.tensor([1, 3, 0]), torch.full((3,), BOS), max_new_tokens=9, **SPECIAL
    )
    assert decoded.tolist() == [[5, EOS, PAD, PAD], [5, 5, 5, EOS], [EOS, PAD, PAD, PAD]]
    assert decoded.dtype == torch.int64


@pytest.mark.parametrize("most", [1, 2, 3])
def test_rows_that_are_stopped_have_no_eos(most):
    decoded = greedy_continue(
        counting_down, torch.tensor([1, 3]), torch.full((2,), BOS), max_new_tokens=most, **SPECIAL
    )
    assert decoded.tolist() == [[5, EOS, PAD][:most], [5, 5, 5][:most]]


def test_each_step_is_fed_the_step_before():
    fed = []

    def successor(state, tokens):
        fed.append(tokens.tolist())
        return nn.functional.one_hot(tokens + 2, V).float(), state

    decoded = greedy_continue(successor, None, torch.tensor([BOS]), max_new_tokens=2, **SPECIAL)
    assert fed == [[[BOS]], [[3]]]
    assert decoded.tolist() == [[3, 5]]


def test_no_step_is_taken_after_all_rows_ended():
    calls = []

    def ending(state, tokens):
        calls.append(tokens)
        return nn.functional.one_hot(torch.full_like(tokens, EOS), V).float(), state

    decoded = greedy_continue(ending, None, torch.full((4,), BOS), max_new_tokens=9, **SPECIAL)
    assert decoded.tolist() == [[EOS]] * 4
    assert len(calls) == 1


def test_max_new_tokens_below_one():
    with pytest.raises(ValueError, match="max_new_tokens must be at least 1, got 0"):
        greedy_continue(counting_down, None, torch.tensor([BOS]), max_new_tokens=0, **SPECIAL)


def test_evaluating_gives_every_submodule_its_own_mode_back():
    model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout(), nn.Linear(2, 3)))
    model[1].eval()
    modes = [module.training for module in model.modules()]
    with evaluating(model):
        assert not any(module.training for module in model.modules())
        assert not torch.is_grad_enabled()
    assert [module.training for module in model.modules()] == modes
    assert torch.is_grad_enabled()


def test_evaluating_also_after_an_error():
    model = nn.Dropout()
    with pytest.raises(RuntimeError, match="interrupted"), evaluating(model):
        raise RuntimeError("interrupted")
    assert model.training
