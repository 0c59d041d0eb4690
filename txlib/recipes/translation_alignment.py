"""How well a translator's looks agree with the grammar's gold alignment."""

from typing import Any

import torch
from torch import Tensor

from txlib.capture import capture_weights
from txlib.checks import check_kind
from txlib.data.batching import make_batch
from txlib.data.grammar import Pair, detokenize
from txlib.generation import evaluating
from txlib.metrics import (
    alignment_error_rate,
    diagonal_alignment,
    expected_alignment_error_rate,
    hard_alignment,
)
from txlib.recipes.argument_checks import check_grammar_pairs
from txlib.recipes.translator import Translator

CROSS_LOOKS = {  # kind: how the names of its looks at the source end
    "attention": "look",
    "attention_only": "cross_look.attention",
    "transformer": "cross_attention",
}


def can_align(translator: Translator) -> bool:
    """Whether each of the translator's tokens is a word, and it looks at the source's words."""
    check_kind("translator", translator, Translator)
    return translator.kind in CROSS_LOOKS and translator.tokenizer == "word"


def cross_weights(translator: Translator, pairs: list[Pair]) -> list[Tensor]:
    """What each target word looks at while the translator is told to write the reference.

    Row t holds the weights of the step that predicts target word t; the step that predicts the end
    of the sentence is left out, as the gold alignment has no link for it. The last column is the
    source's end, which a word may look at too; no gold link leads there. Of several looks at the
    source the last counts, of several heads their mean.

    Args:
        translator: of a kind in `CROSS_LOOKS`, with words as tokens.
        pairs: of the grammar.

    Returns:
        One (T_t, T_s + 1) a pair, on the CPU, in the order of `pairs`.

    Raises:
        ValueError: if `can_align` says no, or a sentence is not split into the grammar's words.
    """
    if not can_align(translator):
        raise ValueError(
            f"translator must look back, word by word: one of {sorted(CROSS_LOOKS)} on words, got "
            f"{translator.kind!r} on {translator.tokenizer!r}"
        )
    check_grammar_pairs("pairs", pairs)
    device = next(translator.model.parameters()).device
    encoded = translator.encode_pairs([(detokenize(p.source), detokenize(p.target)) for p in pairs])
    for pair, (source, target) in zip(pairs, encoded, strict=True):
        if (len(source), len(target)) != (len(pair.source), len(pair.target)):
            raise ValueError(f"each word must be one token, got {len(source)} for {pair.source}")
    found: dict[int, Tensor] = {}
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i].source))
    for start in range(0, len(order), 64):
        members = order[start : start + 64]
        batch = make_batch([encoded[i] for i in members]).to(device)
        with evaluating(translator.model), capture_weights(translator.model) as captured:
            translator.model(batch.source, batch.source_mask, batch.target_in)
        *_, last = (name for name in captured if name.endswith(CROSS_LOOKS[translator.kind]))
        weights = torch.cat(captured[last], dim=-2).cpu()  # (B, T_t, T_s), or (B, H, T_t, T_s)
        if weights.ndim == 4:
            weights = weights.mean(dim=1)
        for i, row in zip(members, weights, strict=True):
            found[i] = row[: len(pairs[i].target), : len(pairs[i].source) + 1]
    return [found[i] for i in range(len(pairs))]


def alignment_scores(translator: Translator, pairs: list[Pair]) -> dict[str, Any]:
    """Alignment error rates, 0 to 1, of the translator and of two guessers.

    Returns:
        `"count"` of pairs; `"hard"`, each word linked to where it looks most; `"expected"`, the
        weights taken as probabilities; and the guessers, who choose among the source's words alone:
        `"diagonal"`, and `"uniform"`, every link equally likely.

    Raises:
        ValueError: as `cross_weights`.
    """
    check_grammar_pairs("pairs", pairs)
    gold = [pair.alignment for pair in pairs]
    weights = cross_weights(translator, pairs)
    shapes = [(len(pair.target), len(pair.source)) for pair in pairs]
    return {
        "count": len(pairs),
        "hard": alignment_error_rate([hard_alignment(w) for w in weights], gold),
        "expected": expected_alignment_error_rate(weights, gold),
        "diagonal": alignment_error_rate([diagonal_alignment(*shape) for shape in shapes], gold),
        "uniform": expected_alignment_error_rate(
            [torch.full(shape, 1 / shape[1], dtype=torch.float64) for shape in shapes], gold
        ),
    }
