"""Small models that learn to write the grammar's English, one to draft for another."""

from functools import partial

from torch import Tensor, nn

from txlib.checks import check_kind, check_whole
from txlib.data import grammar
from txlib.data.running_text import RunningText, TextBatch
from txlib.data.vocabulary import Vocabulary
from txlib.device import pick_device, seed_everything
from txlib.models import GPT, GPTConfig
from txlib.recipes.argument_checks import check_rate
from txlib.training import fit, warmup_cosine


def english_text(split: str, sentences: int, *, max_length: int = 12) -> list[int]:
    """Sentences of the grammar one after another, as ids of `english_vocabulary`."""
    vocabulary = english_vocabulary()
    pairs = grammar.generate(split, sentences, max_length=max_length)
    return [word for pair in pairs for word in vocabulary.encode(pair.source)]


def english_vocabulary() -> Vocabulary:
    """All words of the grammar's English."""
    return Vocabulary(grammar.english_vocabulary())


def next_token_loss(model: nn.Module, batch: TextBatch) -> Tensor:
    """The mean loss over all tokens, for `txlib.training.fit`."""
    return nn.functional.cross_entropy(model(batch.tokens).flatten(0, 1), batch.targets.flatten())


def train_writer(
    text: RunningText,
    vocab_size: int,
    *,
    num_layers: int,
    d_model: int,
    steps: int,
    learning_rate: float,
    seed: int = 0,
) -> tuple[GPT, float]:
    """A small GPT with rotary positions, trained on a text.

    Args:
        text: what it learns.
        vocab_size: V.
        num_layers: blocks.
        d_model: C, a multiple of 32; heads have 32 features each.
        steps: updates.
        learning_rate: the peak of a warm-up and a cosine.
        seed: of the first weights.

    Returns:
        The model in evaluation mode, and the mean loss of its last 20 steps, nats a token.

    Raises:
        ValueError: if an argument is of another kind or out of range.
    """
    check_kind("text", text, RunningText)
    check_whole("d_model", d_model, least=32)
    if d_model % 32:
        raise ValueError(f"d_model must be a multiple of 32, got {d_model}")
    check_whole("vocab_size", vocab_size, least=max(text.ids) + 1)
    check_whole("steps", steps, least=1)
    check_rate("learning_rate", learning_rate)
    seed_everything(seed)
    config = GPTConfig(
        vocab_size=vocab_size,
        d_model=d_model,
        num_layers=num_layers,
        num_heads=d_model // 32,
        positions="rope",
    )
    model = GPT(config).to(pick_device())
    plan = partial(warmup_cosine, warmup_steps=min(20, steps // 2), total_steps=steps, floor=0.05)
    history = fit(
        model,
        text,
        steps=steps,
        learning_rate=learning_rate,
        schedule=plan,
        loss=next_token_loss,
        progress=False,
    )
    last = history.losses[-20:]
    return model, sum(last) / len(last)
