"""`pronoun`: what a translator thinks of *il*, asked in the middle of a sentence."""

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor

from txlib.data.batching import EncodedPair, make_batch
from txlib.data.vocabulary import BOS, EOS
from txlib.exercises.exercise import Exercise, Misconception
from txlib.models import Transformer, TransformerConfig
from txlib.recipes.translation_data import WordTokenizer
from txlib.recipes.translator import Translator

Ask = Callable[[Translator, str, str], Tensor]

TIRED = (
    "the animal did not cross the street because it was too tired .",
    "l'animal n'a pas traversé la rue parce qu'il était trop fatigué .",
)
WIDE = (
    "the animal did not cross the street because it was too wide .",
    "l'animal n'a pas traversé la rue parce qu'elle était trop large .",
)
SLEEPS = ("the mouse sleeps because she is tired .", "la souris dort parce qu'elle est fatiguée .")
FIRST = ("it was tired , because it was too wide .", "il était fatigué , elle était trop large .")
SHORT = ("it sleeps .", "elle dort .")


class _Untrained(Translator):
    """A small model of large random numbers, so that it is sure of itself; it is never copied."""

    def __deepcopy__(self, memo: dict) -> Self:
        return self

    def __repr__(self) -> str:
        return "a small translator"


def _translator(seed: int) -> Translator:
    source, target = (
        WordTokenizer.train(texts) for texts in zip(TIRED, WIDE, SLEEPS, FIRST, SHORT, strict=True)
    )
    config = TransformerConfig(
        source_vocab_size=len(source),
        target_vocab_size=len(target),
        d_model=8,
        num_heads=2,
        num_layers=1,
        norm_order="pre",
    )
    model = Transformer(config).double().requires_grad_(False).eval()
    random = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        if weight.ndim > 1:
            weight.copy_(torch.randn(weight.shape, generator=random) / weight.shape[-1] ** 0.5)
    model.out_proj.weight *= 2
    return _Untrained(
        kind="transformer",
        model=model,
        tokenizer="word",
        source=source,
        target=target,
        lowercase=False,
    )


def _cases() -> list[tuple[Translator, str, str]]:
    """Two models; the pronoun late, early, twice, and as the very first word."""
    one, two = _translator(1), _translator(2)
    return [(one, *TIRED), (one, *WIDE), (two, *SLEEPS), (one, *FIRST), (two, *SHORT)]


def _words(translator: Translator) -> list[int]:
    return [translator.target.encode(word)[0] for word in ("il", "elle")]


def _pairs(translator: Translator, english: str, french: str) -> list[EncodedPair]:
    return translator.encode_pairs([(english, french)])


def _reference(translator: Translator, english: str, french: str) -> Tensor:
    """By feeding no more than the beginning, cut off before the pronoun."""
    il, elle = _words(translator)
    ((source, target),) = _pairs(translator, english, french)
    place = next(i for i, word in enumerate(target) if word in (il, elle))
    ids, begun = torch.tensor([[*source, EOS]]), torch.tensor([[BOS, *target[:place]]])
    logits = translator.model(ids, torch.ones_like(ids, dtype=torch.bool), begun)[0, -1]
    return 1 / (1 + (logits[elle] - logits[il]).exp())


def _among_two(row: Tensor, il: int, elle: int) -> Tensor:
    return row[[il, elle]].softmax(0)[0]


def _ask(
    read: Callable[[Tensor, int, int], Tensor] = _among_two,
    *,
    off: int = 0,
    last: bool = False,
    bos: bool = True,
    eos: bool = True,
    where: str | None = None,
    empty: bool = False,
) -> Ask:
    """Right in all but what is named: which row, what is fed, and how the row is read."""

    def answer(translator: Translator, english: str, french: str) -> Tensor:
        il, elle = _words(translator)
        if where:
            il, elle = (elle, il) if where == "elle" else (il, elle)
        batch = make_batch(_pairs(translator, english, french))
        source, target_in, out = batch.source, batch.target_in, batch.target_out[0].tolist()
        places = [i for i, word in enumerate(out) if word in (il, elle)]
        place = places[-1] if last else places[0]
        source = source if eos else source[:, :-1]
        target_in = target_in if bos else target_in[:, 1:]
        target_in = torch.tensor([[BOS]]) if empty else target_in
        logits = translator.model(source, torch.ones_like(source, dtype=torch.bool), target_in)
        return read(logits[0, 0 if empty else place + off], il, elle)

    return answer


def _own(row: Tensor, il: int, elle: int) -> Tensor:
    return row.softmax(0)[il]


def _written(translator: Translator, english: str, french: str) -> Tensor:
    """The probability of the pronoun that stands there, whichever it is."""
    p = _ask()(translator, english, french)
    il, elle = _words(translator)
    ((_, target),) = _pairs(translator, english, french)
    return p if next(word for word in target if word in (il, elle)) == il else 1 - p


def _both(*ways: Callable[[Tensor, int, int], Tensor], **named: object) -> tuple[Ask, ...]:
    return tuple(_ask(way, **named) for way in (_among_two, *ways))


PRONOUN = Exercise(
    name="pronoun",
    chapter=7,
    parameters=("translator", "english", "french"),
    outputs=("the probability",),
    reference=_reference,
    cases=_cases,
    hint="Print `batch.target_in` and `batch.target_out` as words, under each other. In which"
    " column stands the pronoun that is to be named?",
    misconceptions=(
        Misconception(
            name="one-too-late",
            answers=_both(_own, off=1),
            message="You read the row after the right one: there the model has already read the"
            " pronoun and foresees the word behind it.",
            hint="Row t of the logits belongs to `target_out`, not to `target_in`.",
        ),
        Misconception(
            name="one-too-early",
            answers=_both(_own, off=-1),
            message="You read the row before the right one: there the model foresees the word"
            " before the pronoun.",
            hint="Row t of the logits is about token t of `target_out`. BOS is not in that.",
        ),
        Misconception(
            name="bos-not-fed",
            answers=(*_both(_own, bos=False), *_both(_own, bos=False, off=-1)),
            message="The decoder is fed without BOS: it has never seen a sentence that begins"
            " so, and every row has moved by one.",
            hint="`make_batch` gives `target_in`, with BOS in front.",
        ),
        Misconception(
            name="among-all-words",
            answers=(_ask(_own),),
            message='This is the probability of "il" among all words. It was asked for among'
            ' the two, so that those of "il" and "elle" sum to 1.',
            hint="Pick the two logits first, then take the softmax.",
        ),
        Misconception(
            name="elle",
            answers=(_ask(where="elle"), _ask(_own, where="elle")),
            message='This is the probability of "elle".',
            hint="In which order did you pick the two logits, and which of them is returned?",
        ),
        Misconception(
            name="as-written",
            answers=(_written,),
            message="You give the probability of the pronoun that stands in `french`. Asked for"
            ' is always that of "il"; what stands there must not matter.',
            hint='With "il" put for "elle" in `french` the result should stay the same.',
        ),
        Misconception(
            name="not-a-probability",
            answers=(
                _ask(lambda row, il, elle: row[il]),
                _ask(lambda row, il, elle: row[il].sigmoid()),
                _ask(lambda row, il, elle: row[il] - row[elle]),
                _ask(lambda row, il, elle: row[[il, elle]].log_softmax(0)[0]),
                _ask(lambda row, il, elle: row[il] / (row[il] + row[elle])),
            ),
            message="The right row, read in another way: a logit, its logarithm or its sigmoid"
            " is no share of the two.",
            hint="A softmax over the two logits, and its first number.",
        ),
        Misconception(
            name="softmax-twice",
            answers=(_ask(lambda row, il, elle: _among_two(row.softmax(0), il, elle)),),
            message="The softmax is taken twice, over all words and again over the two: the result"
            " is near one half whatever the model thinks.",
            hint="Of two probabilities it is enough to divide one by their sum.",
        ),
        Misconception(
            name="last-pronoun",
            answers=_both(_own, last=True),
            applies=lambda translator, english, french: french == FIRST[1],
            message="Where two pronouns stand in a sentence you take the last; the first was"
            " asked for.",
            hint="A list's `index`, or the first of what `nonzero` finds.",
        ),
        Misconception(
            name="end-of-source-missing",
            answers=_both(_own, eos=False),
            message="The source is fed without its EOS; in training every source had one.",
            hint="`make_batch` puts it there. What do you feed in place of `batch.source`?",
        ),
        Misconception(
            name="beginning-not-fed",
            answers=_both(_own, empty=True),
            message="The decoder is fed BOS alone: it is asked for its first word and not for the"
            " one after the beginning that you were given.",
            hint="What has been written so far is in `batch.target_in`.",
        ),
    ),
)
