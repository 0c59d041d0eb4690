import pytest
import torch
from torch import nn

from txlib.attention import KVCache
from txlib.generation import DecoderOnly
from txlib.interop import gpt2_config, load_gpt2
from txlib.models import GPT, GPTConfig
from txlib.positions import SCHEMES

B, T, V, C, H, L, NEW = 3, 6, 13, 16, 4, 2, 10
LENGTHS = [4, T, 1]
MASK = torch.arange(T) < torch.tensor(LENGTHS)[:, None]
SIZES = {"vocab_size": V, "d_model": C, "num_heads": H, "num_layers": L, "max_seq_len": 24}
schemes = pytest.mark.parametrize("positions", SCHEMES)
DRAWING = {"temperature": 1.4, "top_k": 9, "top_p": 0.95}


def gpt(**options):
    model = GPT(GPTConfig(**{**SIZES, **options})).double()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model


@pytest.fixture
def tokens():
    return torch.randint(V, (B, T))


class Counting(DecoderOnly):
    """Foretells the next number of an endless count, and notes how many tokens it reads."""

    def __init__(self):
        super().__init__()
        self.out_proj = nn.Identity()
        self.seen = []

    def read(self, tokens, *, cache=None, counts=None):
        self.seen.append(tuple(tokens.shape))
        if cache is not None:
            heads = torch.zeros(len(tokens), 1, tokens.shape[1], 1)
            cache[0].append(heads, heads, counts)
        return nn.functional.one_hot((tokens + 1) % V, V).double()

    def new_cache(self, batch_size, *, max_len):
        return (KVCache(batch_size, 1, 1, max_len=max_len),)


@pytest.mark.parametrize("use_cache", [True, False])
def test_counts_on_by_hand(use_cache):
    tokens = torch.tensor([[0, 1, 2], [9, 10, 11]])
    written = Counting().generate(tokens, max_new_tokens=4, use_cache=use_cache)
    assert written.tolist() == [[3, 4, 5, 6], [12, 0, 1, 2]]
    mask = torch.tensor([[True, True, False], [True, False, False]])
    options = {"max_new_tokens": 4, "eos_id": 4, "pad_id": 7, "use_cache": use_cache}
    assert Counting().generate(tokens, mask, **options).tolist() == [[2, 3, 4, 7], [10, 11, 12, 0]]


def test_with_a_cache_no_token_is_read_twice():
    model = Counting()
    model.generate(torch.zeros(B, T, dtype=torch.int64), max_new_tokens=3)
    assert model.seen == [(B, T - 1)] + [(B, 1)] * 3
    model = Counting()
    model.generate(torch.zeros(B, T, dtype=torch.int64), max_new_tokens=3, use_cache=False)
    assert model.seen == [(B, T), (B, T + 1), (B, T + 2)]


@pytest.mark.parametrize(("options", "length"), [({}, T), ({"n_head": 2}, 1)])
def test_greedy_equals_transformers_gpt2(options, length):
    transformers = pytest.importorskip("transformers")
    sizes = {"vocab_size": V, "n_embd": C, "n_head": H, "n_layer": L, "n_positions": 30}
    sizes["tie_word_embeddings"] = False  # tied, random models say one word for ever
    special = {"bos_token_id": 1, "eos_token_id": None, "pad_token_id": 0}
    config = transformers.GPT2Config(**sizes | special | options)
    reference = transformers.GPT2LMHeadModel(config).double().eval()
    for parameter in reference.parameters():
        nn.init.normal_(parameter, std=0.4)
    ours = GPT(gpt2_config(config.to_dict())).double()
    load_gpt2(ours, reference)
    prompt = torch.randint(V, (B, length))
    steps = {"max_new_tokens": NEW}
    seen = torch.ones_like(prompt)
    theirs = reference.generate(prompt, attention_mask=seen, do_sample=False, **steps)
    written = ours.generate(prompt, **steps)
    assert written.equal(theirs[:, length:])
    assert len(written.unique()) > 3


@schemes
@pytest.mark.parametrize("window", [None, 3])
def test_the_cache_changes_no_token(tokens, positions, window):
    model = gpt(positions=positions, num_kv_heads=2, window=window)
    for mask in (None, MASK):
        for options in ({}, DRAWING, {"eos_id": 5}):
            written = [
                model.generate(
                    tokens,
                    mask,
                    max_new_tokens=NEW,
                    use_cache=use_cache,
                    generator=torch.Generator().manual_seed(3),
                    **options,
                )
                for use_cache in (True, False)
            ]
            assert written[0].equal(written[1])


@schemes
def test_prompts_of_unequal_lengths_go_on_as_each_alone(tokens, positions):
    model = gpt(positions=positions)
    written = model.generate(tokens, MASK, max_new_tokens=NEW)
    for row, length in enumerate(LENGTHS):
        alone = model.generate(tokens[row : row + 1, :length], max_new_tokens=NEW)
        assert written[row].equal(alone[0])
    assert model.generate(tokens.masked_fill(~MASK, 7), MASK, max_new_tokens=NEW).equal(written)


def test_padding_of_all_rows_takes_no_room(tokens):
    """Learned positions reach 24: seven of padding would be too many."""
    model, wide = gpt(), nn.functional.pad(tokens, (0, 7))
    mask = nn.functional.pad(MASK, (0, 7))
    new = 24 - T
    written = model.generate(wide, mask, max_new_tokens=new)
    assert written.equal(model.generate(tokens, MASK, max_new_tokens=new))


def test_nothing_is_drawn_where_nothing_is_open(tokens):
    model, generator = gpt(), torch.Generator().manual_seed(0)
    before = generator.get_state()
    model.generate(tokens, max_new_tokens=2, generator=generator)
    assert generator.get_state().equal(before)
    model.generate(tokens, max_new_tokens=2, generator=generator, temperature=1.0)
    assert not generator.get_state().equal(before)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_written_in_any_mode_and_nothing_is_left_behind(tokens, mode):
    model = gpt(dropout=0.5)
    expected = model.generate(tokens, max_new_tokens=4)
    with mode():
        assert model.generate(tokens, max_new_tokens=4).equal(expected)
    assert model.training
    model(tokens).sum().backward()


def test_refused(tokens):
    model = gpt()
    with pytest.raises(ValueError, match=r"mask must be bool of .* \(3, 6\), got int64"):
        model.generate(tokens, MASK.long(), max_new_tokens=1)
    with pytest.raises(ValueError, match=r"mask must be bool of .* \(3, 6\), got bool \(3, 5\)"):
        model.generate(tokens, MASK[:, 1:], max_new_tokens=1)
    with pytest.raises(ValueError, match="padding on the right, got a token after padding"):
        model.generate(tokens, MASK.flip(1), max_new_tokens=1)
    with pytest.raises(ValueError, match="leave each row a token, got a row of padding alone"):
        model.generate(tokens, MASK & (torch.arange(B) > 0)[:, None], max_new_tokens=1)
    with pytest.raises(ValueError, match=r"at most max_seq_len=24.* got 6 and 19"):
        model.generate(tokens, MASK, max_new_tokens=19)
    with pytest.raises(ValueError, match="top_k must be at least 1, got 0"):
        model.generate(tokens, max_new_tokens=1, top_k=0)
    with pytest.raises(ValueError, match=r"tokens must be integers \(B, T\), got torch.float64"):
        model.generate(tokens.double(), max_new_tokens=1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("window", [None, 3])
@schemes
def test_a_gpu_writes_what_the_cpu_does(tokens, positions, window):
    model = gpt(positions=positions, num_kv_heads=2, window=window)
    written = model.generate(tokens, MASK, max_new_tokens=NEW)
    model = model.cuda()
    there = tokens.cuda(), MASK.cuda()
    for use_cache in (True, False):
        found = model.generate(*there, max_new_tokens=NEW, use_cache=use_cache)
        assert found.cpu().equal(written)
