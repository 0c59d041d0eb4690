import pytest
import torch
from torch import nn

from txlib.capture import capture_weights
from txlib.models import GPT, GPTConfig
from txlib.positions import SCHEMES, RotaryEmbedding

B, T, V, C, H, L = 3, 7, 11, 8, 2, 3
SIZES = {"vocab_size": V, "d_model": C, "num_heads": H, "num_layers": L, "max_seq_len": 9}


def gpt(**options):
    return GPT(GPTConfig(**{**SIZES, **options})).double()


@pytest.fixture
def tokens():
    return torch.randint(V, (B, T))


@pytest.mark.parametrize("positions", SCHEMES)
def test_logits_do_not_see_later_tokens(tokens, positions):
    model = gpt(positions=positions)
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    changed = tokens.clone()
    changed[:, 4:] = V - 1 - changed[:, 4:]
    before, after = model(tokens), model(changed)
    assert before.shape == (B, T, V)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


@pytest.mark.parametrize("positions", [name for name in SCHEMES if name != "none"])
def test_schemes_tell_two_orders_of_the_past_apart(tokens, positions):
    model = gpt(positions=positions, num_layers=1)
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    swapped = tokens[:, [1, 0, 2, 3, 4, 5, 6]]
    assert not torch.allclose(model(tokens)[:, -1], model(swapped)[:, -1])


def test_one_layer_without_positions_sees_the_past_as_a_set(tokens):
    model = gpt(positions="none", num_layers=1)
    swapped = tokens[:, [1, 0, 2, 3, 4, 5, 6]]
    torch.testing.assert_close(model(tokens)[:, -1], model(swapped)[:, -1])


def test_stack_by_hand(tokens):
    """Embedding plus position, every block in turn, the last norm, the table transposed."""
    model = gpt()
    stream = model.token_embedding.weight[tokens] + model.positions.table.weight[:T]
    for block in model.blocks:
        stream = stream + block.attention(block.attention_norm(stream), is_causal=True)
        stream = stream + block.feed_forward(block.feed_forward_norm(stream))
    logits = nn.functional.layer_norm(stream, (C,)) @ model.token_embedding.weight.T
    torch.testing.assert_close(model(tokens), logits)


def test_all_layers_share_one_rotary():
    model = gpt(positions="rope")
    assert isinstance(model.rotary, RotaryEmbedding)
    assert all(block.attention.rotary is model.rotary for block in model.blocks)
    assert gpt().rotary is None


def test_tied_table_counts_once_and_starts_small():
    tied, separate = gpt(vocab_size=500), gpt(vocab_size=500, tie_embeddings=False)
    numbers = [sum(p.numel() for p in model.parameters()) for model in (tied, separate)]
    assert numbers[1] - numbers[0] == 500 * C
    assert tied.token_embedding.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert separate.token_embedding.weight.std().item() == pytest.approx(1, rel=0.1)


def test_weights_are_captured_by_layer(tokens):
    model = gpt(num_kv_heads=1)
    with capture_weights(model) as weights:
        model(tokens)
    assert [name for name in weights] == [f"blocks.{i}.attention" for i in range(L)]
    assert weights["blocks.0.attention"][0].shape == (B, H, T, T)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_heads": 3}, "num_heads must divide d_model, got 3 and 8"),
        ({"vocab_size": 0}, "vocab_size must be at least 1, got 0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"norm": "batch"}, "norm must be one of .*, got 'batch'"),
        ({"positions": "gps"}, "name must be one of .*, got 'gps'"),
        ({"d_ff": -1}, "d_ff must be at least 1, got -1"),
    ],
)
def test_bad_config(changed, message):
    with pytest.raises(ValueError, match=message):
        gpt(**changed)


def test_bad_tokens(tokens):
    model = gpt()
    with pytest.raises(ValueError, match=r"tokens must be integers \(B, T\), got .* of \(7,\)"):
        model(tokens[0])
    with pytest.raises(ValueError, match=r"tokens must be integers .*, got torch.float32"):
        model(tokens.float())
    with pytest.raises(ValueError, match=r"max_seq_len.*9"):
        model(tokens.repeat(1, 2))
