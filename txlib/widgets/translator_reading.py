"""Runs a translator, and reads what its attention did: the entries of a `TranslatorExplorer`."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from txlib.widgets.translator_entries import KINDS, TranslatorEntry
from txlib.widgets.weights import MOST_TOKENS

if TYPE_CHECKING:
    from torch import Tensor

MODULES = {
    "encoder": "encoder.{}.attention",
    "decoder": "decoder.{}.attention",
    "cross": "decoder.{}.cross_attention",
}
WORD = re.compile(r"[\w'\N{RIGHT SINGLE QUOTATION MARK}-]+|[^\w\s]")
RIVALS = 2
Referents = Mapping[str, Any] | Callable[[str], Any]


def read_translations(
    translator: Any,
    sentences: Sequence[str],
    *,
    max_new_tokens: int | None = None,
    referents: Referents | None = None,
) -> list[TranslatorEntry]:
    """Translate greedily, then read probabilities and weights in one teacher-forced pass each.

    Args:
        translator: as `txlib.recipes.translator.Translator`: a `model` of encoder and decoder
            blocks, its tokenizers `source` and `target`, and `lowercase`.
        sentences: as written.
        max_new_tokens: where to cut a translation that does not end; by default at twice the
            source's tokens and ten more, and in any case at 64.
        referents: for a sentence its `TranslatorEntry.referent`, or None: a mapping or a function.
            Target positions that lie behind the end of a translation are left out.

    Raises:
        ValueError: if a sentence is empty, too long, or holds words that the model does not know,
            or the model is no Transformer.
    """
    import torch

    from txlib.data.batching import make_batch
    from txlib.data.vocabulary import EOS

    texts = [understood(translator, text) for text in sentences]
    encoded = [translator.source.encode(text) for text in texts]
    if not encoded:
        return []
    find = referents.get if isinstance(referents, Mapping) else referents or (lambda text: None)
    device = next(translator.model.parameters()).device
    batch = make_batch([(ids, ()) for ids in encoded]).to(device)
    limits = [min(max_new_tokens or 2 * len(ids) + 10, MOST_TOKENS) for ids in encoded]
    rows = translator.model.greedy_decode(
        batch.source, batch.source_mask, max_new_tokens=max(limits)
    )
    entries = []
    for text, ids, row, limit in zip(sentences, encoded, rows.tolist(), limits, strict=True):
        written = row[:limit]
        if EOS in written:
            written = written[: written.index(EOS) + 1]
        words = [token for token in written if token != EOS]
        one = make_batch([(ids, words)]).to(device)
        start = one.target_in[:, : len(written)]  # one shorter, where the end was not written
        logits, weights = _read(translator.model, one.source, one.source_mask, start)
        chances = logits.softmax(dim=-1, dtype=torch.float32)  # (T_t, V)
        entries.append(
            TranslatorEntry(
                text=text,
                translation=translator.target.decode(words),
                source=_words(translator.source, [*ids, EOS]),
                target=_words(translator.target, written),
                probabilities=chances[range(len(written)), written].clamp(0, 1).tolist(),
                rivals=_rivals(translator.target, chances, written),
                referent=_within(find(text), len(written)),
                **weights,
            )
        )
    return entries


def understood(translator: Any, text: str) -> str:
    """`text` as the translator can read it: folded to lower case where that makes words known.

    Raises:
        ValueError: if it is blank, longer than 63 tokens, or holds unknown words, which are named.
    """
    from txlib.data.vocabulary import UNK

    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"a sentence must be text that is not blank, got {text!r}")
    if UNK in translator.source.encode(text) or translator.lowercase:
        text = text.lower()
    ids = translator.source.encode(text)
    if UNK in ids:
        unknown = [word for word in WORD.findall(text) if UNK in translator.source.encode(word)]
        named = ", ".join(repr(word) for word in dict.fromkeys(unknown))
        raise ValueError(
            f"a sentence must be made of words that the model knows: among its "
            f"{len(translator.source)} tokens there is no {named}"
        )
    if len(ids) >= MOST_TOKENS:
        raise ValueError(f"a sentence must have at most {MOST_TOKENS - 1} tokens, got {len(ids)}")
    return text


def _read(
    model: Any, source: "Tensor", source_mask: "Tensor", target_in: "Tensor"
) -> tuple["Tensor", dict[str, "Tensor"]]:
    """Logits (T_t, V) of one sentence, and by kind the weights (layers, heads, T_q, T_k)."""
    import torch

    from txlib.capture import capture_weights
    from txlib.generation import evaluating

    with evaluating(model), capture_weights(model) as kept:
        logits = model(source, source_mask, target_in)
    weights = {}
    for kind in KINDS:
        layers = [MODULES[kind].format(i) for i in range(len(kept))]
        found = [kept[name][0][0].float().cpu() for name in layers if name in kept]
        if not found:
            raise ValueError(
                f"translator must be of kind 'transformer', whose attention modules are named like "
                f"{layers[0]!r}, got {sorted(kept)}"
            )
        weights[kind] = torch.stack(found)
    return logits[0].cpu(), weights


def _words(tokenizer: Any, ids: Sequence[int]) -> list[str]:
    from txlib.data.vocabulary import SPECIAL_TOKENS

    special = dict(enumerate(SPECIAL_TOKENS))
    return [special.get(i) or tokenizer.decode([i]) for i in ids]


def _rivals(
    tokenizer: Any, chances: "Tensor", written: Sequence[int]
) -> list[list[tuple[str, float]]]:
    best = chances.topk(min(RIVALS + 1, chances.shape[-1]), dim=-1)
    rows = zip(best.indices.tolist(), best.values.clamp(0, 1).tolist(), written, strict=True)
    return [
        [(_words(tokenizer, [i])[0], p) for i, p in zip(ids, ps, strict=True) if i != own][:RIVALS]
        for ids, ps, own in rows
    ]


def _within(referent: Any, num_target: int) -> Any:
    """A referent without the target's positions, where the translation has no such words."""
    names = ("source_pronoun", "source_noun", "target_pronoun", "target_noun")
    if hasattr(referent, names[0]):
        referent = [getattr(referent, name) for name in names]
    if not isinstance(referent, Sequence) or len(referent) < 4 or max(referent[2:]) < num_target:
        return referent
    return referent[:2]
