import math

import pytest
import torch

from txlib.generation import (
    acceptance_rate,
    expected_tokens,
    next_token_probabilities,
    speculative_generate,
)
from txlib.models import GPT, GPTConfig
from txlib.positions import SCHEMES

V, EOS, PAD = 5, 4, 0
SIZES = {
    "target": {"d_model": 12, "num_layers": 2, "num_heads": 3},
    "draft": {"d_model": 8, "num_layers": 1, "num_heads": 2, "num_kv_heads": 1},
}


def new_gpt(kind, *, std=0.5, **options):
    model = GPT(GPTConfig(**{"vocab_size": V, "max_seq_len": 64} | SIZES[kind] | options))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=std)
    return model


@pytest.fixture
def target():
    return new_gpt("target")


@pytest.fixture
def draft():
    return new_gpt("draft")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def chi_square(counts, chances):
    """How far counts are from what was expected; infinite where the impossible happened."""
    if (counts[chances == 0] > 0).any():
        return math.inf
    expected = chances * counts.sum()
    return ((counts - expected).square() / expected)[expected > 0].sum().item()


def worst(cells):
    """What chi-square lies above about once in 100 000 draws (Wilson and Hilferty 1931)."""
    freedom = cells - 1
    return freedom * (1 - 2 / (9 * freedom) + 4.27 * math.sqrt(2 / (9 * freedom))) ** 3


@torch.no_grad()
def chances_of_sequences(model, prompt, length, **options):
    """How likely the model writes each of the V ** length sequences, by all of them at once."""
    all_of_them = torch.cartesian_prod(*[torch.arange(V)] * length).view(-1, length)
    tokens = torch.cat((prompt.expand(len(all_of_them), -1), all_of_them), dim=1)
    logits = model.eval()(tokens)[:, prompt.shape[1] - 1 : -1]
    steps = next_token_probabilities(logits, **options).double()
    return steps.gather(-1, all_of_them[..., None]).prod(dim=1).squeeze(1)


def count_sequences(tokens):
    place = V ** torch.arange(tokens.shape[1]).flip(0)
    return torch.bincount((tokens * place).sum(dim=1), minlength=V ** tokens.shape[1]).double()


@pytest.mark.parametrize("num_draft_tokens", [1, 3, 7])
@pytest.mark.parametrize("eos_id", [None, EOS])
def test_greedy_is_the_targets_own(target, draft, num_draft_tokens, eos_id):
    prompts = torch.randint(V, (6, 3))
    options = {"max_new_tokens": 23, "eos_id": eos_id, "temperature": 0}
    expected = target.generate(prompts, **options)
    found = speculative_generate(
        target, draft, prompts, num_draft_tokens=num_draft_tokens, **options
    )
    assert found.tokens.equal(expected)
    assert len(found.accepted.unique()) > 1, "rows that accept the same number show less"


@pytest.mark.parametrize("positions", SCHEMES)
def test_greedy_with_every_kind_of_position(positions):
    target, draft = (new_gpt(kind, positions=positions) for kind in SIZES)
    prompts = torch.randint(V, (4, 2))
    expected = target.generate(prompts, max_new_tokens=11)
    found = speculative_generate(target, draft, prompts, max_new_tokens=11, temperature=0)
    assert found.tokens.equal(expected)


def test_a_target_with_a_window(draft):
    target = new_gpt("target", window=4)
    prompts = torch.randint(V, (6, 9))
    expected = target.generate(prompts, max_new_tokens=30)
    found = speculative_generate(target, draft, prompts, max_new_tokens=30, temperature=0)
    assert found.tokens.equal(expected)


def test_sequences_are_drawn_from_the_target(target, draft):
    prompt = torch.tensor([[1, 3]])
    found = speculative_generate(
        target,
        draft,
        prompt.expand(15_000, -1),
        max_new_tokens=3,
        num_draft_tokens=2,
        generator=generator(),
    )
    counts = count_sequences(found.tokens)
    assert chi_square(counts, chances_of_sequences(target, prompt, 3)) < worst(V**3)
    assert chi_square(counts, chances_of_sequences(draft, prompt, 3)) > 10 * worst(V**3)
    assert 0.1 < found.accepted.sum() / found.drafted.sum() < 0.9


@pytest.mark.parametrize("options", [{"temperature": 2.0}, {"top_k": 2}, {"top_p": 0.6}])
def test_temperature_and_cuts_are_the_targets_too(target, draft, options):
    prompt = torch.tensor([[2, 1, 0]])
    found = speculative_generate(
        target,
        draft,
        prompt.expand(8_000, -1),
        max_new_tokens=2,
        num_draft_tokens=1,
        generator=generator(),
        **options,
    )
    counts = count_sequences(found.tokens)
    assert chi_square(counts, chances_of_sequences(target, prompt, 2, **options)) < worst(V**2)
    assert chi_square(counts, chances_of_sequences(target, prompt, 2)) > 3 * worst(V**2)


def test_a_draft_like_the_target_is_accepted_whole(target):
    prompts = torch.randint(V, (3, 4))
    found = speculative_generate(
        target, target, prompts, max_new_tokens=10, num_draft_tokens=3, temperature=0
    )
    assert found.target_calls.tolist() == [3] * 3  # 4 + 4 + 2 tokens
    assert found.drafted.tolist() == [7] * 3
    assert found.accepted.tolist() == [7] * 3


def test_tokens_for_each_call_follow_the_formula():
    """Of models that do not look at what was written, tokens are accepted independently."""
    models = {
        kind: new_gpt(kind, std=0.8, positions="none", tie_embeddings=False) for kind in SIZES
    }
    for model in models.values():
        for block in (model.token_embedding, *model.blocks):
            for parameter in block.parameters():
                torch.nn.init.zeros_(parameter)
    tokens = torch.zeros(500, 1, dtype=torch.int64)
    p, q = (model(tokens[:1])[0, 0].softmax(dim=0) for model in models.values())
    rate = acceptance_rate(p, q).item()
    assert 0.3 < rate < 0.8
    found = speculative_generate(
        *models.values(), tokens, max_new_tokens=60, num_draft_tokens=3, generator=generator()
    )
    each_call = found.tokens.numel() / found.target_calls.sum().item()
    assert each_call == pytest.approx(expected_tokens(rate, 3), rel=0.04)
    beyond = found.accepted + found.target_calls - 60  # 1 where the last tokens are all drafted
    assert beyond.unique().tolist() == [0, 1]


def test_each_row_stops_at_its_own_eos(target, draft):
    prompts = torch.randint(V - 1, (40, 3))
    found = speculative_generate(
        target, draft, prompts, max_new_tokens=50, eos_id=EOS, generator=generator()
    )
    ends = torch.where(found.tokens == EOS, torch.arange(found.tokens.shape[1]), 99).amin(dim=1)
    after = torch.arange(found.tokens.shape[1]) > ends[:, None]
    assert found.tokens[after].eq(PAD).all()
    assert len(ends.unique()) > 5
    lengths = (ends + 1).clamp(max=50)
    own = lengths - found.accepted  # one of each call, but not where a row ends inside a draft
    assert (own <= found.target_calls).all()
    assert (own >= found.target_calls - 1).all()
    assert found.tokens.shape[1] == lengths.max()


def test_a_row_does_not_depend_on_its_neighbours(target, draft):
    prompts = torch.randint(V, (5, 3))
    options = {"max_new_tokens": 17, "temperature": 0, "eos_id": EOS}
    together = speculative_generate(target, draft, prompts, **options)
    for row, prompt in enumerate(prompts):
        alone = speculative_generate(target, draft, prompt[None], **options).tokens[0]
        assert together.tokens[row, : len(alone)].equal(alone)


@pytest.mark.parametrize(("length", "new"), [(1, 1), (1, 2), (1, 15), (15, 1), (8, 8)])
def test_up_to_the_last_learned_position(length, new):
    target, draft = (new_gpt(kind, positions="learned", max_seq_len=16) for kind in SIZES)
    prompts = torch.randint(V, (20, length))
    expected = target.generate(prompts, max_new_tokens=new)
    found = speculative_generate(target, draft, prompts, max_new_tokens=new, temperature=0)
    assert found.tokens.equal(expected)
    drawn = speculative_generate(target, draft, prompts, max_new_tokens=new, generator=generator())
    assert drawn.tokens.shape == (20, new)
    assert new < 15 or len(drawn.accepted.unique()) > 1  # some rows come to the end before others


def test_the_same_seed_draws_the_same_and_leaves_all_else_alone(target, draft):
    target.train()
    draft.blocks[0].train(False)
    modes = [module.training for model in (target, draft) for module in model.modules()]
    prompts = torch.randint(V, (4, 3))
    before, prompts_before = torch.random.get_rng_state(), prompts.clone()
    first, again, other = (
        speculative_generate(target, draft, prompts, max_new_tokens=12, generator=generator(seed))
        for seed in (1, 1, 2)
    )
    assert first.tokens.equal(again.tokens)
    assert not first.tokens.equal(other.tokens)
    assert torch.random.get_rng_state().equal(before)
    assert prompts.equal(prompts_before)
    assert modes == [module.training for model in (target, draft) for module in model.modules()]
    assert not first.tokens.requires_grad


@pytest.mark.parametrize(
    ("prompt", "options", "message"),
    [
        ((2, 3), {"max_new_tokens": 0}, "max_new_tokens must be at least 1, got 0"),
        ((2, 3), {"num_draft_tokens": 0}, "num_draft_tokens must be at least 1, got 0"),
        ((2, 3), {"temperature": -1.0}, "temperature must be finite and at least 0, got -1.0"),
        ((2, 0), {}, r"T of at least 1, got \(2, 0\)"),
        ((3,), {}, r"tokens must be integers \(B, T\).*got torch.int64 of \(3,\)"),
        ((2, 62), {}, "at most the target's max_seq_len=64.*got 62 and 3"),
    ],
)
def test_errors(target, draft, prompt, options, message):
    tokens = torch.zeros(prompt, dtype=torch.int64)
    with pytest.raises(ValueError, match=message):
        speculative_generate(target, draft, tokens, **{"max_new_tokens": 3} | options)


def test_models_that_do_not_go_together(target):
    tokens = torch.zeros(1, 3, dtype=torch.int64)
    with pytest.raises(ValueError, match="same vocabulary, got vocab_size 5 and 6"):
        speculative_generate(target, new_gpt("draft", vocab_size=6), tokens, max_new_tokens=2)
    with pytest.raises(ValueError, match=r"draft must have no window.*got window=3"):
        speculative_generate(target, new_gpt("draft", window=3), tokens, max_new_tokens=2)
    short = new_gpt("draft", max_seq_len=4)
    with pytest.raises(ValueError, match=r"at most the draft's max_seq_len=4.*got 3 and 2"):
        speculative_generate(target, short, tokens, max_new_tokens=2)
