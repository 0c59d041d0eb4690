import math
from itertools import product

import pytest
import torch
from torch import nn

from txlib.generation import beam_search, best_hypotheses, evaluating, greedy_continue

PAD, BOS, EOS, A, B = 0, 1, 2, 3, 4
SPECIAL = {"eos_id": EOS, "pad_id": PAD}
V, HIDDEN, ROWS = 5, 6, 7


def markov(**chances):
    """A model whose next token depends on the last alone; its state is a row's own number.

    `chances` gives for a token's name the chances of EOS, A and B after it.
    """
    table = torch.zeros(V, V)
    for name, row in chances.items():
        table[globals()[name], EOS:] = torch.tensor(row)
    return lambda state, tokens: (table.log()[tokens], state)


class TinyWriter(nn.Module):
    """A small recurrent model, whose every logit depends on all the tokens so far."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, HIDDEN)
        self.cell = nn.RNNCell(HIDDEN, HIDDEN)
        self.out_proj = nn.Linear(HIDDEN, V)
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    def advance(self, state, tokens):
        hidden = self.cell(self.embedding(tokens[:, 0]), state["hidden"])
        return self.out_proj(hidden)[:, None], {"hidden": hidden}


def choose(state, rows):
    return {name: value[rows] for name, value in state.items()}


def search(advance, rows=1, *, state=None, select=lambda state, rows: state, **options):
    options = SPECIAL | {"max_new_tokens": 4} | options
    return best_hypotheses(advance, state, torch.full((rows,), BOS), select=select, **options)


def search_tiny(model, hidden, **options):
    with evaluating(model):
        state = {"hidden": hidden}
        return search(model.advance, len(hidden), state=state, select=choose, **options)


def every_hypothesis(model, hidden, most):
    """(tokens, log-probability) of every sequence that ends within `most` tokens or is cut there.

    One sequence at a time, from the start, in float64.
    """
    twin = TinyWriter().double()
    twin.load_state_dict(model.state_dict())
    inner = [token for token in range(V) if token != EOS]
    ended = [(*s, EOS) for n in range(most) for s in product(inner, repeat=n)]
    for sequence in ended + list(product(inner, repeat=most)):
        state, last, total = {"hidden": hidden[None].double()}, BOS, 0.0
        with evaluating(twin):
            for token in sequence:
                logits, state = twin.advance(state, torch.tensor([[last]]))
                total += logits[0, 0].log_softmax(dim=0)[token].item()
                last = token
        yield sequence, total


def strip(tokens):
    """Rows as tuples up to EOS, which is kept."""
    return [tuple(row[: row.index(EOS) + 1] if EOS in row else row) for row in tokens.tolist()]


def test_two_beginnings_find_what_greed_misses():
    advance = markov(BOS=(0.0, 0.6, 0.4), A=(0.4, 0.3, 0.3), B=(0.9, 0.05, 0.05))
    greedy, wider = search(advance, beam_size=1), search(advance, beam_size=2)
    assert greedy.tokens.tolist() == [[A, EOS]]
    assert wider.tokens.tolist() == [[B, EOS]]
    torch.testing.assert_close(greedy.scores.exp(), torch.tensor([0.6 * 0.4]))
    torch.testing.assert_close(wider.scores.exp(), torch.tensor([0.4 * 0.9]))
    assert wider.tokens.dtype == torch.int64


def test_length_penalty_by_hand():
    advance = markov(BOS=(0.4, 0.6, 0.0), A=(0.0, 0.0, 1.0), B=(0.55, 0.45, 0.0))
    short, long = search(advance, beam_size=2), search(advance, beam_size=2, length_penalty=1.0)
    assert short.tokens.tolist() == [[EOS]]  # ln 0.4 = -0.916, which is above ln 0.33 = -1.109
    assert long.tokens.tolist() == [[A, B, EOS]]  # -1.109 / (8 / 6) = -0.831
    torch.testing.assert_close(short.scores, torch.tensor([math.log(0.4)]))
    torch.testing.assert_close(long.scores, torch.tensor([math.log(0.33) * 6 / 8]))


def test_a_beginning_may_overtake_one_that_ended_by_growing_longer():
    advance = markov(BOS=(0.5, 0.4, 0.1), A=(0.0, 0.0, 1.0), B=(0.9, 0.0, 0.1))
    found = search(advance, beam_size=3, length_penalty=2.0)
    assert found.tokens.tolist() == [[A, B, EOS]]  # -1.022 / (8 / 6)^2 = -0.575, above ln 0.5
    torch.testing.assert_close(found.scores, torch.tensor([math.log(0.36) * 36 / 64]))


def test_an_end_leaves_its_place_to_the_next_beginning():
    advance = markov(BOS=(0.4, 0.35, 0.25), A=(0.0, 1.0, 0.0), B=(1.0, 0.0, 0.0))
    found = search(advance, beam_size=2, length_penalty=9.0)
    assert found.tokens.tolist() == [[B, EOS]]
    torch.testing.assert_close(found.scores, torch.tensor([math.log(0.25) * (6 / 7) ** 9]))


def test_nothing_goes_on_after_eos_even_where_the_beam_has_room():
    advance = markov(BOS=(0.5, 0.5, 0.0), A=(0.1, 0.9, 0.0), EOS=(1.0, 0.0, 0.0))
    found = search(advance, beam_size=9, length_penalty=1.0)
    assert found.tokens.tolist() == [[EOS]]
    torch.testing.assert_close(found.scores, torch.tensor([math.log(0.5)]))


def test_one_that_ended_goes_before_likelier_ones_that_were_cut():
    advance = markov(BOS=(0.1, 0.5, 0.4), A=(0.0, 1.0, 0.0), B=(0.0, 0.0, 1.0))
    assert search(advance, beam_size=3).tokens.tolist() == [[EOS]]
    cut = search(advance, beam_size=2)  # EOS is third, so nothing ends
    assert cut.tokens.tolist() == [[A] * 4]
    torch.testing.assert_close(cut.scores, torch.tensor([math.log(0.5)]))


@pytest.mark.parametrize("most", [1, 2, 4])
@pytest.mark.parametrize("alpha", [0.0, 0.7, 2.0])
def test_a_beam_wide_enough_finds_the_best_of_all_sequences(most, alpha):
    model, hidden = TinyWriter(), torch.randn(3, HIDDEN)
    found = search_tiny(model, hidden, beam_size=V**most, max_new_tokens=most, length_penalty=alpha)
    for tokens, score, start in zip(strip(found.tokens), found.scores, hidden, strict=True):
        scored = {
            sequence: total / ((5 + len(sequence)) / 6) ** alpha
            for sequence, total in every_hypothesis(model, start, most)
            if EOS in sequence
        }
        assert tokens == max(scored, key=scored.get)
        assert score.item() == pytest.approx(scored[tokens], rel=1e-5)


def test_where_nothing_can_end_the_best_that_is_cut():
    model, hidden = TinyWriter(), torch.randn(3, HIDDEN)
    with torch.no_grad():
        model.out_proj.bias[EOS] = -torch.inf
    found = search_tiny(model, hidden, beam_size=V**3, max_new_tokens=3, length_penalty=1.0)
    for tokens, score, start in zip(strip(found.tokens), found.scores, hidden, strict=True):
        cut = {s: total for s, total in every_hypothesis(model, start, 3) if len(s) == 3}
        assert tokens == max(cut, key=cut.get)
        assert score.item() == pytest.approx(cut[tokens] * 6 / 8, rel=1e-5)


@pytest.mark.parametrize("beam_size", [2, 3])
def test_agrees_with_transformers(beam_size):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)  # most rows end
    config = transformers.GPT2Config(
        vocab_size=11,
        n_positions=16,
        n_embd=8,
        n_layer=1,
        n_head=2,
        bos_token_id=BOS,
        eos_token_id=EOS,
        pad_token_id=PAD,
        initializer_range=1.0,
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    prompts = torch.tensor([[BOS, token] for token in range(3, 11)])
    theirs = model.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        num_beams=beam_size,
        max_new_tokens=12,
        do_sample=False,
        early_stopping=True,
        length_penalty=0.0,
    )

    def advance(ids, tokens):
        ids = torch.cat([ids, tokens], dim=1)
        return model(ids).logits[:, -1:], ids

    with evaluating(model):
        ours = beam_search(
            advance,
            prompts[:, :1],
            prompts[:, 1],
            select=lambda ids, rows: ids[rows],
            beam_size=beam_size,
            max_new_tokens=12,
            **SPECIAL,
        )
    ended = [(a, b) for a, b in zip(strip(ours), strip(theirs[:, 2:]), strict=True) if EOS in a]
    assert len(ended) > 4
    assert [a for a, _ in ended] == [b for _, b in ended]


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("most", [1, 3, 9])
def test_a_beam_of_one_is_greedy(most, alpha):
    model, hidden = TinyWriter(), torch.randn(40, HIDDEN)
    first = torch.full((40,), BOS)
    with evaluating(model):
        state = {"hidden": hidden}
        greedy = greedy_continue(model.advance, state, first, max_new_tokens=most, **SPECIAL)
    found = search_tiny(model, hidden, beam_size=1, max_new_tokens=most, length_penalty=alpha)
    assert torch.equal(found.tokens, greedy)


def test_a_beam_of_one_is_greedy_where_a_sum_cannot_tell_two_tokens_apart():
    def advance(count, tokens):
        """After a step of log-probability -99 999, A is ahead of B by less than a sum can hold."""
        last = [0.0, 0.0, 0.0, 1e-4, 0.0] if count else [0.0, -1e5, -1e5, -1e5, -1e5]
        return torch.tensor(last).expand(len(tokens), 1, V) + torch.randn(1), count + 1

    options = {"max_new_tokens": 2, **SPECIAL}
    greedy = greedy_continue(advance, 1, torch.tensor([BOS]), **options)
    assert search(advance, state=1, beam_size=1, max_new_tokens=2).tokens.equal(greedy)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 3.0])
@pytest.mark.parametrize("beam_size", [2, 3])
def test_rows_do_not_depend_on_each_other(beam_size, alpha):
    model, hidden = TinyWriter(), torch.randn(30, HIDDEN)
    options = {"beam_size": beam_size, "max_new_tokens": 8, "length_penalty": alpha}
    together = search_tiny(model, hidden, **options)
    alone = [search_tiny(model, start[None], **options) for start in hidden]
    assert strip(together.tokens) == [row for one in alone for row in strip(one.tokens)]
    torch.testing.assert_close(together.scores, torch.cat([one.scores for one in alone]))
    assert len({one.tokens.shape[1] for one in alone}) > 2


def test_tokens_and_scores_belong_together():
    model, hidden = TinyWriter(), torch.randn(ROWS, HIDDEN)
    found = search_tiny(model, hidden, beam_size=3, max_new_tokens=4, length_penalty=1.0)
    for tokens, score, start in zip(strip(found.tokens), found.scores, hidden, strict=True):
        totals = dict(every_hypothesis(model, start, 4))
        assert score.item() == pytest.approx(totals[tokens] * 6 / (5 + len(tokens)), rel=1e-5)


def test_an_exact_beam_is_never_less_likely_than_greed():
    model, hidden = TinyWriter(), torch.randn(40, HIDDEN)
    greedy, exact = (
        search_tiny(model, hidden, beam_size=size, max_new_tokens=4) for size in (1, V**4)
    )
    ended = (greedy.tokens == EOS).any(dim=1)
    assert ended.sum() > 5
    assert (exact.scores >= greedy.scores - 1e-6)[ended].all()
    assert (exact.scores > greedy.scores + 1e-3)[ended].any()


def test_after_eos_there_is_only_pad():
    found = search_tiny(TinyWriter(), torch.randn(30, HIDDEN), beam_size=2, max_new_tokens=6)
    for row, written in zip(found.tokens.tolist(), strip(found.tokens), strict=True):
        assert row == [*written, *[PAD] * (len(row) - len(written))]
    assert found.tokens.shape[1] == max(len(written) for written in strip(found.tokens))


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("beam_size", [1, 2, 9])
def test_no_step_is_taken_once_nothing_can_win(beam_size, alpha):
    calls = []
    likely_eos = markov(BOS=(0.9, 0.06, 0.04), A=(0.9, 0.06, 0.04), B=(0.9, 0.06, 0.04))

    def counted(state, tokens):
        calls.append(tokens.shape)
        return likely_eos(state, tokens)

    options = {"beam_size": beam_size, "length_penalty": alpha}
    found = search(counted, rows=4, max_new_tokens=50, **options)
    assert found.tokens.tolist() == [[EOS]] * 4
    assert calls == [(4 * beam_size, 1)]


@pytest.mark.parametrize(
    ("beam_size", "chances", "steps"),
    [
        (3, {"BOS": (0.45, 0.55, 0.0), "A": (0.45, 0.55, 0.0)}, 3),  # one ends in each step
        (
            2,
            {"BOS": (0.0, 0.5, 0.5), "A": (0.6, 0.4, 0.0), "B": (0.6, 0.0, 0.4)},
            2,
        ),  # both at once
    ],
)
def test_a_row_is_done_when_as_many_have_ended_as_the_beam_is_wide(beam_size, chances, steps):
    calls = []
    advance = markov(**chances)

    def counted(state, tokens):
        calls.append(tokens)
        return advance(state, tokens)

    search(counted, beam_size=beam_size, max_new_tokens=50, length_penalty=9.0)
    assert len(calls) == steps


def test_a_single_path_in_a_beam_that_is_wider_than_the_vocabulary():
    """Where all but one hypothesis is impossible, what the model says after those is NaN."""
    table = torch.full((V, V), -torch.inf)
    table[BOS, A] = table[A, B] = table[B, EOS] = 0.0
    found = search(lambda state, tokens: (table[tokens], state), rows=2, beam_size=3 * V)
    assert found.tokens.tolist() == [[A, B, EOS]] * 2
    assert found.scores.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_scores_are_float32_whatever_the_logits(dtype):
    logits = torch.tensor([0.0, 0.0, 4.0, 3.0, 1.0]).to(dtype)
    found = search(lambda state, tokens: (logits.expand(len(tokens), 1, V), state), beam_size=2)
    assert found.tokens.tolist() == [[EOS]]
    torch.testing.assert_close(found.scores, logits.float().log_softmax(dim=0)[EOS:A])


def test_no_row():
    found = search(markov(BOS=(1.0, 0.0, 0.0)), rows=0, beam_size=2)
    assert found.tokens.shape == (0, 0)
    assert found.scores.shape == (0,)


def test_search_returns_the_tokens_of_the_best():
    model, first = TinyWriter(), torch.full((ROWS,), BOS)
    state = {"hidden": torch.randn(ROWS, HIDDEN)}
    kept = state["hidden"].clone()
    options = {"select": choose, "beam_size": 3, "max_new_tokens": 5, "length_penalty": 0.6}
    with evaluating(model):
        tokens = beam_search(model.advance, state, first, **options, **SPECIAL)
        best = best_hypotheses(model.advance, state, first, **options, **SPECIAL)
    assert torch.equal(tokens, best.tokens)
    assert torch.equal(state["hidden"], kept)
    assert first.tolist() == [BOS] * ROWS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_size": 0}, "beam_size must be at least 1, got 0"),
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1, got 0"),
        ({"length_penalty": -0.5}, "length_penalty must be at least 0, got -0.5"),
        ({"length_penalty": math.nan}, "length_penalty must be at least 0, got nan"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        search(markov(BOS=(1.0, 0.0, 0.0)), **({"beam_size": 2} | options))
