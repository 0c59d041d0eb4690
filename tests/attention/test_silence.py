import pytest
import torch

from txlib.attention import MultiHeadAttention, silence_heads
from txlib.capture import capture_weights

B, T, C, H, D = 2, 5, 10, 6, 4  # all different: a swapped axis cannot pass


def make(**options):
    return MultiHeadAttention(C, H, head_dim=D, **options).double()


def sentence():
    return torch.randn(B, T, C).double()


def part_of(module, x, heads):
    """The output of the named heads alone, from the slices of `out_proj` that they own."""
    twin = make(num_kv_heads=module.num_kv_heads)
    twin.load_state_dict(module.state_dict())
    own = torch.zeros(H, D).double()
    own[list(heads)] = 1.0
    with torch.no_grad():
        twin.out_proj.weight *= own.flatten()
    return twin(x)


@pytest.mark.parametrize("heads", [[0], [5], [1, 4], range(3, 6), (2, 2), {0, 3}], ids=str)
@pytest.mark.parametrize("num_kv_heads", [6, 2])
def test_the_others_are_what_is_left(listen, heads, num_kv_heads):
    module, x = listen(make(num_kv_heads=num_kv_heads)), sentence()
    with silence_heads(module, heads):
        left = module(x)
    torch.testing.assert_close(left, part_of(module, x, set(range(H)) - set(heads)))
    torch.testing.assert_close(left + part_of(module, x, heads), module(x))


def test_all_silent_leaves_the_bias_of_the_projection(listen):
    module, x = listen(make(bias=True)), sentence()
    with silence_heads(module, range(H)):
        out = module(x)
    torch.testing.assert_close(out, module.out_proj.bias.expand(B, T, C))


def test_no_heads_change_nothing(listen):
    module, x = listen(make()), sentence()
    with silence_heads(module, []):
        assert torch.equal(module(x), module(x))


def test_what_is_silent_learns_nothing(listen):
    module, x = listen(make()), sentence()
    with silence_heads(module, [2]):
        module(x).sum().backward()
    for projection in (module.q_proj, module.k_proj, module.v_proj):
        by_head = projection.weight.grad.unflatten(0, (H, D))
        assert by_head[2].eq(0).all()
        assert by_head[1].ne(0).any()
    assert module.out_proj.weight.grad.unflatten(1, (H, D))[:, 2].eq(0).all()


def test_not_even_a_passing_nan_is_heard(listen):
    module, x = listen(make()), sentence()
    with torch.no_grad():
        module.v_proj.weight[2 * D] = torch.nan
    assert module(x).isnan().any()
    with silence_heads(module, [2]):
        assert module(x).isfinite().all()


def test_blocks_add_up_and_end_one_by_one(listen):
    module, x = listen(make()), sentence()
    before = module(x)
    with silence_heads(module, [0]):
        with silence_heads(module, [0, 3]):
            torch.testing.assert_close(module(x), part_of(module, x, [1, 2, 4, 5]))
        torch.testing.assert_close(module(x), part_of(module, x, [1, 2, 3, 4, 5]))
    assert torch.equal(module(x), before)


def test_the_heads_are_back_after_an_error():
    module, x = make(), sentence()
    before = module(x)
    with pytest.raises(RuntimeError, match="in the block"), silence_heads(module, [1]):
        raise RuntimeError("in the block")
    assert torch.equal(module(x), before)
    assert not module.out_proj._forward_pre_hooks


def test_neither_parameters_nor_weights_change():
    module, x = make(), sentence()
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with capture_weights(module) as weights:
        module(x)
        with silence_heads(module, [1]):
            module(x)
            assert module.state_dict().keys() == state.keys()
    assert torch.equal(*weights[""])
    assert all(torch.equal(module.state_dict()[name], tensor) for name, tensor in state.items())


def test_only_this_module_is_silenced():
    module, other, x = make(), make(), sentence()
    before = other(x)
    with silence_heads(module, range(H)):
        assert torch.equal(other(x), before)


@pytest.mark.parametrize("heads", [[6], [0, 7], [-1]], ids=str)
def test_heads_that_do_not_exist(heads):
    module = make()
    with (
        pytest.raises(ValueError, match=rf"heads must lie .* - 1 = 5, got {heads[-1]}"),
        silence_heads(module, heads),
    ):
        pass
    assert not module.out_proj._forward_pre_hooks
