"""What the callables of `txlib.generation` may be given."""

import math

import torch
from hypothesis import strategies as st
from kinds import Kind, junk, made, not_callable, nothing, number, tensor, whole
from sheets import Sheet
from torch import nn

from txlib import generation

B, V = 2, 5
EOS, PAD = 2, 0


def advance(state, tokens):
    """A small model of our own: each token is likely followed by the next, plus the state."""
    return 2 * torch.eye(V).roll(1, 1)[tokens] + state * torch.arange(V), state * 0.5


def select(state, rows):
    return state


def probabilities(shape):
    if not shape or not shape[-1]:
        return torch.zeros(shape)
    return (torch.rand(shape) + 0.1).softmax(dim=-1)


def is_distribution(x):
    return bool((x >= 0).all() and ((x.double().sum(-1) - 1).abs() < 1e-2).all())


def decoding(**more):
    return lambda: (
        {
            "advance": advance,
            "state": torch.tensor(0.4),
            "first": torch.tensor([1, 3]),
            "eos_id": EOS,
            "pad_id": PAD,
            "max_new_tokens": 4,
        }
        | {name: make() if name == "generator" else make for name, make in more.items()}
    )


def ids(shape, exactly=False):
    """Tokens of any number of rows, unless told that the shape is given by others."""
    ints = (torch.int64, torch.int32)

    def lawful(x):
        if not isinstance(x, torch.Tensor) or x.dtype not in ints or x.ndim != len(shape):
            return False
        if x.ndim > 1 and not x.shape[-1]:
            return False
        return x.shape == shape if exactly else True if len(x) else None

    return Kind(tensor(shape, of=lambda s: torch.zeros(s) + 1, dtypes=ints).values, lawful)


def generator():
    return made(
        lambda v: v is None or isinstance(v, torch.Generator), torch.Generator, lambda: None
    )


def steps_are_right(result, arguments):
    """Tokens of the vocabulary; after a row's end only PAD; as many steps as asked for at most."""
    tokens = getattr(result, "tokens", result)
    assert tokens.dtype in (torch.int64, torch.int32)
    assert tokens.shape[0] == len(arguments["first"])
    assert tokens.shape[1] <= arguments["max_new_tokens"]
    assert ((tokens >= 0) & (tokens < V)).all()
    for row in tokens.tolist():
        if arguments["eos_id"] in row:
            assert set(row[row.index(arguments["eos_id"]) + 1 :]) <= {arguments["pad_id"]}


STEPS = {
    "advance": not_callable(),
    "state": Kind(st.just(torch.tensor(0.7)), lambda v: True),
    "first": ids((B,)),
    "eos_id": whole(most=V - 1),
    "pad_id": whole(0, V - 1),
    "max_new_tokens": whole(1),
}
CHOICES = {
    "temperature": number(lambda v: v >= 0),
    "top_k": whole(1) | nothing(),
    "top_p": number(lambda v: 0 < v <= 1) | nothing(),
}
BEAM = STEPS | {
    "select": not_callable(),
    "beam_size": whole(1),
    "length_penalty": number(lambda v: None if v > 100 else v >= 0),
}


def finite_rows(result, arguments):
    logits = arguments["logits"]
    assert result.dtype == torch.float32
    assert result.shape == logits.shape
    assert is_distribution(result)
    likeliest = result.gather(-1, logits.argmax(-1, keepdim=True)).squeeze(-1)
    assert (likeliest == result.amax(-1)).all()
    if arguments.get("top_k") and len(set(logits.flatten().tolist())) == logits.numel():
        assert ((result > 0).sum(-1) <= arguments["top_k"]).all()


def entered(module):
    with generation.evaluating(module):
        return module.training


SHEETS = {
    "beam_search": Sheet(
        call=generation.beam_search,
        good=decoding(select=select, beam_size=3, length_penalty=0.5),
        kinds=BEAM,
        right=steps_are_right,
    ),
    "best_hypotheses": Sheet(
        call=generation.best_hypotheses,
        good=decoding(select=select, beam_size=2, length_penalty=0.0),
        kinds=BEAM,
        right=lambda r, a: steps_are_right(r, a) or bool((r.scores <= 0).all()),
    ),
    "greedy_continue": Sheet(
        call=generation.greedy_continue, good=decoding(), kinds=STEPS, right=steps_are_right
    ),
    "sample_continue": Sheet(
        call=generation.sample_continue,
        good=decoding(temperature=1.0, top_k=3, top_p=0.9, generator=torch.Generator),
        kinds=STEPS | CHOICES | {"generator": generator()},
        right=steps_are_right,
        changes=("generator",),
    ),
    "next_token_probabilities": Sheet(
        call=generation.next_token_probabilities,
        good=lambda: {
            "logits": torch.randn(B, V), "temperature": 0.7, "top_k": 3, "top_p": 0.9,
        },
        kinds=CHOICES
        | {
            "logits": made(
                lambda x: isinstance(x, torch.Tensor)
                and x.is_floating_point()
                and x.numel() > 0
                and x.ndim > 0
                and bool(x.amax(-1).isfinite().all()),
                lambda: torch.randn(3, 1, V),
                lambda: torch.randn(V).double() * 1e300,
                lambda: torch.randn(B, V).half() * 1e4,
                lambda: torch.tensor([-math.inf, 0.0, 3.0]),
                lambda: torch.full((B, V), -math.inf),
                lambda: torch.full((B, V), 7.0),
                lambda: torch.tensor([[0.0, math.inf]]),
                lambda: torch.zeros(2, 0),
                lambda: torch.ones(2, 3, dtype=torch.int64),
                lambda: torch.ones(2, 3, dtype=torch.complex64),
            )
        },
        right=finite_rows,
    ),
    "evaluating": Sheet(
        call=entered,
        good=lambda: {"module": nn.Linear(1, 1)},
        kinds={"module": made(lambda v: isinstance(v, nn.Module), lambda: nn.Dropout())},
        right=lambda training, a: training is False,
    ),
    "EncoderDecoderConfig": Sheet(
        call=generation.EncoderDecoderConfig,
        good=lambda: {
            "source_vocab_size": 9, "target_vocab_size": 7, "dropout": 0.1, "pad_id": 0,
            "bos_id": 1, "eos_id": 2,
        },
        kinds={
            "source_vocab_size": whole(3),
            "target_vocab_size": whole(3),
            "dropout": number(lambda v: 0 <= v < 1),
            "pad_id": Kind(junk() | st.integers(-3, 9), lambda v: _special(v, (1, 2))),
            "bos_id": Kind(junk() | st.integers(-3, 9), lambda v: _special(v, (0, 2))),
            "eos_id": Kind(junk() | st.integers(-3, 9), lambda v: _special(v, (0, 1))),
        },
        says={name: ("special id",) for name in ("pad_id", "bos_id", "eos_id")},
    ),
}  # fmt: skip


def _special(value, others):
    whole_number = type(value).__name__ in ("int", "int64")
    return whole_number and 0 <= int(value) < 7 and int(value) not in others
