"""`shifted_pair`: sentences as ids to what the decoder reads and what it must name."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Ids = list[int]
Answer = Callable[[list[Ids], int, int, int], tuple[Tensor, Tensor]]
Row = Callable[[Ids, int, int], Ids]


def _cases() -> list[tuple[list[Ids], int, int, int]]:
    """Unequal lengths in all but one; three sets of special ids; a sentence of no words."""
    return [
        ([[11, 12, 13], [21, 22]], 1, 2, 0),
        ([[31], [32, 33, 34, 35], [36, 37]], 7, 8, 9),
        ([[41, 42, 43, 44, 45]], 3, 5, 4),
        ([[51, 52], [], [53, 54, 55]], 2, 1, 6),
        ([[61, 62], [63, 64]], 1, 2, 0),
    ]


def _uneven(targets: list[Ids], *_: int) -> bool:
    return len({len(row) for row in targets}) > 1


def _reference(targets: list[Ids], bos_id: int, eos_id: int, pad_id: int) -> tuple[Tensor, Tensor]:
    """By filling two tensors of padding in place, sentence by sentence."""
    width = max(len(row) for row in targets) + 1
    target_in = torch.full((len(targets), width), pad_id)
    target_out = target_in.clone()
    for i, row in enumerate(targets):
        words = torch.tensor(row, dtype=torch.int64)
        target_in[i, 0], target_in[i, 1 : 1 + len(row)] = bos_id, words
        target_out[i, : len(row)], target_out[i, len(row)] = words, eos_id
    return target_in, target_out


def _read(t: Ids, bos: int, eos: int) -> Ids:
    return [bos, *t]


def _named(t: Ids, bos: int, eos: int) -> Ids:
    return [*t, eos]


def _words(t: Ids, bos: int, eos: int) -> Ids:
    return t


def _but_last(t: Ids, bos: int, eos: int) -> Ids:
    return [bos, *t[:-1]]


def _but_first(t: Ids, bos: int, eos: int) -> Ids:
    return [*t[1:], eos]


def _whole(t: Ids, bos: int, eos: int) -> Ids:
    return [bos, *t, eos]


def _right(row: Ids, width: int, pad: int) -> Ids:
    return (row + [pad] * (width - len(row)))[:width]


def _left(row: Ids, width: int, pad: int) -> Ids:
    return [pad] * (width - len(row)) + row


def _pair(
    read: Row = _read,
    named: Row = _named,
    *,
    padded: Callable[[Ids, int, int], Ids] = _right,
    fill_in: Callable[[int, int, int], int] = lambda bos, eos, pad: pad,
    fill_out: Callable[[int, int, int], int] = lambda bos, eos, pad: pad,
    cut: bool = False,
) -> Answer:
    """Right in all but what is named; `cut`: the inputs end where the outputs do."""

    def answer(targets: list[Ids], bos: int, eos: int, pad: int) -> tuple[Tensor, Tensor]:
        reads, names = ([f(t, bos, eos) for t in targets] for f in (read, named))
        wide_in, wide_out = (max(map(len, rows)) for rows in (reads, names))
        wide_in = min(wide_in, wide_out) if cut else wide_in
        filled_in, filled_out = (f(bos, eos, pad) for f in (fill_in, fill_out))
        return (
            torch.tensor([padded(row, wide_in, filled_in) for row in reads]).long(),
            torch.tensor([padded(row, wide_out, filled_out) for row in names]).long(),
        )

    return answer


def _fills(fill: Callable[[int, int, int], int]) -> tuple[Answer, ...]:
    return (_pair(fill_in=fill, fill_out=fill), _pair(fill_out=fill), _pair(fill_in=fill))


SHIFTED_PAIR = Exercise(
    name="shifted_pair",
    chapter=7,
    parameters=("targets", "bos_id", "eos_id", "pad_id"),
    outputs=("target_in", "target_out"),
    reference=_reference,
    cases=_cases,
    hint="Write a sentence of two words on paper, in two lines: above what the decoder has just"
    " read, below what it must name next. How many columns are there?",
    misconceptions=(
        Misconception(
            name="not-shifted",
            answers=tuple(_pair(f, f) for f in (_whole, _words, _named, _read)),
            message="Both rows are the same: at each position the decoder reads the very word that"
            " it must name, and learns to copy.",
            hint="What has been written before the first word? That is the first input.",
        ),
        Misconception(
            name="wrong-way",
            answers=(_pair(_named, _read), _pair(_whole, _read), _pair(_named, _whole)),
            message="The shift goes the wrong way: what is read runs ahead of what must be named."
            " `target_in` comes first and begins with BOS.",
            hint="Which of the two rows knows the end of the sentence, and which its beginning?",
        ),
        Misconception(
            name="eos-forgotten",
            answers=(_pair(_read, _words), _pair(_but_last, _words)),
            message="EOS never has to be named, so a model trained on this never learns to stop.",
            hint="After the last word the decoder is still asked for something. For what?",
        ),
        Misconception(
            name="eos-read",
            answers=(_pair(_whole, _named),),
            message="`target_in` ends with EOS and is one longer than `target_out`: the decoder"
            " reads EOS and would have to name what comes after it.",
            hint="Both rows have one token more than there are words: BOS here, EOS there.",
        ),
        Misconception(
            name="eos-read-in-shorter",
            answers=(_pair(_whole, _named, cut=True),),
            applies=_uneven,
            message="In the shorter sentences EOS is read as well. That is what comes of padding"
            " first and dropping the last column after: only the longest row loses its EOS.",
            hint="Shift each sentence by itself, then pad.",
        ),
        Misconception(
            name="bos-named",
            answers=(_pair(_read, _whole), _pair(_words, _whole)),
            message="`target_out` begins with BOS. Nobody has to foresee that one: it is given.",
            hint="What is the first thing that the decoder must find by itself?",
        ),
        Misconception(
            name="bos-forgotten",
            answers=(
                _pair(_words, _named),
                _pair(_words, _but_first),
                _pair(_words, lambda t, bos, eos: t[1:]),
                _pair(lambda t, bos, eos: t[:-1], lambda t, bos, eos: t[1:]),
            ),
            message="`target_in` begins with the first word and not with BOS, so there is no"
            " position at which that word has to be named.",
            hint="When the model translates, what does it read before it has written anything?",
        ),
        Misconception(
            name="two-places",
            answers=(
                _pair(_read, _but_first),
                _pair(lambda t, bos, eos: [bos, bos, *t], _named),
                _pair(lambda t, bos, eos: [bos, bos, *t[:-1]], _named),
            ),
            message="The rows are two places apart: after reading a word the decoder must name the"
            " one after the next.",
            hint="Put the rows under each other. Word by word, the lower is one ahead.",
        ),
        Misconception(
            name="last-word-lost",
            answers=(
                _pair(_but_last, _named),
                _pair(_but_last, lambda t, bos, eos: [*t[:-1], eos]),
                _pair(_read, lambda t, bos, eos: [*t[:-1], eos]),
            ),
            message="The last word of a sentence is missing in one of the rows: it must be named,"
            " and then it is read, before EOS is named.",
            hint="For n words both rows hold n + 1 tokens.",
        ),
        Misconception(
            name="padded-left",
            answers=(_pair(padded=_left),),
            applies=_uneven,
            message="The shift is right, and the padding stands on the left: shorter sentences"
            " begin at another position than the longest.",
            hint="BOS stands in the first column, in every row.",
        ),
        Misconception(
            name="padded-with-another",
            answers=(
                *_fills(lambda bos, eos, pad: eos),
                *_fills(lambda bos, eos, pad: bos),
                *_fills(lambda bos, eos, pad: -100),
                *_fills(lambda bos, eos, pad: 0),
            ),
            applies=_uneven,
            message="The shift is right. The empty places are filled with something other than"
            " `pad_id`, in one row or both.",
            hint="`pad_id` is the fourth argument; it is not 0 in every test.",
        ),
    ),
)
