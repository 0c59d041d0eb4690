"""Writing token by token: with a cache, without, beside transformers' GPT-2 and an LSTM.

`make bench` writes the result to book/results/decoding_speed.json, which chapter 8 and the page
"Speed, measured" read.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from stopwatch import RESULTS, clock_name, medians, over, quartiles, take_turns
from torch import Tensor
from writers import LSTMWriter, twins, write_bare, writing

from txlib.models import GPT, GPTConfig
from txlib.recipes.records import new_record, write_record

RESULT = RESULTS / "decoding_speed.json"
SIZES = {"vocab_size": 4000, "num_layers": 4, "d_model": 256, "num_heads": 4}
PROMPT, NEW = 16, 512
BATCHES, NEW_BESIDE = (1, 8), 256  # shorter rounds: what disturbs the machine hits a whole one
LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096)  # tokens so far, for the time of one step
WIDE = {"d_model": 1024, "num_layers": 2, "num_heads": 16}  # for heads that share keys
KV_HEADS, CONTEXT, WIDE_BATCH = (16, 4, 1), 4096, 4
REPEATS, REPEATS_BESIDE, AT_ONCE = 5, 15, 0.05
AIMS = {"transformers": 2.0, "uncached": 10.0}
QUICK = {
    "SIZES": {"vocab_size": 31, "num_layers": 1, "d_model": 8, "num_heads": 2},
    "WIDE": {"d_model": 16, "num_layers": 1, "num_heads": 4},
    "KV_HEADS": (4, 1),
    "LENGTHS": (5, 9),
    "CONTEXT": 9,
    "BATCHES": (1, 2),
    "NEW": 6,
    "NEW_BESIDE": 5,
    "REPEATS": 1,
    "REPEATS_BESIDE": 1,
    "AT_ONCE": 0.0,
}


def speeds(
    calls: dict[str, Callable[[], Any]], tokens: int, device: torch.device, *, repeats: int
) -> dict[str, Any]:
    """How many times as fast the first is as each other, and all in tokens a second."""
    first, second, *_ = calls
    rounds = take_turns(calls, device, repeats=repeats)
    found = over(rounds, first)
    low, middle, high = found.pop(second)
    del found[first]
    others = {f"speed_over_{name.replace(' ', '_')}": ratio for name, ratio in found.items()}
    return {
        "reference": second,
        "speed_over_reference": middle,
        "quartiles": [low, middle, high],
        "tokens_per_second": {n: round(tokens / t, 1) for n, t in medians(rounds).items()},
        **others,
    }


def beside_transformers(
    device: torch.device, *, batches: Sequence[int], new: int, repeats: int
) -> list[dict[str, Any]]:
    """Cached greedy decoding with the same weights; the tokens are compared first.

    The bare loop says how much of a step is PyTorch's own operations, which all three share.
    """
    ours, theirs = twins(SIZES, device, reach=PROMPT + new)
    rows = []
    for batch in batches:
        prompts = torch.randint(SIZES["vocab_size"], (batch, PROMPT), device=device)
        calls = {
            "txlib": writing(ours, prompts, new),
            "transformers": writing(theirs, prompts, new),
            "bare loop": partial(write_bare, ours, prompts, new),
        }
        mine, *others = (call() for call in calls.values())
        same = min((mine == other).float().mean().item() for other in others)
        assert same > 0.9, f"only {same:.0%} of the tokens agree"
        row = speeds(calls, batch * new, device, repeats=repeats)
        rows.append({"batch": batch, "new_tokens": new, "same_tokens": same, **row})
    return rows


def with_and_without_cache(device: torch.device, *, new: int, repeats: int) -> dict[str, Any]:
    """One row written to `new` tokens, by the same model in both ways."""
    model = GPT(GPTConfig(**SIZES, max_seq_len=1 + new)).to(device).eval()
    prompt = torch.randint(SIZES["vocab_size"], (1, 1), device=device)
    calls = {
        "cached": writing(model, prompt, new),
        "uncached": writing(model, prompt, new, use_cache=False),
    }
    row = speeds(calls, new, device, repeats=repeats)
    return {"batch": 1, "new_tokens": new, **row}


def filled(model: GPT, batch: int, length: int, device: torch.device) -> Callable[[], Tensor]:
    """A step at `length`: one token is read after length - 1, and then forgotten again.

    What came before is noise: how long a step takes does not depend on it.
    """
    cache = model.new_cache(batch, max_len=length)
    attention = model.blocks[0].attention
    shape = batch, attention.num_kv_heads, length - 1, attention.head_dim
    for layer in cache:
        layer.append(*torch.randn(2, *shape, device=device))
    token = torch.randint(SIZES["vocab_size"], (batch, 1), device=device)
    write = model.stepper(cache)

    def step() -> Tensor:
        logits = write(token)
        for layer in cache:
            layer.rollback(length - 1)
        return logits

    return step


@torch.no_grad()
def steps_by_length(
    device: torch.device, *, lengths: Sequence[int], repeats: int
) -> list[dict[str, Any]]:
    """Milliseconds of the next token after so many: cached, uncached, and of an LSTM."""
    model = GPT(GPTConfig(**SIZES, max_seq_len=max(lengths))).to(device).eval()
    lstm = LSTMWriter(SIZES).to(device).eval()
    rows = []
    for length in lengths:
        tokens = torch.randint(SIZES["vocab_size"], (1, length), device=device)
        _, state = lstm(tokens[:, :-1])
        calls = {
            "cached": filled(model, 1, length, device),
            "uncached": lambda tokens=tokens: model.out_proj(model.read(tokens)[:, -1:]),
            "LSTM": partial(lstm, tokens[:, -1:], state),
        }
        rounds = take_turns(calls, device, repeats=repeats, at_once=AT_ONCE)
        rows.append(
            {
                "length": length,
                "milliseconds": medians(rounds, unit=1e-3),
                "uncached_over_cached": over(rounds, "cached")["uncached"],
            }
        )
    return rows


@torch.no_grad()
def shared_heads(
    device: torch.device, *, kv_heads: Sequence[int], context: int, repeats: int, **sizes: int
) -> list[dict[str, Any]]:
    """A step after a long context, and the cache's bytes, by the number of key-value heads."""
    models = [
        GPT(
            GPTConfig(vocab_size=SIZES["vocab_size"], positions="rope", num_kv_heads=count, **sizes)
        )
        for count in kv_heads
    ]
    calls, held = {}, []
    for count, model in zip(kv_heads, models, strict=True):
        model.to(device).eval()
        calls[str(count)] = filled(model, WIDE_BATCH, context, device)
        held.append(sum(x.nbytes for x in model.new_cache(WIDE_BATCH, max_len=context)))
    rounds = take_turns(calls, device, repeats=repeats, at_once=AT_ONCE)
    most, faster = str(kv_heads[0]), medians(rounds)
    return [
        {
            "num_kv_heads": count,
            "cache_bytes": nbytes,
            "milliseconds": 1000 * faster[str(count)],
            "tokens_per_second": round(WIDE_BATCH / faster[str(count)], 1),
            "speed_over_all_heads": quartiles([row[most] / row[str(count)] for row in rounds]),
        }
        for count, nbytes in zip(kv_heads, held, strict=True)
    ]


def against_aims(
    beside: list[dict[str, Any]], cached: dict[str, Any]
) -> dict[str, dict[str, float | bool]]:
    """What was aimed at beside what was measured; each is "at least"."""
    found = {
        f"GPT decoding, batch {row['batch']}: speed over transformers": (
            AIMS["transformers"],
            row["speed_over_reference"],
        )
        for row in beside
    }
    new = cached["new_tokens"]
    found[f"GPT decoding, {new} tokens: speed over no cache"] = (
        AIMS["uncached"],
        cached["speed_over_reference"],
    )
    return {
        name: {"at_least": aim, "measured": value, "met": value >= aim}
        for name, (aim, value) in found.items()
    }


def test_decoding_speed(device):
    beside = beside_transformers(device, batches=BATCHES, new=NEW_BESIDE, repeats=REPEATS_BESIDE)
    cached = with_and_without_cache(device, new=NEW, repeats=REPEATS)
    steps = steps_by_length(device, lengths=LENGTHS, repeats=REPEATS)
    heads = shared_heads(device, kv_heads=KV_HEADS, context=CONTEXT, repeats=3 * REPEATS, **WIDE)
    setting = {
        "repeats": REPEATS,
        "repeats_beside_transformers": REPEATS_BESIDE,
        "threads": torch.get_num_threads(),
        "dtype": "float32",
        "clock": clock_name(device),
        "model": {**SIZES, "d_ff": "4 d_model"},
        "prompt_tokens": PROMPT,
        "LSTM": "nn.LSTM of as many layers and features, one step",
        "shared_heads_model": {**WIDE, "batch": WIDE_BATCH, "context": CONTEXT},
        "transformers": pytest.importorskip("transformers").__version__,
    }
    outcome = {
        "setting": setting,
        "beside_transformers": beside,
        "with_and_without_cache": cached,
        "steps_by_length": steps,
        "shared_heads": heads,
        "aims": against_aims(beside, cached),
    }
    write_record(RESULT, new_record("make bench", device, seeds=[0], results=outcome))
