"""What a reader sees of one translated sentence: words, probabilities, every head's weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from txlib.widgets.validation import check_integer, check_number, check_string, check_text
from txlib.widgets.weights import COARSE, check_tokens, check_weights, to_bytes

KINDS = ("encoder", "decoder", "cross")
START = "<bos>"  # what the decoder reads before the first word
MOST_RIVALS, DIGITS = 4, 4


@dataclass(frozen=True, kw_only=True, eq=False)
class TranslatorEntry:
    """A sentence, its translation, and the weights with which a Transformer wrote it.

    Args:
        text: the sentence as written.
        translation: the translation as written.
        source: T_s tokens that the encoder read.
        target: T_t tokens that the decoder wrote, its end of sentence included.
        probabilities: T_t numbers from 0 to 1: the model's own, for the token it wrote.
        encoder: (layers, heads, T_s, T_s), self-attention.
        decoder: (layers, heads, T_t, T_t). Query t writes target t; key 0 is the start of
            sentence, key t the target t - 1.
        cross: (layers, heads, T_t, T_s).
        rivals: for each target token up to four (token, probability) that it was preferred to.
        referent: positions of a pronoun and of the noun that it stands for, in the source; or
            four, of both in the source and then of both in the target. Also an object with the
            attributes of `txlib.data.grammar.Referent`.

    Raises:
        ValueError: if counts do not agree, a row of weights is no distribution, a probability is
            out of range, or a position is none of the sentence's.
    """

    text: str
    translation: str
    source: Sequence[str]
    target: Sequence[str]
    probabilities: Sequence[float]
    encoder: Any
    decoder: Any
    cross: Any
    rivals: Sequence[Sequence[tuple[str, float]]] = ()
    referent: Any = None

    def __post_init__(self) -> None:
        put = object.__setattr__  # the fields hold what was checked
        put(self, "text", check_text("text", self.text))
        put(self, "translation", check_string("translation", self.translation))
        put(self, "source", check_tokens("source", self.source))
        put(self, "target", check_tokens("target", self.target))
        put(self, "probabilities", _check_probabilities(self.probabilities, len(self.target)))
        sizes = {"encoder": (len(self.source),) * 2, "decoder": (len(self.target),) * 2}
        sizes["cross"] = (len(self.target), len(self.source))
        for kind in KINDS:
            put(self, kind, check_weights(kind, getattr(self, kind), *sizes[kind]))
        shapes = {kind: getattr(self, kind).shape[:2] for kind in KINDS}
        if len(set(shapes.values())) > 1:
            raise ValueError(
                f"encoder, decoder and cross must have as many layers and heads, got {shapes}"
            )
        put(self, "rivals", _check_rivals(self.rivals, len(self.target)))
        referent = _check_referent(self.referent, len(self.source), len(self.target))
        put(self, "referent", referent)

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads of each kind of attention."""
        return self.encoder.shape[:2]

    def to_state(self) -> dict[str, Any]:
        """The entry for the browser: its weights in one byte each, kind after kind."""
        weights = b"".join(to_bytes(getattr(self, kind), COARSE) for kind in KINDS)
        names = ("text", "translation", "source", "target", "probabilities", "rivals", "referent")
        return {name: getattr(self, name) for name in names} | {"weights": weights}


def check_entries(
    entries: Sequence[TranslatorEntry | Mapping[str, Any]], most: int
) -> list[TranslatorEntry]:
    """`entries`, mappings of the fields made into entries.

    Raises:
        ValueError: if there are none or more than `most`, one is not sound, two have the same
            text, or they differ in layers or heads.
    """
    if not isinstance(entries, Sequence) or not 1 <= len(entries) <= most:
        raise ValueError(f"entries must be 1 to {most} in a sequence, got {entries!r:.80}")
    checked = [_as_entry(entry) for entry in entries]
    shapes = {entry.shape for entry in checked}
    if len(shapes) > 1:
        raise ValueError(f"entries must share (layers, heads), got {sorted(shapes)}")
    texts = [entry.text for entry in checked]
    for i, text in enumerate(texts):
        if text in texts[:i]:
            raise ValueError(f"entries must have different texts, got {text!r} twice")
    return checked


def _as_entry(entry: TranslatorEntry | Mapping[str, Any]) -> TranslatorEntry:
    if isinstance(entry, TranslatorEntry):
        return entry
    try:
        return TranslatorEntry(**entry)
    except TypeError as error:
        raise ValueError(f"entries must be TranslatorEntry or its fields, got {error}") from None


def links(referent: Sequence[int], kind: str) -> list[list[int]]:
    """The [query, key] cell of a kind of attention where a pronoun looks at its noun, if any.

    In the decoder a word stands one key later than its own query, since the start is key 0.
    """
    if not referent:
        return []
    if kind == "encoder":
        return [[referent[0], referent[1]]]
    if len(referent) == 2:
        return []
    pronoun, noun = referent[2:]
    if kind == "cross":
        return [[pronoun, referent[1]]]
    return [[pronoun, noun + 1]] if noun < pronoun else []


def labels(entry: Mapping[str, Any], kind: str) -> tuple[list[str], list[str]]:
    """The tokens beside the rows (queries) and above the columns (keys)."""
    source, target = entry["source"], entry["target"]
    keys = {"encoder": source, "decoder": [START, *target[:-1]], "cross": source}[kind]
    return (source if kind == "encoder" else target), keys


def _check_probabilities(values: Sequence[float], count: int) -> list[float]:
    listed = np.asarray(values, dtype=np.float64).ravel().tolist()
    if len(listed) != count:
        raise ValueError(f"probabilities must be one per target token, {count}, got {len(listed)}")
    return [
        round(check_number(f"probabilities[{i}]", p, least=0, most=1), DIGITS)
        for i, p in enumerate(listed)
    ]


def _check_rivals(
    rivals: Sequence[Sequence[tuple[str, float]]], count: int
) -> list[list[list[str | float]]]:
    if len(rivals) not in (0, count):
        raise ValueError(f"rivals must be one list per target token, {count}, got {len(rivals)}")
    checked = []
    for i, row in enumerate(rivals):
        if len(row) > MOST_RIVALS:
            raise ValueError(f"rivals[{i}] must hold at most {MOST_RIVALS}, got {len(row)}")
        if not all(len(rival) == 2 and isinstance(rival[0], str) for rival in row):
            raise ValueError(f"rivals[{i}] must hold pairs (token, probability), got {row!r}")
        numbers = (check_number(f"rivals[{i}]", p, least=0, most=1) for _, p in row)
        words = [check_string(f"rivals[{i}]", word) for word, _ in row]
        checked.append([[w, round(p, DIGITS)] for w, p in zip(words, numbers, strict=True)])
    return checked


def _check_referent(referent: Any, num_source: int, num_target: int) -> list[int]:
    if referent is None:
        return []
    names = ("source_pronoun", "source_noun", "target_pronoun", "target_noun")
    if hasattr(referent, names[0]):
        referent = [getattr(referent, name) for name in names]
    if not isinstance(referent, Sequence) or len(referent) not in (0, 2, 4):
        raise ValueError(f"referent must be two or four positions, got {referent!r}")
    sizes = (num_source, num_source, num_target, num_target)
    return [
        check_integer(f"referent's {name}", position, least=0, most=size - 1)
        for name, position, size in zip(names, referent, sizes, strict=False)
    ]
