"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch

from txlib.attention import MultiHeadAttention, silence_heads
from txlib.exercises import check
from txlib.exercises.multi_head import EXERCISES


def by_features(q, k, v, out, num_heads, keep):
    own = torch.arange(len(q)).view(num_heads, -1)[keep].flatten()
    return q[own], k[own], v[own], out[:, own]


def by_views(q, k, v, out, num_heads, keep):
    rows = [w.unflatten(0, (num_heads, -1))[keep].flatten(0, 1) for w in (q, k, v)]
    return [*rows, out.unflatten(1, (num_heads, -1))[:, keep].flatten(1)]


def by_slices(q, k, v, out, num_heads, keep):
    d = q.shape[0] // num_heads

    def cut(w):
        return torch.cat([w[h * d : (h + 1) * d] for h in keep])

    return cut(q), cut(k), cut(v), cut(out.T).T


def by_stacking(q, k, v, out, num_heads, keep):
    pieces = [torch.stack(w.chunk(num_heads))[keep].reshape(-1, w.shape[1]) for w in (q, k, v)]
    return (*pieces, torch.cat([out.chunk(num_heads, dim=1)[h] for h in keep], dim=1))


def gone(num_heads, keep):
    return [h for h in range(num_heads) if h not in keep]


def own_features(width, num_heads, keep):
    return torch.arange(width).view(num_heads, -1)[keep].flatten()


def chosen(q, num_heads, keep):
    """True for each feature of a head that stays."""
    d = len(q) // num_heads
    return torch.tensor([f // d in keep for f in range(len(q))])


def of_width(width):
    def answer(q, k, v, out, num_heads, keep):
        d = width(q, num_heads, keep)
        blocks = [slice(h * d, (h + 1) * d) for h in keep]
        rows = [torch.cat([w[b] for b in blocks]) for w in (q, k, v)]
        return (*rows, torch.cat([out[:, b] for b in blocks], dim=1))

    return answer


def out_by(reorder):
    def answer(q, k, v, out, num_heads, keep):
        d = len(q) // num_heads
        return (*by_views(q, k, v, out, num_heads, keep)[:3], reorder(out, num_heads, d, keep))

    return answer


def silenced(q, k, v, out, num_heads, keep):
    stays = chosen(q, num_heads, keep)
    return q * stays[:, None], k * stays[:, None], v * stays[:, None], out * stays


def masked(q, k, v, out, num_heads, keep):
    stays = chosen(q, num_heads, keep)
    return q[stays], k[stays], v[stays], out[:, stays]


def dealt(q, k, v, out, num_heads, keep):
    rows = [w.unflatten(0, (-1, num_heads))[:, keep].flatten(0, 1) for w in (q, k, v)]
    return (*rows, out.unflatten(1, (-1, num_heads))[:, :, keep].flatten(1))


def turned(q, k, v, out, num_heads, keep):
    own = own_features(len(q), num_heads, keep)
    return q[:, own], k[:, own], v[:, own], out[own]


WRONG = {
    "removes-them": [lambda q, k, v, o, n, keep: by_features(q, k, v, o, n, gone(n, keep))],
    "ascending": [masked, lambda q, k, v, o, n, keep: by_slices(q, k, v, o, n, sorted(keep))],
    "rows-of-out": [
        lambda q, k, v, o, n, keep: [w[own_features(len(q), n, keep)] for w in (q, k, v, o)],
    ],
    "columns-everywhere": [
        lambda q, k, v, o, n, keep: [w[:, own_features(len(q), n, keep)] for w in (q, k, v, o)],
    ],
    "both-turned": [turned],
    "out-whole": [lambda q, k, v, o, n, keep: (*by_views(q, k, v, o, n, keep)[:3], o)],
    "projection-whole": [
        lambda q, k, v, o, n, keep: (
            *by_views(q, k, v, o, n, keep)[:2],
            v,
            by_features(q, k, v, o, n, keep)[3],
        ),
        lambda q, k, v, o, n, keep: (
            by_views(q, k, v, o, n, keep)[0],
            k,
            v,
            by_features(q, k, v, o, n, keep)[3],
        ),
    ],
    "silenced": [
        silenced,
        lambda q, k, v, o, n, keep: (q, k, v, o.masked_fill(~chosen(q, n, keep), 0)),
    ],
    "one-row-a-head": [lambda q, k, v, o, n, keep: (q[keep], k[keep], v[keep], o[:, keep])],
    "dealt-like-cards": [dealt],
    "width-from-d-model": [of_width(lambda q, n, keep: q.shape[1] // n)],
    "width-from-keep": [of_width(lambda q, n, keep: len(q) // len(keep))],
    "view-for-transpose": [
        out_by(lambda o, n, d, keep: o.view(n, len(o), d)[keep].transpose(0, 1).flatten(1)),
        out_by(lambda o, n, d, keep: o.view(n, d, -1)[keep].permute(2, 0, 1).flatten(1)),
    ],
}


@pytest.mark.parametrize("answer", [by_features, by_views, by_slices, by_stacking])
def test_right_answers_pass(answer):
    verdict = check("keep_heads", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("keep_heads", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["keep_heads"].misconceptions}


def module_of(weights, num_heads):
    width, d_model = weights[0].shape
    attention = MultiHeadAttention(d_model, num_heads, head_dim=width // num_heads).double()
    with torch.no_grad():
        for name, weight in zip(("q_proj", "k_proj", "v_proj", "out_proj"), weights, strict=True):
            getattr(attention, name).weight.copy_(weight)
    return attention


def test_what_is_asked_does_what_silence_does():
    random = torch.Generator().manual_seed(4)
    shapes = (12, 7), (12, 7), (12, 7), (7, 12)
    weights = [torch.randn(s, generator=random, dtype=torch.float64) for s in shapes]
    x = torch.randn(2, 5, 7, generator=random, dtype=torch.float64)
    keep_heads = EXERCISES["keep_heads"].reference
    whole, small = module_of(weights, 4), module_of(keep_heads(*weights, 4, [3, 0]), 2)
    with silence_heads(whole, [1, 2]):
        torch.testing.assert_close(small(x), whole(x))
    shuffled = module_of(keep_heads(*weights, 4, [2, 0, 3, 1]), 4)
    torch.testing.assert_close(shuffled(x), whole(x))


def test_sorting_the_list_in_place_is_noticed():
    def answer(q, k, v, out, num_heads, keep):
        keep.sort()
        return by_features(q, k, v, out, num_heads, keep)

    assert check("keep_heads", answer).diagnosis == "mutates"


def test_a_view_to_the_width_of_the_model_shows_the_learners_line():
    def answer(q, k, v, out, num_heads, keep):
        d = q.shape[1] // num_heads
        return [w.view(num_heads, d, len(out))[keep].flatten(0, 1) for w in (q, k, v)] + [out]

    verdict = check("keep_heads", answer)
    assert verdict.diagnosis == "raises"
    assert "is invalid for input of size 54` at the line `return [w.view(" in verdict.message
