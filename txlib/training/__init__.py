"""Training: the loop, its loss and schedules, and checkpoints that survive."""

from txlib.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from txlib.training.evaluation import mean_loss
from txlib.training.history import History
from txlib.training.loop import fit
from txlib.training.losses import masked_cross_entropy, translation_loss
from txlib.training.schedules import constant, linear_warmup, warmup_cosine

__all__ = [
    "Checkpoint",
    "History",
    "constant",
    "fit",
    "linear_warmup",
    "load_checkpoint",
    "masked_cross_entropy",
    "mean_loss",
    "save_checkpoint",
    "translation_loss",
    "warmup_cosine",
]
