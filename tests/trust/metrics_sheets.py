"""What the callables of `txlib.metrics` may be given."""

from collections.abc import Set as AbstractSet

import torch
from hypothesis import strategies as st
from kinds import Kind, any_text, flag, is_whole, junk, made, not_callable, nothing, tensor, whole
from sheets import Sheet
from torch import nn

from txlib import metrics
from txlib.data import grammar
from txlib.metrics import head_importance, heads

(PAIR,) = grammar.generate("train", 1)


def texts(count):
    """`count` strings in a list or a tuple."""

    def holds(value):
        listed = isinstance(value, (list, tuple))
        return listed and len(value) == count and all(isinstance(v, str) for v in value)

    good = st.lists(any_text(), min_size=count, max_size=count)
    other = st.lists(any_text(), max_size=count + 1) | st.lists(junk(), max_size=count)
    return Kind(junk() | good | other, holds)


def numbers(lawful):
    """Whole numbers in a list or a tuple."""
    listed = st.lists(st.integers(-2, 9), max_size=4) | st.lists(junk(), max_size=3)
    return Kind(
        junk() | listed,
        lambda v: isinstance(v, (list, tuple)) and all(map(is_whole, v)) and lawful(v),
    )


def links(sentences, *, inside=None):
    """A set of pairs of positions a sentence."""

    def fits(link):
        whole_pair = (
            isinstance(link, tuple) and len(link) == 2 and all(is_whole(p, 0) for p in link)
        )
        return whole_pair and (inside is None or (link[0] < inside[0] and link[1] < inside[1]))

    def holds(value):
        listed = isinstance(value, (list, tuple)) and len(value) == sentences
        if not listed or not all(isinstance(s, AbstractSet) for s in value):
            return False
        lawful = all(fits(link) for s in value for link in s)
        return lawful if any(value) else None

    good = st.frozensets(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=4)
    odd = st.frozensets(
        st.tuples(st.integers(-1, 1), st.sampled_from([0, 1.5, True, "a"])), max_size=2
    )
    several = st.lists(good | odd, min_size=1, max_size=sentences + 1)
    return Kind(junk() | several | st.lists(junk(), min_size=1, max_size=2), holds)


def rows(shape):
    """Rows of weights."""
    if not shape or not shape[-1]:
        return torch.zeros(shape)
    return (torch.rand(shape) + 0.1).softmax(dim=-1)


def are_rows(x):
    sums = x.double().sum(-1)
    return bool((x >= 0).all() and (((sums - 1).abs() < 9e-3) | (sums == 0)).all())


def matrix(shape=(3, 4)):
    """A matrix of rows: a tensor, an array, nested lists."""
    drawn = tensor(shape, are_rows, of=rows)
    listed = st.sampled_from([rows(shape).tolist(), rows(shape).numpy(), torch.zeros(shape)])

    def holds(value):
        try:
            x = torch.as_tensor(value)
        except (TypeError, ValueError, RuntimeError):
            return False
        if x.dtype in (torch.int64, torch.bool, torch.int32, torch.float16):
            return None
        return x.ndim == 2 and x.numel() > 0 and not x.is_complex() and are_rows(x)

    return Kind(drawn.values | listed, holds)


def sentences_of_weights():
    """For each of two sentences (2, 3, 4)."""
    drawn = tensor((2, 3, 4), are_rows, of=rows)
    one = drawn.values | st.just(torch.full((2, 3, 4), 0.25))
    listed = st.lists(one, min_size=1, max_size=2).map(lambda x: [*x, rows((2, 3, 4))][:2])

    def holds(value):
        if isinstance(value, torch.Tensor):
            return None
        if not isinstance(value, list) or len(value) != 2:
            return False
        if not all(isinstance(x, torch.Tensor) and x.is_floating_point() for x in value):
            return False
        if value[0].ndim == value[1].ndim == 3 and {v.shape for v in value} != {(2, 3, 4)}:
            return None  # a lawful pattern of another shape
        return all(
            x.shape == (2, 3, 4) and (x.dtype == torch.float16 or are_rows(x)) for x in value
        )

    return Kind(junk() | listed, holds)


def in_unit(result, arguments):
    return 0 <= result <= 1


SAID, MEANT = ["a b c d e"], ["a b c d f"]
PARALLEL = {"hypotheses": texts(1), "references": texts(1)}
RATES = {"gold": links(1), "possible": links(1) | nothing()}
SHEETS = {
    "corpus_bleu": Sheet(
        call=metrics.corpus_bleu,
        good=lambda: {"hypotheses": list(SAID), "references": list(MEANT)},
        kinds=PARALLEL,
        right=lambda score, a: 0 <= score <= 100.0001,
    ),
    "exact_match": Sheet(
        call=metrics.exact_match,
        good=lambda: {"hypotheses": list(SAID), "references": list(MEANT)},
        kinds=PARALLEL,
        right=lambda share, a: share == float(a["hypotheses"][0] == a["references"][0]),
    ),
    "score_by_length": Sheet(
        call=metrics.score_by_length,
        good=lambda: {
            "hypotheses": list(SAID), "references": list(MEANT), "lengths": [5], "edges": [1, 9],
        },
        kinds=PARALLEL
        | {
            "lengths": numbers(lambda v: len(v) == 1),
            "edges": numbers(lambda v: len(v) > 1 and list(v) == sorted(set(v))),
        },
        right=lambda scores, a: all(s.count == 1 and s.low <= 5 <= s.high for s in scores)
        if a["lengths"] == [5]
        else True,
    ),
    "hard_alignment": Sheet(
        call=metrics.hard_alignment,
        good=lambda: {"weights": rows((3, 4))},
        kinds={"weights": matrix()},
        right=lambda found, a: len({q for q, _ in found}) == len(found),
    ),
    "diagonal_alignment": Sheet(
        call=metrics.diagonal_alignment,
        good=lambda: {"T_q": 3, "T_k": 4},
        kinds={"T_q": whole(1), "T_k": whole(1)},
        right=lambda found, a: len(found) == a["T_q"] and all(0 <= k < a["T_k"] for _, k in found),
    ),
    "alignment_error_rate": Sheet(
        call=metrics.alignment_error_rate,
        good=lambda: {"predicted": [{(0, 1)}], "gold": [{(0, 0), (0, 1)}], "possible": None},
        kinds={"predicted": links(1), **RATES},
        says={"predicted": ("gold",), "gold": ("predicted",)},
        right=in_unit,
    ),
    "expected_alignment_error_rate": Sheet(
        call=metrics.expected_alignment_error_rate,
        good=lambda: {"weights": [rows((3, 4))], "gold": [{(0, 0), (0, 1)}], "possible": None},
        kinds={
            "weights": Kind(
                junk() | matrix().values.map(lambda x: [x]),
                lambda v: matrix().lawful(v[0]) if isinstance(v, list) and len(v) == 1 else
                None if isinstance(v, torch.Tensor) and v.ndim else False,
            ),
            "gold": links(1, inside=(3, 4)),
            "possible": links(1, inside=(3, 4)) | nothing(),
        },
        says={name: ("links", "weights") for name in ("gold", "possible", "weights")},
        right=in_unit,
    ),
    "share_by_distance": Sheet(
        call=metrics.share_by_distance,
        good=lambda: {"scores": torch.randn(4, 4), "is_causal": False},
        kinds={
            "scores": tensor(
                (4, 4),
                lambda x: bool(x.isfinite().all()) and bool((x != x[:, :1]).any()),
                dtypes=(torch.float32, torch.float64, torch.float16),
            ),
            "is_causal": flag(),
        },
        right=lambda share, a: -1e-9 <= share <= 1 + 1e-9,
    ),
    "megabytes_kept": Sheet(
        call=lambda function: metrics.megabytes_kept(function, torch.ones(2)),
        good=lambda: {"function": torch.exp},
        kinds={"function": not_callable()},
        right=lambda held, a: held >= 0,
    ),
    "peak_megabytes": Sheet(
        call=lambda function: metrics.peak_megabytes(function),
        good=lambda: {"function": lambda: torch.ones(2)},
        kinds={"function": Kind(junk(), lambda v: None if callable(v) else False)},
    ),
    "link_scores": Sheet(
        call=heads.link_scores,
        good=lambda: {
            "weights": [rows((2, 3, 4)), rows((2, 3, 4))],
            "links": [{(0, 1)}, {(1, 1), (1, 2)}],
        },
        kinds={"weights": sentences_of_weights(), "links": links(2, inside=(3, 4))},
        says={"weights": ("links",)},
        right=lambda scores, a: bool(((scores >= 0) & (scores <= 1.01)).all()),
    ),
    "spread": Sheet(
        call=heads.spread,
        good=lambda: {"weights": [rows((2, 3, 4)), rows((2, 3, 4))], "is_causal": False},
        kinds={"weights": sentences_of_weights(), "is_causal": flag()},
        right=lambda even, a: bool((even >= 0).all()) and len(even) == len(a["weights"][0]),
    ),
    "uniform_heads": Sheet(
        call=heads.uniform_heads,
        good=lambda: {"T_q": 2, "T_k": 3, "is_causal": False},
        kinds={"T_q": whole(1), "T_k": whole(1), "is_causal": flag()},
        right=lambda x, a: x.shape == (1, a["T_q"], a["T_k"]) and are_rows(x),
    ),
    "offset_links": Sheet(
        call=heads.offset_links,
        good=lambda: {"T": 3, "offset": 1},
        kinds={"T": whole(1), "offset": whole()},
        right=lambda found, a: all(k - q == a["offset"] and 0 <= k < a["T"] for q, k in found),
    ),
    "referent_links": Sheet(
        call=heads.referent_links,
        good=lambda: {"pair": PAIR},
        kinds={"pair": made(lambda v: v is PAIR, lambda: PAIR)},
    ),
    "head_importance": Sheet(
        call=head_importance.head_importance,
        good=lambda: {"model": nn.Linear(1, 1), "batches": []},
        kinds={
            "model": Kind(junk() | st.just(nn.Linear(1, 1)), lambda v: False),
            "batches": Kind(junk(), lambda v: False),
        },
        says={"batches": ("model",)},
    ),
}  # fmt: skip
