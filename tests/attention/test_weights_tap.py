import torch
from torch import nn

from txlib.attention import WeightsTap


def test_passes_its_input_on_untouched():
    tap, weights = WeightsTap(), torch.rand(2, 3)
    assert tap(weights) is weights


def test_listened_while_a_hook_is_registered():
    tap = WeightsTap()
    assert not tap.listened
    first, second = (tap.register_forward_hook(lambda *_: None) for _ in range(2))
    assert tap.listened
    first.remove()
    assert tap.listened
    second.remove()
    assert not tap.listened


def test_each_tap_has_its_own_listeners():
    taps = nn.ModuleList([WeightsTap(), WeightsTap()])
    taps[0].register_forward_hook(lambda *_: None)
    assert [tap.listened for tap in taps] == [True, False]


def test_leaves_no_trace_in_a_state_dict():
    assert not WeightsTap().state_dict()
