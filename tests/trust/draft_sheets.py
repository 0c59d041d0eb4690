"""What the callables of `txlib.generation` that draft and check may be given."""

import math

import torch
from generation_sheets import (
    CHOICES,
    EOS,
    PAD,
    B,
    V,
    generator,
    ids,
    is_distribution,
    probabilities,
)
from kinds import made, nothing, number, tensor, whole
from sheets import Sheet
from torch import nn

from txlib import generation
from txlib.models import GPT, GPTConfig

K = 3


def closed_form(result, arguments):
    rate, count = float(arguments["rate"]), int(arguments["num_draft_tokens"])
    assert math.isclose(result, sum(rate**i for i in range(count + 1)), rel_tol=1e-9)


def tiny(**options):
    torch.manual_seed(0)
    config = {"vocab_size": V, "max_seq_len": 16, "d_model": 8, "num_heads": 2, "num_layers": 1}
    return GPT(GPTConfig(**config | options)).eval()


TARGET, DRAFT = tiny(), tiny(d_model=4)


def wrote(result, arguments):
    assert result.tokens.shape[0] == len(arguments["tokens"])
    assert result.tokens.shape[1] <= arguments["max_new_tokens"]
    assert ((result.tokens >= 0) & (result.tokens < V)).all()
    assert (result.accepted <= result.drafted).all()


def two(check):
    """A pair of distributions of one shape."""
    return tensor((B, V), lambda x: is_distribution(x), of=probabilities, dtypes=check)


FLOATS = (torch.float32, torch.float64, torch.float16)
SHEETS = {
    "acceptance_rate": Sheet(
        call=generation.acceptance_rate,
        good=lambda: {"target": probabilities((B, V)), "draft": probabilities((B, V))},
        kinds={"target": two(FLOATS), "draft": two(FLOATS)},
        right=lambda rate, a: bool(((rate >= 0) & (rate <= 1.001)).all()) and rate.shape == (B,),
    ),
    "corrected_distribution": Sheet(
        call=generation.corrected_distribution,
        good=lambda: {"target": probabilities((B, V)), "draft": probabilities((B, V))},
        kinds={"target": two(FLOATS), "draft": two(FLOATS)},
        right=lambda result, a: is_distribution(result),
    ),
    "expected_tokens": Sheet(
        call=generation.expected_tokens,
        good=lambda: {"rate": 0.3, "num_draft_tokens": 4},
        kinds={"rate": number(lambda v: 0 <= v <= 1), "num_draft_tokens": whole(0, upto=50)},
        right=closed_form,
    ),
    "verify_draft": Sheet(
        call=generation.verify_draft,
        good=lambda: {
            "target": probabilities((B, K + 1, V)),
            "draft": probabilities((B, K, V)),
            "drafted": torch.tensor([[0, 1, 2], [4, 3, 1]]),
            "generator": torch.Generator().manual_seed(0),
        },
        kinds={
            "target": tensor((B, K + 1, V), is_distribution, of=probabilities, dtypes=FLOATS),
            "draft": tensor((B, K, V), is_distribution, of=probabilities, dtypes=FLOATS),
            "drafted": ids((B, K), exactly=True),
            "generator": generator(),
        },
        says={"drafted": ("target", "draft")},
        right=lambda result, a: bool(
            ((result[0] >= 0) & (result[0] <= K) & (result[1] >= 0) & (result[1] < V)).all()
        ),
        changes=("generator",),
    ),
    "speculative_generate": Sheet(
        call=generation.speculative_generate,
        good=lambda: {
            "target": TARGET, "draft": DRAFT, "tokens": torch.tensor([[1, 3], [4, 2]]),
            "max_new_tokens": 3, "num_draft_tokens": 2, "eos_id": EOS, "pad_id": PAD,
            "temperature": 1.0, "top_k": None, "top_p": None, "generator": None,
        },
        kinds=CHOICES
        | {
            "target": made(lambda v: None if v is DRAFT else v is TARGET, lambda: DRAFT),
            "draft": made(
                lambda v: v in (TARGET, DRAFT) if isinstance(v, nn.Module) else False,
                lambda: TARGET,
                lambda: tiny(vocab_size=V + 1),
                lambda: nn.Linear(1, 1),
            ),
            "tokens": ids((B, 2)),
            "max_new_tokens": whole(1),
            "num_draft_tokens": whole(1),
            "eos_id": whole(0, V - 1) | nothing(),
            "pad_id": whole(0, V - 1),
            "generator": generator(),
        },
        right=wrote,
        changes=("generator",),
    ),
}  # fmt: skip
