"""`shift_right` and `masked_loss`: what the decoder is fed, and what its loss is the mean of."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from txlib.exercises.exercise import Exercise, Misconception


def _targets() -> list[tuple[Tensor, int]]:
    random = torch.Generator().manual_seed(2014)
    sizes = ((2, 5, 1), (3, 4, 9), (1, 6, 2), (4, 1, 5))  # (B, T, bos_id)
    return [(torch.randint(10, 30, (b, t), generator=random), bos) for b, t, bos in sizes]


def _bos_like(target: Tensor, bos_id: int) -> Tensor:
    return torch.full_like(target[:, :1], bos_id)  # (B, 1)


def _shift(target: Tensor, bos_id: int) -> Tensor:
    return torch.cat([_bos_like(target, bos_id), target[:, :-1]], dim=1)


SHIFT_RIGHT = Exercise(
    name="shift_right",
    chapter=1,
    parameters=("target", "bos_id"),
    outputs=("the decoder input",),
    reference=_shift,
    cases=_targets,
    hint="Write a target of three tokens on paper and, under each, the token that the decoder has"
    " just seen when it must predict it.",
    misconceptions=(
        Misconception(
            name="shifted-left",
            answers=(
                lambda target, bos: torch.cat([target[:, 1:], _bos_like(target, bos)], dim=1),
            ),
            message="The tokens have moved to the left: at each position the decoder is shown the"
            " word after the one it must predict.",
            hint="At position 0 nothing has been seen yet. Which token says so, and where is it?",
        ),
        Misconception(
            name="bos-at-the-end",
            answers=(lambda target, bos: torch.cat([target, _bos_like(target, bos)], dim=1),),
            message="BOS is hung on behind the sentence, which makes it one longer.",
            hint="BOS is the beginning of the sequence.",
        ),
        Misconception(
            name="last-kept",
            answers=(lambda target, bos: torch.cat([_bos_like(target, bos), target], dim=1),),
            message="BOS stands in front, but the result is one token too long for the target.",
            hint="Input and target must have one length. Which token is never used as an input?",
        ),
        Misconception(
            name="first-lost",
            answers=(
                lambda target, bos: torch.cat([_bos_like(target, bos), target[:, 1:]], dim=1),
            ),
            message="BOS has taken the first token's place and the others have not moved: from"
            " position 1 on the decoder is shown the very word that it must predict.",
            hint="Every token moves by one place; one falls off at the end, not at the front.",
        ),
        Misconception(
            name="no-bos",
            answers=(
                lambda target, bos: target[:, :-1],
                lambda target, bos: target[:, 1:],
            ),
            message="A token is dropped and none is put in its place: BOS is missing and the"
            " result is one too short.",
            hint="What does the decoder read before it has written anything?",
        ),
        Misconception(
            name="rolled",
            answers=(lambda target, bos: target.roll(1, dims=1),),
            message="The tokens move round in a circle: the last one comes back as the first, and"
            " tells the decoder how the sentence ends.",
            hint="The place that is left free at the front belongs to `bos_id`.",
        ),
        Misconception(
            name="fixed-bos",
            answers=(
                lambda target, bos: _shift(target, 1),
                lambda target, bos: _shift(target, 0),
                lambda target, bos: _shift(target, 2),
            ),
            message="The shift is right, but the first token is always the same number, whatever"
            " `bos_id` says.",
            hint="Use the argument: other vocabularies give BOS another id.",
        ),
        Misconception(
            name="shifted-rows",
            answers=(
                lambda target, bos: torch.cat(
                    [torch.full_like(target[:1], bos), target[:-1]], dim=0
                ),
            ),
            message="The shift runs along the batch: each sentence is given the one before it.",
            hint="Which of the two axes is time?",
        ),
    ),
)


def _batches() -> list[tuple[Tensor, Tensor, Tensor]]:
    random = torch.Generator().manual_seed(2017)
    batches = []
    for lengths, num_positions, vocab_size in (((4, 2, 5), 5, 7), ((1, 4), 6, 3), ((3, 1), 4, 9)):
        shape = (len(lengths), num_positions)
        logits = torch.randn(*shape, vocab_size, generator=random, dtype=torch.float64)
        targets = torch.randint(1, vocab_size, shape, generator=random)
        mask = torch.arange(num_positions) < torch.tensor(lengths)[:, None]  # (B, T)
        batches.append((2 * logits, targets.where(mask, 0), mask))
    return batches


def _per_token(logits: Tensor, targets: Tensor) -> Tensor:
    return cross_entropy(logits.mT, targets, reduction="none")  # (B, T)


def _blanked(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    return _per_token(logits * mask[..., None], targets)


def _over_positions(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    return -logits.log_softmax(dim=1).gather(-1, targets[..., None])[..., 0][mask].mean()


MASKED_LOSS = Exercise(
    name="masked_loss",
    chapter=1,
    parameters=("logits", "targets", "mask"),
    outputs=("the loss",),
    reference=lambda logits, targets, mask: cross_entropy(logits[mask], targets[mask]),
    cases=_batches,
    hint="First make the loss of every position, (B, T). Then ask which of them count, and how many"
    " those are.",
    misconceptions=(
        Misconception(
            name="divides-by-all",
            answers=(lambda z, y, mask: (_per_token(z, y) * mask).mean(),),
            message="The losses of real tokens are added up, then divided by all positions: the"
            " more padding in the batch, the smaller your loss.",
            hint="How many positions did you sum over?",
        ),
        Misconception(
            name="ignores-mask",
            answers=(lambda z, y, mask: _per_token(z, y).mean(),),
            message="Padding counts as if it were words: your number is the mean over every"
            " position.",
            hint="One of the three arguments changes nothing yet.",
        ),
        Misconception(
            name="mask-reversed",
            answers=(
                lambda z, y, mask: cross_entropy(z[~mask], y[~mask]),
                lambda z, y, mask: (_per_token(z, y) * ~mask).sum() / mask.sum(),
                lambda z, y, mask: (_per_token(z, y) * ~mask).mean(),
            ),
            message="The mask is reversed: your number comes from the padding alone.",
            hint="In this book True means a real token.",
        ),
        Misconception(
            name="mean-of-means",
            answers=(lambda z, y, mask: ((_per_token(z, y) * mask).sum(1) / mask.sum(1)).mean(),),
            message="Each sentence is averaged on its own and then the sentences: a word in a short"
            " sentence weighs more than one in a long sentence.",
            hint="Every real token of the batch should weigh the same.",
        ),
        Misconception(
            name="blanks-logits",
            answers=(
                lambda z, y, mask: _blanked(z, y, mask).mean(),
                lambda z, y, mask: _blanked(z, y, mask).sum() / mask.sum(),
            ),
            message="The logits of padding are set to zero before the softmax. Zero logits are no"
            " absence: they are a uniform guess, and its loss of log V is still added.",
            hint="Leave the logits alone and mask what comes out of the cross entropy.",
        ),
        Misconception(
            name="sum",
            answers=(lambda z, y, mask: (_per_token(z, y) * mask).sum(),),
            message="This is the sum over the real tokens: a larger batch has a larger loss.",
            hint="The mean is asked for. Divide by what?",
        ),
        Misconception(
            name="softmax-twice",
            answers=(lambda z, y, mask: cross_entropy(z.softmax(-1)[mask], y[mask]),),
            message="Softmax is applied twice: once by you, and again inside the cross entropy.",
            hint="torch's cross entropy wants logits.",
        ),
        Misconception(
            name="softmax-over-positions",
            answers=(_over_positions,),
            message="The softmax runs over the positions, so that the words of a sentence compete"
            " with one another instead of the entries of the vocabulary.",
            hint="Which of the three axes of the logits should sum to 1?",
        ),
        Misconception(
            name="sign",
            answers=(lambda z, y, mask: -cross_entropy(z[mask], y[mask]),),
            message="The size is right and the sign is not: this is the mean log probability, which"
            " training would push down.",
            hint="A loss is small when the probability of the right word is large.",
        ),
    ),
)
