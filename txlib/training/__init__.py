"""Training: the loop, its loss and schedules, and checkpoints that survive."""

from txlib.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from txlib.training.evaluation import mean_loss
from txlib.training.history import History
from txlib.training.loop import fit
from txlib.training.losses import masked_cross_entropy, translation_loss
from txlib.training.schedules import (
    constant,
    inverse_square_root,
    linear_warmup,
    paper_rate,
    warmup_cosine,
)

__all__ = [
    "Checkpoint",
    "History",
    "constant",
    "fit",
    "inverse_square_root",
    "linear_warmup",
    "load_checkpoint",
    "masked_cross_entropy",
    "mean_loss",
    "paper_rate",
    "save_checkpoint",
    "translation_loss",
    "warmup_cosine",
]
