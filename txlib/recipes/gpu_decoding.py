"""Greedy decoding on a GPU: our GPT with its cache beside transformers' GPT-2, same weights."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from txlib.interop import gpt2_config, load_gpt2
from txlib.models import GPT
from txlib.recipes.gpu_stopwatch import take_turns

PROMPT = 16
STATIC = "transformers, static cache, compiled"


def measure_decoding(
    device: torch.device,
    dtype: torch.dtype,
    *,
    sizes: dict[str, int],
    batches: Sequence[int],
    new: int,
    repeats: int,
) -> list[dict[str, Any]]:
    """Greedy decoding by one model in four ways, in tokens a second.

    Ours with its cache and, for a batch of one, without; transformers' GPT-2 of the same weights
    with the cache that grows, and with its static cache, for which it compiles the step.

    Args:
        device: where.
        dtype: of the weights.
        sizes: `vocab_size`, `n_embd`, `n_layer`, `n_head`, as transformers calls them.
        batches: rows of each comparison.
        new: tokens that are written after a short prompt.
        repeats: rounds.

    Raises:
        ImportError: if transformers is not installed.
    """
    ours, theirs = _twins(device, dtype, sizes, reach=PROMPT + new)
    rows = []
    for batch in batches:
        prompts = torch.randint(sizes["vocab_size"], (batch, PROMPT), device=device)
        calls = {
            "txlib": partial(ours.generate, prompts, max_new_tokens=new),
            "transformers": _writing(theirs, prompts, new, cache=None),
            STATIC: _writing(theirs, prompts, new, cache="static"),
        }
        if batch == 1:
            calls["txlib, no cache"] = partial(calls["txlib"], use_cache=False)
        turns = take_turns(calls, device, repeats=repeats)
        mine, reference = calls["txlib"](), calls["transformers"]()
        rows.append(
            {
                "batch": batch,
                "new_tokens": new,
                "same_tokens": (mine == reference).float().mean().item(),
                "tokens_per_second": {
                    name: 1000 * batch * new / turns.median(name) for name in turns.milliseconds
                },
                **turns.beside("txlib"),
            }
        )
    return rows


def _twins(
    device: torch.device, dtype: torch.dtype, sizes: dict[str, int], *, reach: int
) -> tuple[GPT, nn.Module]:
    import transformers

    config = transformers.GPT2Config(
        **sizes,
        n_positions=reach,
        initializer_range=0.1,  # sharp enough that greedy tokens are no ties
        attn_implementation="sdpa",
        bos_token_id=None,
        eos_token_id=None,
    )
    theirs = transformers.GPT2LMHeadModel(config)
    ours = GPT(gpt2_config(config.to_dict()))
    load_gpt2(ours, theirs)
    return ours.to(device, dtype).eval(), theirs.to(device, dtype).eval()


def _writing(
    model: nn.Module, prompts: Tensor, new: int, *, cache: str | None
) -> Callable[[], Tensor]:
    settings = model.generation_config.__class__(
        max_new_tokens=new,
        do_sample=False,
        use_cache=True,
        cache_implementation=cache,
        pad_token_id=0,
        eos_token_id=None,
    )
    seen = torch.ones_like(prompts)

    def write() -> Tensor:
        tokens = model.generate(prompts, attention_mask=seen, generation_config=settings)
        return tokens[:, prompts.shape[1] :]

    return write
