"""What a training step costs: our models beside PyTorch's and transformers', as ratios in one run.

Every pair starts from the same weights. `make bench` writes the result to
book/results/transformer_speed.json, which chapter 7 reads.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from stopwatch import RESULTS, clock_name, medians, over, take_turns
from torch import Tensor, nn
from torch.nn import functional as F

from txlib.data.batching import Batch, make_batch
from txlib.interop import gpt2_config, load_gpt2, load_transformer
from txlib.models import GPT, Transformer, TransformerConfig
from txlib.positions import sinusoidal_encoding
from txlib.recipes.records import new_record, write_record
from txlib.training.losses import translation_loss

RESULT = RESULTS / "transformer_speed.json"
REPEATS, VOCABULARY = 25, 4000
BATCH, NUM_LAYERS, NUM_HEADS, DROPOUT, LENGTHS = 32, 3, 4, 0.1, range(18, 31)  # mean 24
GPT_BATCH, GPT_LAYERS, GPT_LENGTH, GPT_WIDTH = 8, 6, 256, 256
WIDTHS = (256, 96)
QUICK = {
    "VOCABULARY": 37,
    "BATCH": 2,
    "NUM_LAYERS": 1,
    "WIDTHS": (8,),
    "GPT_BATCH": 2,
    "GPT_LAYERS": 1,
    "GPT_LENGTH": 7,
    "GPT_WIDTH": 8,
    "REPEATS": 1,
}


class TorchTranslator(nn.Module):
    """`nn.Transformer` between the embeddings, the sinusoids and the logits that ours has."""

    def __init__(self, ours: Transformer):
        super().__init__()
        c = ours.config
        options = {"dropout": c.dropout, "batch_first": True}
        layer = (c.d_model, c.num_heads, 4 * c.d_model)
        self.stacks = nn.Transformer(
            c.d_model,
            c.num_heads,
            custom_encoder=nn.TransformerEncoder(
                nn.TransformerEncoderLayer(*layer, **options),
                c.num_layers,
                enable_nested_tensor=False,
            ),
            custom_decoder=nn.TransformerDecoder(
                nn.TransformerDecoderLayer(*layer, **options), c.num_layers
            ),
            batch_first=True,
        )
        load_transformer(ours, self.stacks)
        self.source_embedding, self.target_embedding = (
            nn.Embedding(VOCABULARY, c.d_model, padding_idx=c.pad_id) for _ in range(2)
        )
        self.out_proj = nn.Linear(c.d_model, VOCABULARY)
        for name in ("source_embedding", "target_embedding", "out_proj"):
            getattr(self, name).load_state_dict(getattr(ours, name).state_dict())
        self.register_buffer("waves", sinusoidal_encoding(64, c.d_model))
        self.dropout = nn.Dropout(c.dropout)

    def forward(self, source: Tensor, source_mask: Tensor, target_in: Tensor) -> Tensor:
        """Padding of the target needs no mask: no real token looks that far."""
        hidden, T = ~source_mask, target_in.shape[1]
        features = self.stacks(
            self._embed(self.source_embedding, source),
            self._embed(self.target_embedding, target_in),
            src_key_padding_mask=hidden,
            memory_key_padding_mask=hidden,
            tgt_mask=torch.ones(T, T, dtype=torch.bool, device=hidden.device).triu(1),
            tgt_is_causal=True,
        )
        return self.out_proj(features)

    def _embed(self, table: nn.Embedding, tokens: Tensor) -> Tensor:
        embedded = table(tokens) * math.sqrt(table.embedding_dim)
        return self.dropout(embedded + self.waves[: tokens.shape[1]])


def new_batch(device: torch.device) -> Batch:
    """Sentences of `LENGTHS` tokens, drawn evenly, on either side."""
    lengths = torch.tensor(LENGTHS)[torch.randint(len(LENGTHS), (BATCH, 2))].tolist()
    pairs = [tuple(torch.randint(3, VOCABULARY, (n,)).tolist() for n in row) for row in lengths]
    return make_batch(pairs).to(device)


def step_of(model: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], None]:
    """Forward, backward and Adam; every model of a pair gets the same."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


def translators(width: int, device: torch.device) -> tuple[dict[str, Callable[[], None]], int]:
    """A step of ours and of PyTorch's, and the target's tokens that it learns from."""
    config = TransformerConfig(
        source_vocab_size=VOCABULARY,
        target_vocab_size=VOCABULARY,
        d_model=width,
        num_heads=NUM_HEADS,
        num_layers=NUM_LAYERS,
        dropout=DROPOUT,
    )
    batch = new_batch(device)
    ours = Transformer(config)
    models = {"txlib": ours, "nn.Transformer": TorchTranslator(ours)}
    losses = {
        name: partial(translation_loss, model.to(device), batch) for name, model in models.items()
    }
    compare(models, losses)
    return {name: step_of(models[name], loss) for name, loss in losses.items()}, (
        batch.num_target_tokens
    )


def language_models(device: torch.device) -> tuple[dict[str, Callable[[], None]], int]:
    """A step of ours and of transformers' GPT-2 with PyTorch's kernel, and its tokens."""
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=GPT_WIDTH,
        n_layer=GPT_LAYERS,
        n_head=NUM_HEADS,
        n_positions=GPT_LENGTH,
        attn_implementation="sdpa",
        use_cache=False,
        bos_token_id=1,
        eos_token_id=2,
        **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
    )
    theirs = transformers.GPT2LMHeadModel(config).to(device).train()
    ours = GPT(gpt2_config(config.to_dict())).to(device)
    load_gpt2(ours, theirs)
    tokens = torch.randint(VOCABULARY, (GPT_BATCH, GPT_LENGTH), device=device)

    def our_loss() -> Tensor:
        return F.cross_entropy(ours(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())

    models = {"txlib": ours, "transformers": theirs}
    losses = {"txlib": our_loss, "transformers": lambda: theirs(tokens, labels=tokens).loss}
    compare(models, losses)
    return {name: step_of(models[name], loss) for name, loss in losses.items()}, (
        GPT_BATCH * (GPT_LENGTH - 1)
    )


def compare(models: dict[str, nn.Module], losses: dict[str, Callable[[], Tensor]]) -> None:
    """Before anything is timed: without dropout, the models of a pair foretell the same."""
    for model in models.values():
        model.eval()
    torch.testing.assert_close(*(loss() for loss in losses.values()), rtol=1e-5, atol=1e-5)
    for model in models.values():
        model.train()


def compare_steps(
    steps: dict[str, Callable[[], None]], tokens: int, device: torch.device, *, repeats: int
) -> dict[str, Any]:
    """How many times faster ours is, round by round; and tokens a second of this machine."""
    rounds = take_turns(steps, device, repeats=repeats)
    ours, theirs = steps
    speedups = over(rounds, ours)[theirs]
    return {
        "reference": theirs,
        "speed_over_reference": speedups[1],
        "quartiles": speedups,
        "tokens_per_step": tokens,
        "tokens_per_second": {name: round(tokens / t) for name, t in medians(rounds).items()},
    }


def measure(device: torch.device, *, widths: Sequence[int], repeats: int) -> list[dict[str, Any]]:
    rows = []
    for width in widths:
        found = compare_steps(*translators(width, device), device, repeats=repeats)
        rows.append({"model": "translator", "d_model": width, **found})
    found = compare_steps(*language_models(device), device, repeats=repeats)
    return [*rows, {"model": "GPT", "d_model": GPT_WIDTH, **found}]


def test_transformer_speed(device):
    results = measure(device, widths=WIDTHS, repeats=REPEATS)
    setting = {
        "repeats": REPEATS,
        "threads": torch.get_num_threads(),
        "dtype": "float32",
        "clock": clock_name(device),
        "vocabulary": VOCABULARY,
        "step": "forward, loss, backward and Adam (fused)",
        "translator": {
            "batch": BATCH,
            "lengths": [LENGTHS[0], LENGTHS[-1]],
            "layers": f"{NUM_LAYERS} + {NUM_LAYERS}",
            "heads": NUM_HEADS,
            "d_ff": "4 d_model",
            "dropout": DROPOUT,
            "norm_order": "post",
        },
        "GPT": {
            "batch": GPT_BATCH,
            "length": GPT_LENGTH,
            "layers": GPT_LAYERS,
            "heads": NUM_HEADS,
            "d_ff": "4 d_model",
            "dropout": 0.0,
            "attention of the reference": "sdpa",
        },
    }
    outcome = {"setting": setting, "training": results}
    write_record(RESULT, new_record("make bench", device, seeds=[0], results=outcome))
