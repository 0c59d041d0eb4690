"""What the callables of `txlib.training` and `txlib.device` may be given."""

import math
from functools import partial
from types import SimpleNamespace

import torch
from hypothesis import strategies as st
from kinds import Kind, any_text, flag, is_whole, junk, made, not_callable, number, tensor, whole
from sheets import Sheet
from torch import nn

from txlib import device, training
from txlib.data.vocabulary import BOS

B, T, V = 2, 3, 5


class Model(nn.Module):
    """Foretells from the last token alone."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(V, V)

    def forward(self, source, source_mask, target_in):
        return self.table(target_in)


MODEL = Model()


def batch(**more):
    ids = torch.full((B, T), BOS)
    mask = torch.ones(B, T, dtype=torch.bool)
    names = {"source": ids, "source_mask": mask, "target_in": ids, "target_out": ids}
    made = SimpleNamespace(**names | {"target_mask": mask, "num_target_tokens": B * T} | more)
    made.to = lambda device: made
    return made


def cross_entropy(result, arguments):
    """Against a plain sum over the real tokens, in float64."""
    logits, targets, mask, share = (arguments[name] for name in LOSS)
    total = []
    for row in range(B):
        for step in range(T):
            if mask[row, step]:
                x = logits[row, step].double()
                logs = x - x.max() - (x - x.max()).exp().sum().log()
                wanted = logs[targets[row, step].long()]
                total.append(-(1 - float(share)) * wanted - float(share) * logs.mean())
    right = torch.stack(total).mean() if total else torch.tensor(0.0)
    precision = 2e-2 if logits.dtype == torch.float16 else 1e-4
    torch.testing.assert_close(result.double(), right.double(), rtol=precision, atol=precision)


LOSS = ("logits", "targets", "mask", "label_smoothing")
ids = partial(tensor, (B, T), of=lambda shape: torch.ones(shape), dtypes=(torch.int64, torch.int32))
outside = [torch.full((B, T), -1), torch.full((B, T), V), torch.full((B, T), V - 1)]
TARGETS = Kind(
    ids().values | st.sampled_from(outside),
    lambda v: ids().lawful(v) and bool(((v >= 0) & (v < V)).all()),
)
MASKS = Kind(
    tensor((B, T), of=torch.ones, dtypes=(torch.bool,)).values
    | st.sampled_from([torch.zeros(B, T, dtype=torch.bool), torch.eye(B, T).bool()]),
    lambda v: isinstance(v, torch.Tensor) and v.dtype == torch.bool and v.shape == (B, T),
)
SHARE = number(lambda v: 0 <= v <= 1)
STEP, WARMUP = whole(0, upto=40), whole(1, upto=9)
LOGITS = tensor(
    (B, T, V),
    lambda x: True if x.isfinite().all() else None,
    of=torch.randn,
    dtypes=(torch.float32, torch.float64, torch.float16),
)
SHEETS = {
    "constant": Sheet(
        call=training.constant,
        good=lambda: {"step": 3},
        kinds={"step": STEP},
        right=lambda factor, a: factor == 1,
    ),
    "linear_warmup": Sheet(
        call=training.linear_warmup,
        good=lambda: {"step": 3, "warmup_steps": 5},
        kinds={"step": STEP, "warmup_steps": whole(0, upto=9)},
        right=lambda factor, a: factor == min(1, (a["step"] + 1) / max(1, a["warmup_steps"])),
    ),
    "warmup_cosine": Sheet(
        call=training.warmup_cosine,
        good=lambda: {"step": 3, "warmup_steps": 5, "total_steps": 20, "floor": 0.1},
        kinds={
            "step": STEP,
            "warmup_steps": whole(0, 19, upto=25),
            "total_steps": Kind(whole(0, upto=30).values, lambda v: is_whole(v, 6)),
            "floor": SHARE,
        },
        says={"warmup_steps": ("total_steps",), "total_steps": ("warmup_steps",)},
        right=lambda factor, a: -1e-12 <= factor <= 1,
    ),
    "inverse_square_root": Sheet(
        call=training.inverse_square_root,
        good=lambda: {"step": 3, "warmup_steps": 5},
        kinds={"step": STEP, "warmup_steps": WARMUP},
        right=lambda factor, a: math.isclose(
            factor,
            min((a["step"] + 1) / a["warmup_steps"], (a["warmup_steps"] / (a["step"] + 1)) ** 0.5),
        ),
    ),
    "paper_rate": Sheet(
        call=training.paper_rate,
        good=lambda: {"d_model": 8, "warmup_steps": 5},
        kinds={"d_model": whole(1), "warmup_steps": WARMUP},
        right=lambda rate, a: math.isclose(1 / rate**2, a["d_model"] * a["warmup_steps"]),
    ),
    "masked_cross_entropy": Sheet(
        call=training.masked_cross_entropy,
        good=lambda: {
            "logits": torch.randn(B, T, V), "targets": torch.ones(B, T, dtype=torch.int64),
            "mask": torch.eye(B, T).bool(), "label_smoothing": 0.1,
        },
        kinds={"logits": LOGITS, "targets": TARGETS, "mask": MASKS, "label_smoothing": SHARE},
       says={"logits": ("targets",)},
        right=lambda loss, a: None
        if not a["logits"].isfinite().all()
        else cross_entropy(loss, a),
    ),
    "translation_loss": Sheet(
        call=training.translation_loss,
        good=lambda: {
            "model": MODEL, "batch": batch(), "label_smoothing": 0.1, "ignore_padding": True,
        },
        kinds={
            "model": made(lambda v: v is MODEL, lambda: MODEL, lambda: 3),
            "batch": made(
                lambda v: isinstance(v, SimpleNamespace) and isinstance(v.target_out, torch.Tensor)
                and v.target_out.shape == (B, T),
                batch,
                lambda: batch(target_out=torch.ones(B, T + 1, dtype=torch.int64)),
                lambda: batch(target_out=None),
                lambda: batch(target_mask=torch.zeros(B, T, dtype=torch.bool)),
            ),
            "label_smoothing": SHARE,
            "ignore_padding": flag(),
        },
        says={"batch": ("target",), "model": ("logits",)},
    ),
    "mean_loss": Sheet(
        call=training.mean_loss,
        good=lambda: {"model": MODEL, "batches": [batch()], "loss": training.translation_loss},
        kinds={
            "model": made(lambda v: isinstance(v, Model), lambda: MODEL),
            "batches": Kind(
                junk().filter(lambda v: not hasattr(type(v), "__iter__")) | st.just([]),
                lambda v: False,
            ),
            "loss": not_callable(),
        },
        right=lambda loss, a: math.isfinite(loss),
    ),
    "pick_device": Sheet(
        call=device.pick_device,
        good=lambda: {"name": "cpu"},
        kinds={
            "name": Kind(
                junk() | any_text(6) | st.sampled_from(["cpu", "meta", "cpu:x", "cuda:99"]),
                lambda v: v is None or (isinstance(v, str) and v in ("cpu", "")),
            )
        },
        right=lambda found, a: isinstance(found, torch.device),
    ),
    "pick_dtype": Sheet(
        call=device.pick_dtype,
        good=lambda: {"device": torch.device("cpu")},
        kinds={"device": made(lambda v: isinstance(v, torch.device), lambda: torch.device("cpu"))},
        right=lambda dtype, a: dtype == torch.float32,
    ),
    "describe_device": Sheet(
        call=device.describe_device,
        good=lambda: {"device": torch.device("cpu")},
        kinds={"device": made(lambda v: isinstance(v, torch.device), lambda: torch.device("cpu"))},
        right=lambda words, a: words.startswith("CPU"),
    ),
    "seed_everything": Sheet(
        call=device.seed_everything,
        good=lambda: {"seed": 0},
        kinds={"seed": whole(0, 2**63 - 1)},
    ),
}  # fmt: skip
