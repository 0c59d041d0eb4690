import math

import pytest
import torch

from txlib.generation import greedy_continue, next_token_probabilities, sample_continue

PAD, BOS, EOS, V = 0, 1, 2, 7
SPECIAL = {"eos_id": EOS, "pad_id": PAD}
CHANCES = torch.tensor([0.0, 0.0, 0.05, 0.4, 0.3, 0.15, 0.1])
WORST = 33.0  # chi-square of at most 6 degrees of freedom lies above it once in 100 000 draws


def always(state, tokens):
    """Foretells the same whatever came before."""
    return CHANCES.log().expand(len(tokens), 1, V), state


def chi_square(tokens, chances):
    """How far counts are from what was expected; infinite where the impossible happened."""
    expected = chances * tokens.numel()
    found = torch.bincount(tokens.flatten(), minlength=V)
    if (found[expected == 0] > 0).any():
        return math.inf
    return ((found - expected).square() / expected)[expected > 0].sum().item()


def sample(rows, *, advance=always, state=None, seed=0, **options):
    options = SPECIAL | {"max_new_tokens": 1} | options
    generator = torch.Generator().manual_seed(seed)
    return sample_continue(advance, state, torch.full((rows,), BOS), generator=generator, **options)


def test_temperature_by_hand():
    logits = torch.tensor([0.0, math.log(3)])
    for temperature, odds in ((1.0, 3), (0.5, 9), (2.0, 3**0.5)):
        expected = torch.tensor([1.0, odds]) / (1 + odds)
        found = next_token_probabilities(logits, temperature=temperature)
        torch.testing.assert_close(found, expected)


def test_cuts_by_hand():
    logits = torch.tensor([0.1, 0.4, 0.2, 0.3]).log()
    for options, expected in (
        ({"top_k": 2}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_p": 0.69}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_p": 0.75}, [0, 4 / 9, 2 / 9, 3 / 9]),
        ({"top_p": 0.01}, [0, 1, 0, 0]),
        ({"top_k": 2, "top_p": 0.6}, [0, 4 / 7, 0, 3 / 7]),  # of the two, 4 / 7 is not enough
        ({"top_k": 2, "top_p": 0.57}, [0, 1, 0, 0]),
        ({"top_k": 99, "top_p": 1.0}, [0.1, 0.4, 0.2, 0.3]),
    ):
        found = next_token_probabilities(logits, **options)
        torch.testing.assert_close(found, torch.tensor(expected).float(), msg=str(options))


def test_temperature_0_is_the_limit_and_takes_the_first_of_equals():
    logits = torch.tensor([[1.0, 3.0, 2.0], [5.0, 5.0, 4.0]])
    expected = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    assert next_token_probabilities(logits, temperature=0).equal(expected)
    near = next_token_probabilities(logits[:1] * 1e30, temperature=1e-30)
    assert near.equal(expected[:1])


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("top_k", [None, 1, 4, 50])
@pytest.mark.parametrize("top_p", [None, 0.2, 0.9, 1.0])
def test_agrees_with_transformers(temperature, top_k, top_p):
    process = pytest.importorskip("transformers.generation.logits_process")
    logits = torch.randn(3, 5, 40) * 3
    logits[..., 7] = logits[..., 8]  # equals of the last that is kept are kept
    expected = process.TemperatureLogitsWarper(temperature)(None, logits.flatten(0, 1))
    if top_k is not None:
        expected = process.TopKLogitsWarper(top_k)(None, expected)
    if top_p is not None:
        expected = process.TopPLogitsWarper(top_p)(None, expected)
    options = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    found = next_token_probabilities(logits, **options)
    torch.testing.assert_close(found, expected.softmax(dim=-1).view_as(logits))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_probabilities_are_float32_whatever_the_logits(dtype):
    logits = (torch.randn(4, 30) * 5).to(dtype)
    for temperature in (0, 0.7):
        found = next_token_probabilities(logits, temperature=temperature, top_p=0.95)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.sum(dim=-1), torch.ones(4))
        wide = next_token_probabilities(logits.float(), temperature=temperature, top_p=0.95)
        assert found.equal(wide)


@pytest.mark.parametrize(
    ("options", "chances"),
    [
        ({}, CHANCES),
        ({"temperature": 2.0}, CHANCES.sqrt() / CHANCES.sqrt().sum()),
        ({"top_k": 2}, torch.tensor([0, 0, 0, 4, 3, 0, 0]) / 7),
        ({"top_p": 0.75}, torch.tensor([0, 0, 0, 40, 30, 15, 0]) / 85),
    ],
)
def test_draws_follow_the_distribution(options, chances):
    tokens = sample(20_000, **options)
    assert tokens.shape == (20_000, 1)
    assert chi_square(tokens, chances) < WORST
    assert chi_square(tokens, torch.full((V,), 1 / V)) > 10 * WORST  # the test could fail


def test_steps_are_drawn_apart_from_one_another():
    """Of a chain whose next token depends on the last, pairs of neighbours are as likely."""
    table = torch.zeros(V, V)
    table[BOS, 3:5] = torch.tensor([0.5, 0.5])
    table[3, 3:5] = torch.tensor([0.2, 0.8])
    table[4, 3:5] = torch.tensor([0.6, 0.4])

    def advance(state, tokens):
        return table.log()[tokens], state

    tokens = sample(20_000, advance=advance, max_new_tokens=3)
    assert chi_square(tokens[:, 0], table[BOS]) < WORST
    for before in (3, 4):
        for step in (0, 1):
            follows = tokens[tokens[:, step] == before][:, step + 1]
            assert chi_square(follows, table[before]) < WORST


def test_each_row_stops_at_its_own_eos():
    tokens = sample(300, max_new_tokens=200)
    ended = tokens == EOS
    assert ended.sum(dim=1).eq(1).all()
    ends = ended.int().argmax(dim=1)
    after = torch.arange(tokens.shape[1]) > ends[:, None]
    assert tokens[after].eq(PAD).all()
    assert tokens[~after].ne(PAD).all()
    assert tokens.shape[1] == ends.max() + 1
    assert len(ends.unique()) > 20
    assert ends.float().mean().item() == pytest.approx(19, rel=0.2)  # tokens before one in 20


def test_rows_that_are_stopped_have_no_eos():
    tokens = sample(50, max_new_tokens=3, top_k=2)
    assert tokens.shape == (50, 3)
    assert tokens.ge(3).all()


def test_the_same_seed_draws_the_same_and_leaves_the_other_generator_alone():
    before = torch.random.get_rng_state()
    first, again, other = (sample(9, max_new_tokens=8, seed=seed) for seed in (1, 1, 2))
    assert first.equal(again)
    assert not first.equal(other)
    assert torch.random.get_rng_state().equal(before)


def test_temperature_0_is_greedy():
    table = torch.randn(V, V)
    table[:, :EOS] = -1e6

    def advance(total, tokens):
        return table[tokens] + total[:, None, None] / 3 * table[3], total + tokens[:, 0]

    start = torch.arange(11.0)
    greedy = greedy_continue(advance, start, torch.full((11,), BOS), max_new_tokens=6, **SPECIAL)
    assert sample(11, advance=advance, state=start, max_new_tokens=6, temperature=0).equal(greedy)
    assert start.equal(torch.arange(11.0))


def test_no_row():
    assert sample(0).shape == (0, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1.0}, "temperature must be finite and at least 0, got -1.0"),
        ({"temperature": math.inf}, "temperature must be finite and at least 0, got inf"),
        ({"temperature": math.nan}, "temperature must be finite and at least 0, got nan"),
        ({"top_k": 0}, "top_k must be at least 1, got 0"),
        ({"top_p": 0.0}, r"top_p must be in \(0, 1\], got 0.0"),
        ({"top_p": 1.1}, r"top_p must be in \(0, 1\], got 1.1"),
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1, got 0"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        sample(2, **options)
