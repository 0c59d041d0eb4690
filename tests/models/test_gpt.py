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
        ({"positions": "gps"}, "positions must be one of .*, got 'gps'"),
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


@pytest.mark.parametrize("positions", ["learned", "rope"])
def test_generate_takes_the_likeliest_and_feeds_it_back(tokens, positions):
    model = gpt(positions=positions, max_seq_len=T + 5, dropout=0.5, tie_embeddings=False)
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    model.blocks[1].eval()
    modes = [module.training for module in model.modules()]
    written = model.generate(tokens, max_new_tokens=5)
    assert written.shape == (B, 5)
    assert [module.training for module in model.modules()] == modes
    model.eval()
    whole = torch.cat((tokens, written), dim=1)
    foretold = model(whole).argmax(dim=-1)
    assert foretold[:, T - 1 : -1].equal(written)
    assert len(written.unique()) > 1


def test_generated_rows_end_each_on_its_own(tokens):
    model = gpt(max_seq_len=30, tie_embeddings=False)
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    free = model.generate(tokens, max_new_tokens=9)
    eos = free[0, 2].item()
    assert (free[1, :3] != eos).all()
    written = model.generate(tokens, max_new_tokens=9, eos_id=eos, pad_id=V - 1)
    end = free[0].tolist().index(eos)
    assert written[0, : end + 1].equal(free[0, : end + 1])
    assert written[0, end + 1 :].eq(V - 1).all()
    assert written[1, :3].equal(free[1, :3])


def test_generate_draws_from_the_softmax(tokens):
    model = gpt()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    prompts = tokens[:1].expand(5000, -1)
    options = {"max_new_tokens": 1, "temperature": 1.5, "top_k": 6}
    generator = torch.Generator().manual_seed(0)
    drawn = model.generate(prompts, **options, generator=generator)
    assert model.generate(prompts, **options, generator=generator.manual_seed(0)).equal(drawn)
    logits = model(tokens[:1])[0, -1].detach()
    kept = logits >= logits.topk(6).values[-1]
    expected = (logits / 1.5).masked_fill(~kept, -torch.inf).softmax(dim=0) * 5000
    found = torch.bincount(drawn.flatten(), minlength=V)
    assert found[~kept].eq(0).all()
    assert ((found - expected).square() / expected)[kept].sum() < 31  # 5 degrees: 1 in 100 000


def test_generate_keeps_to_the_learned_positions(tokens):
    assert gpt().generate(tokens, max_new_tokens=2).shape == (B, 2)
    with pytest.raises(ValueError, match=r"together be at most max_seq_len=9,.* got 7 and 3"):
        gpt().generate(tokens, max_new_tokens=3)
    assert gpt(positions="alibi").generate(tokens, max_new_tokens=5).shape == (B, 5)


def test_generate_refuses(tokens):
    with pytest.raises(ValueError, match=r"tokens must be integers .*, got torch.float32"):
        gpt().generate(tokens.float(), max_new_tokens=1)
    with pytest.raises(ValueError, match=r"tokens must have T of at least 1, got \(3, 0\)"):
        gpt().generate(tokens[:, :0], max_new_tokens=1)
    with pytest.raises(ValueError, match="max_new_tokens must be at least 1, got 0"):
        gpt().generate(tokens, max_new_tokens=0)
    with pytest.raises(ValueError, match="temperature must be finite and at least 0, got -1"):
        gpt().generate(tokens, max_new_tokens=1, temperature=-1)


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_errs_at_most_twice_as_much_as_the_readable_path(tokens, device, dtype):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA GPU")
    exact = gpt(d_model=64)
    model = gpt(d_model=64).float()
    model.load_state_dict(exact.state_dict())
    model, there = model.to(device), tokens.to(device)
    with torch.autocast(device, dtype):
        fused = model(there)
        with capture_weights(model):
            readable = model(there)
        written = model.generate(there, max_new_tokens=2)
    assert fused.dtype == dtype
    assert written.device == there.device
    errors = [(out.cpu().double() - exact(tokens)).norm() for out in (fused, readable)]
    assert 0 < errors[0] <= 2 * errors[1]
    fused.float().square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
