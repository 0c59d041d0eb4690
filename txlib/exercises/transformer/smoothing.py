"""`smoothed_loss`: cross entropy against a target that is not quite sure."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Loss = Callable[[Tensor, Tensor, float], Tensor]


def _cases() -> list[tuple[Tensor, Tensor, float]]:
    """(N, V) of five sizes, square in one; the paper's epsilon, larger ones, and none."""
    random = torch.Generator().manual_seed(2016)

    def inputs(n: int, v: int, epsilon: float) -> tuple[Tensor, Tensor, float]:
        logits = 2 * torch.randn(n, v, generator=random, dtype=torch.float64)
        return logits, torch.randint(v, (n,), generator=random), epsilon

    return [
        inputs(3, 4, 0.1),
        inputs(5, 7, 0.3),
        inputs(4, 4, 0.2),
        inputs(2, 9, 0.0),
        inputs(6, 3, 0.5),
    ]


def _reference(logits: Tensor, targets: Tensor, epsilon: float) -> Tensor:
    """By position: what each token is wanted by, times how badly it is foreseen."""
    losses = []
    for row, right in zip(logits, targets.tolist(), strict=True):
        wanted = torch.full_like(row, epsilon / len(row))
        wanted[right] = wanted[right] + 1 - epsilon
        losses.append((wanted * (row.exp().sum().log() - row)).sum())
    return torch.stack(losses).mean()


def _one_hot(logits: Tensor, targets: Tensor) -> Tensor:
    return torch.zeros_like(logits).scatter(1, targets[:, None], 1.0)


def _spread(hot: Tensor, epsilon: float) -> Tensor:
    return (1 - epsilon) * hot + epsilon / hot.shape[1]


def _over_others(hot: Tensor, epsilon: float) -> Tensor:
    return (1 - epsilon) * hot + epsilon / (hot.shape[1] - 1) * (1 - hot)


def _log_p(logits: Tensor) -> Tensor:
    return logits.log_softmax(dim=1)


def _mean(losses: Tensor) -> Tensor:
    return losses.sum() / len(losses)


def _loss(
    wanted: Callable[[Tensor, float], Tensor] = _spread,
    log_p: Callable[[Tensor], Tensor] = _log_p,
    reduced: Callable[[Tensor], Tensor] = _mean,
    after: Callable[[Tensor, Tensor], Tensor] = lambda loss, wanted: loss,
) -> Loss:
    """Right in all parts but the ones that are named."""

    def answer(logits: Tensor, targets: Tensor, epsilon: float) -> Tensor:
        mass = wanted(_one_hot(logits, targets), epsilon)
        return after(reduced(-mass * log_p(logits)), mass)

    return answer


def _mixed(logits: Tensor, targets: Tensor, epsilon: float) -> Tensor:
    p = logits.softmax(dim=1).gather(1, targets[:, None])
    return -((1 - epsilon) * p + epsilon / logits.shape[1]).log().mean()


def _mixed_all(logits: Tensor, targets: Tensor, epsilon: float) -> Tensor:
    p = logits.softmax(dim=1).gather(1, targets[:, None])
    return -((1 - epsilon) * p + epsilon).log().mean()


def _less_entropy(loss: Tensor, wanted: Tensor) -> Tensor:
    return loss + torch.special.xlogy(wanted, wanted).sum() / len(wanted)


def _smooths(logits: Tensor, targets: Tensor, epsilon: float) -> bool:
    return epsilon > 0


SMOOTHED_LOSS = Exercise(
    name="smoothed_loss",
    chapter=7,
    parameters=("logits", "targets", "epsilon"),
    outputs=("the loss",),
    reference=_reference,
    cases=_cases,
    hint="Write down the wanted distribution of one position, (V,), and see that it sums to 1."
    " Then: minus wanted times log-probability, summed over V, averaged over N.",
    misconceptions=(
        Misconception(
            name="not-smoothed",
            answers=(_loss(lambda hot, e: hot),),
            applies=_smooths,
            message="This is the plain cross entropy: `epsilon` does nothing.",
            hint="How much of the mass does the right token keep, and where does the rest go?",
        ),
        Misconception(
            name="over-the-others",
            answers=(_loss(_over_others),),
            applies=_smooths,
            message="Epsilon is shared out among the V - 1 wrong tokens. In the equation all V"
            " tokens get a share, the right one too.",
            hint="V = 4, epsilon 0.1: the right token should have 0.925.",
        ),
        Misconception(
            name="more-than-one",
            answers=(
                _loss(lambda hot, e: hot + e / hot.shape[1]),
                _loss(lambda hot, e: hot + e / (hot.shape[1] - 1) * (1 - hot)),
                _loss(lambda hot, e: hot + e),
            ),
            applies=_smooths,
            message="Epsilon is given to all and not taken from the right token: the wanted"
            " distribution sums to more than 1.",
            hint="What is spread must first be taken away.",
        ),
        Misconception(
            name="less-than-one",
            answers=(_loss(lambda hot, e: (1 - e) * hot),),
            applies=_smooths,
            message="Epsilon is taken from the right token and given to nobody. That is the plain"
            " loss, a little smaller.",
            hint="The wanted distribution should sum to 1. Where has the rest gone?",
        ),
        Misconception(
            name="not-divided",
            answers=(
                _loss(lambda hot, e: (1 - e) * hot + e),
                _loss(lambda hot, e: (1 - e) * hot + e * (1 - hot)),
            ),
            applies=_smooths,
            message="Every token gets the whole of epsilon, where they should share it.",
            hint="There are V of them to share.",
        ),
        Misconception(
            name="exchanged",
            answers=(_loss(lambda hot, e: _spread(hot, 1 - e)),),
            message="Epsilon and 1 - epsilon have changed places: nearly all the mass is spread,"
            " and the right token is hardly wanted.",
            hint="With `epsilon` 0 the loss should be the plain one.",
        ),
        Misconception(
            name="probabilities-mixed",
            answers=(_mixed, _mixed_all),
            applies=_smooths,
            message="You mix the model's probability with an even one and take the log of that."
            " Smoothed is the target, not the model.",
            hint="The log is taken of the model's own probabilities, of every token; then they are"
            " weighed.",
        ),
        Misconception(
            name="summed",
            answers=(_loss(reduced=lambda x: x.sum()),),
            message="The losses of all positions are added up; their mean was asked for.",
            hint="By how many positions must this be divided?",
        ),
        Misconception(
            name="mean-over-all",
            answers=(_loss(reduced=lambda x: x.mean()),),
            message="Your number is too small by the factor V: the mean runs over tokens as well as"
            " positions.",
            hint="Over V it is a sum, weighed by a distribution; over N it is a mean.",
        ),
        Misconception(
            name="wrong-axis",
            answers=tuple(
                _loss(wanted, lambda x: x.log_softmax(dim=0))
                for wanted in (_spread, _over_others, lambda hot, e: hot)
            ),
            message="The softmax runs over the positions: the tokens of one position no longer"
            " compete with each other.",
            hint="`logits` is (N, V). For which axis should the probabilities sum to 1?",
        ),
        Misconception(
            name="log-forgotten",
            answers=(
                _loss(log_p=lambda x: x),
                _loss(log_p=lambda x: x.softmax(dim=1)),
                _loss(log_p=lambda x: x.softmax(dim=1).log_softmax(dim=1)),
            ),
            message="What is weighed are not log-probabilities: the log-softmax is missing, or"
            " only half of it is there, or there is one softmax too many.",
            hint="From logits to log-probabilities it is one call of `log_softmax`.",
        ),
        Misconception(
            name="entropy-taken-away",
            answers=(_loss(after=_less_entropy),),
            applies=_smooths,
            message="This is the distance to the wanted distribution, as `kl_div` gives it: the"
            " loss without the entropy of the target. It can reach 0; the loss cannot.",
            hint="The gradients are the same. From the equation's number nothing is taken away.",
        ),
        Misconception(
            name="sign",
            answers=(_loss(after=lambda loss, wanted: -loss),),
            message="The sign is turned: the better the model, the greater your loss.",
            hint="Log-probabilities are negative; a loss is not.",
        ),
    ),
)
