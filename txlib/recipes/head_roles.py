"""What each head of a translator looks at, scored against the grammar and against chance."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from txlib.attention import MultiHeadAttention, silence_heads
from txlib.capture import capture_weights
from txlib.checks import check_kind, check_sequence, check_text, check_whole, shown
from txlib.data.batching import make_batch
from txlib.data.grammar import Pair, detokenize
from txlib.generation import evaluating
from txlib.metrics import diagonal_alignment
from txlib.metrics.heads import link_scores, offset_links, referent_links, spread, uniform_heads
from txlib.recipes.argument_checks import check_grammar_pairs
from txlib.recipes.translator import Translator

LOOKS = ("encoder", "decoder", "cross")
MODULES = {  # kind of translator: each look's modules, of which a stack has one a block
    "attention_only": {
        "encoder": "encoder_look.attention",
        "decoder": "decoder_look.attention",
        "cross": "cross_look.attention",
    },
    "transformer": {
        "encoder": "encoder.{}.attention",
        "decoder": "decoder.{}.attention",
        "cross": "decoder.{}.cross_attention",
    },
}
Head = tuple[str, int]  # a name in LOOKS, and its number, counted through the layers from below
Pattern = Callable[[Pair], frozenset[tuple[int, int]]]


def _word(offset: int) -> Pattern:
    return lambda pair: offset_links(len(pair.source), offset)


def _token(offset: int) -> Pattern:  # BOS, then all words but the last
    return lambda pair: offset_links(len(pair.target), offset)


PATTERNS: dict[str, dict[str, Pattern]] = {
    "encoder": {
        "previous word": _word(-1),
        "same word": _word(0),
        "next word": _word(1),
        "sentence end": lambda pair: frozenset(
            (q, len(pair.source)) for q in range(len(pair.source))
        ),
        "referent": referent_links,
    },
    "decoder": {
        "previous word": _token(-1),
        "same word": _token(0),
        "sentence start": lambda pair: frozenset((q, 0) for q in range(1, len(pair.target))),
    },
    "cross": {
        "alignment": lambda pair: pair.alignment,
        "sentence end": lambda pair: frozenset(
            (q, len(pair.source)) for q in range(len(pair.target))
        ),
    },
}


def check_heads(name: str, heads: Any) -> None:
    """Refuse what is no sequence of heads, each a look and a number.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    check_sequence(name, heads, "heads")
    for head in heads:
        if not isinstance(head, tuple) or len(head) != 2:
            raise ValueError(f"{name} must be (look, number) each, got {shown(head)}")
        check_text(f"a look of {name}", head[0])
        check_whole(f"a number of {name}", head[1])


def look_modules(translator: Translator) -> dict[str, tuple[str, ...]]:
    """The names of each look's attention modules, from the lowest layer up.

    Raises:
        ValueError: if the translator is of a kind that is not in `MODULES`.
    """
    check_kind("translator", translator, Translator)
    if translator.kind not in MODULES:
        raise ValueError(f"translator must be one of {tuple(MODULES)}, got {translator.kind!r}")
    first = MODULES[translator.kind]["encoder"].format(0)
    attention = translator.model.get_submodule(first)
    if not isinstance(attention, MultiHeadAttention):
        raise ValueError(f"translator must have several heads in a look, got {shown(attention)}")
    layers = range(getattr(translator.model.config, "num_layers", 1))
    return {
        look: tuple(dict.fromkeys(name.format(layer) for layer in layers))
        for look, name in MODULES[translator.kind].items()
    }


@contextmanager
def silenced(translator: Translator, heads: Sequence[Head]) -> Iterator[None]:
    """Within the block, these heads of a translator are silent.

    Raises:
        ValueError: if there is no such look or head.
    """
    modules = look_modules(translator)
    with ExitStack() as stack:
        check_heads("heads", heads)
        for look, head in heads:
            if look not in modules:
                raise ValueError(f"look must be one of {LOOKS}, got {look!r}")
            layer, number = divmod(head, translator.model.config.num_heads)
            if not 0 <= layer < len(modules[look]):
                raise ValueError(f"head must be one of the {look}'s, got {head}")
            attention = translator.model.get_submodule(modules[look][layer])
            stack.enter_context(silence_heads(attention, [number]))
        yield


def head_weights(translator: Translator, pairs: list[Pair]) -> dict[str, list[Tensor]]:
    """The weights of every look while the translator is told to write the references.

    In the decoder, row t is the step that predicts target word t, and key t is the word before it,
    the start of the sentence for t = 0. The step that predicts the end is left out. Source keys
    end with the source's end.

    Args:
        translator: of a kind in `MODULES`, with words as tokens.
        pairs: of the grammar.

    Returns:
        By look, for each pair (H, T_q, T_k) on the CPU: encoder (H, T_s, T_s + 1), decoder
        (H, T_t, T_t), cross (H, T_t, T_s + 1). H are the heads of all layers, from below.

    Raises:
        ValueError: if the translator is of another kind, or a sentence is not split into the
            grammar's words.
    """
    modules = look_modules(translator)
    if translator.tokenizer != "word":
        raise ValueError(f"translator must have words as tokens, got {translator.tokenizer!r}")
    check_grammar_pairs("pairs", pairs)
    device = next(translator.model.parameters()).device
    encoded = translator.encode_pairs([(detokenize(p.source), detokenize(p.target)) for p in pairs])
    found: dict[str, list[Tensor]] = {look: [] for look in LOOKS}
    for pair, (source, target) in zip(pairs, encoded, strict=True):
        T_s, T_t = len(pair.source), len(pair.target)
        if (len(source), len(target)) != (T_s, T_t):
            raise ValueError(f"each word must be one token, got {len(source)} for {pair.source}")
        batch = make_batch([(source, target)]).to(device)
        with evaluating(translator.model), capture_weights(translator.model) as captured:
            translator.model(batch.source, batch.source_mask, batch.target_in)
        shapes = {"encoder": (T_s, T_s + 1), "decoder": (T_t, T_t), "cross": (T_t, T_s + 1)}
        for look, (T_q, T_k) in shapes.items():
            layers = [torch.cat(captured[name], dim=-2)[0] for name in modules[look]]
            heads = torch.cat(layers)  # (H, T, T)
            found[look].append(heads[:, :T_q, :T_k].cpu())
    return found


def head_roles(translator: Translator, pairs: list[Pair]) -> dict[str, Any]:
    """Scores of every head, and what heads get that know nothing.

    Returns:
        By look, `"scores"`: by pattern, one number a head (see `link_scores`); `"chance"`: by
        pattern, what a head gets that looks at every visible token alike; `"spread"`, one number a
        head. For the cross look also `"diagonal"`: what a head gets that always looks at the same
        relative place.

    Raises:
        ValueError: as `head_weights`, or if no pair has a referent.
    """
    roles: dict[str, Any] = {}
    for look, weights in head_weights(translator, pairs).items():
        causal = look == "decoder"
        even = [uniform_heads(*heads.shape[1:], is_causal=causal) for heads in weights]
        links = {name: [f(pair) for pair in pairs] for name, f in PATTERNS[look].items()}
        roles[look] = {
            "scores": {name: link_scores(weights, found).tolist() for name, found in links.items()},
            "chance": {name: link_scores(even, found).item() for name, found in links.items()},
            "spread": spread(weights, is_causal=causal).tolist(),
        }
    diagonal = [_always_there(len(pair.target), len(pair.source)) for pair in pairs]
    gold = [pair.alignment for pair in pairs]
    roles["cross"]["diagonal"] = link_scores(diagonal, gold).item()
    return roles


def _always_there(T_q: int, T_k: int) -> Tensor:
    """One head (1, T_q, T_k) with all of its weight on the diagonal."""
    weights = torch.zeros(1, T_q, T_k)
    for query, key in diagonal_alignment(T_q, T_k):
        weights[0, query, key] = 1
    return weights
