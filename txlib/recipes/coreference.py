r"""What "it" is: whether a translator writes *il* or *elle* as it should, and by which heads.

    python -m txlib.recipes.coreference runs/grammar_transformer \
        --record book/results/coreference.json

Put to the test by `txlib.data.grammar.twins`: two sentences alike but for the reason, of which one
needs *il* and the other *elle*. Heads are chosen by what they look at in validation twins; what
they are worth is measured by silencing them in test twins (chapter 7).
"""

import argparse
import random
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from txlib.checks import check_kind, check_whole
from txlib.data.batching import make_batch
from txlib.data.grammar import Pair, detokenize, twins
from txlib.data.words import split_words
from txlib.device import pick_device
from txlib.generation import evaluating
from txlib.metrics.heads import link_scores, uniform_heads
from txlib.recipes.argument_checks import check_grammar_pairs, check_twins
from txlib.recipes.head_roles import LOOKS, Head, head_weights, silenced
from txlib.recipes.options import FROM_ZERO, SEED, whole_option
from txlib.recipes.records import new_record, portable_command, write_record
from txlib.recipes.translator import Translator, load_translator

Twins = Sequence[tuple[Pair, Pair]]
PRONOUNS = ("il", "elle")
REASON = 3  # words from "it" to the reason: "it was too wide"


def links(pair: Pair, twin: Pair) -> dict[str, dict[str, frozenset[tuple[int, int]]]]:
    """Where a head may look from the pronoun, by look and name, each one link (query, key).

    In the decoder row t is the step that writes word t, and key t the word before it.

    Raises:
        ValueError: if either is no pair with a referent.
    """
    check_grammar_pairs("pair", [pair], referents=True)
    check_grammar_pairs("twin", [twin], referents=True)
    it, he = pair.referent.source_pronoun, pair.referent.target_pronoun
    keys = {
        "its noun": pair.referent.source_noun,
        "the other noun": twin.referent.source_noun,
        "the reason": it + REASON,
    }
    return {
        "encoder": {f"it to {name}": frozenset({(it, key)}) for name, key in keys.items()},
        "decoder": {
            f"il/elle to {name}": frozenset({(he, noun.referent.target_noun + 1)})
            for name, noun in (("its noun", pair), ("the other noun", twin))
        },
        "cross": {
            f"il/elle to {name}": frozenset({(he, key)}) for name, key in {**keys, "it": it}.items()
        },
    }


def look_scores(translator: Translator, found: Twins) -> dict[str, dict[str, Any]]:
    """How much of each head's weight goes from the pronoun to each of the `links`.

    Returns:
        By look and link, `"heads"`: one number a head, through the layers from below; `"chance"`:
        what a head gets that looks at every visible token alike.
    """
    check_twins("found", found)
    pairs = [(pair, twin) for both in found for pair, twin in (both, both[::-1])]
    scores: dict[str, dict[str, Any]] = {look: {} for look in LOOKS}
    for look, weights in head_weights(translator, [pair for pair, _ in pairs]).items():
        even = [uniform_heads(*w.shape[1:], is_causal=look == "decoder") for w in weights]
        wanted = [links(pair, twin)[look] for pair, twin in pairs]
        for name in wanted[0]:
            these = [patterns[name] for patterns in wanted]
            scores[look][name] = {
                "heads": link_scores(weights, these).tolist(),
                "chance": link_scores(even, these).item(),
            }
    return scores


def pronoun_probability(translator: Translator, found: Twins) -> Tensor:
    """The probability of the right pronoun against the other, given the reference before it.

    Returns:
        (N, 2) on the CPU: p(right) / (p(il) + p(elle)) for each of N twins, in their order.

    Raises:
        ValueError: if there is no translator or no twin.
    """
    check_kind("translator", translator, Translator)
    check_twins("found", found)
    pairs = [pair for both in found for pair in both]
    texts = [(detokenize(pair.source), detokenize(pair.target)) for pair in pairs]
    device = next(translator.model.parameters()).device
    batch = make_batch(translator.encode_pairs(texts)).to(device)
    both = [translator.target.encode(word)[0] for word in PRONOUNS]
    places = torch.tensor([pair.referent.target_pronoun for pair in pairs], device=device)
    rows = torch.arange(len(pairs), device=device)
    with evaluating(translator.model):
        logits = translator.model(batch.source, batch.source_mask, batch.target_in)
    choice = logits[rows, places][:, both].float().softmax(dim=-1).cpu()
    right = [PRONOUNS.index(pair.target[pair.referent.target_pronoun]) for pair in pairs]
    return choice[range(len(pairs)), right].reshape(-1, 2)


def accuracy(translator: Translator, found: Twins) -> dict[str, float]:
    """How often the pronoun was right.

    Returns:
        Shares: `"preferred"`, of sentences where the right pronoun is likelier than the other,
        given the reference before it; `"both"`, of twins where it is in both; `"written"`, of
        sentences whose greedy translation has the right one after "parce qu'" and not the other;
        `"exact"`, of those whose translation is the reference, word for word.
    """
    preferred = pronoun_probability(translator, found) > 0.5
    pairs = [pair for both in found for pair in both]
    translations = translator.translate([detokenize(pair.source) for pair in pairs])
    written = [_pronouns(text) for text in translations]
    right = [{pair.target[pair.referent.target_pronoun]} for pair in pairs]
    exact = [
        text == detokenize(pair.target) for text, pair in zip(translations, pairs, strict=True)
    ]
    return {
        "preferred": preferred.float().mean().item(),
        "both": preferred.all(dim=1).float().mean().item(),
        "written": sum(w == r for w, r in zip(written, right, strict=True)) / len(pairs),
        "exact": sum(exact) / len(pairs),
    }


def _pronouns(text: str) -> set[str]:
    """The forms of il and elle that follow "qu'" in a translation."""
    words = split_words(text)
    return {b for a, b in pairwise(words) if a == "qu'" and b in PRONOUNS}


def without(translator: Translator, heads: Sequence[Head], found: Twins) -> dict[str, float]:
    """`"preferred"`, `"both"`, and the right pronoun's mean `"probability"`, with heads silent."""
    with silenced(translator, heads):
        right = pronoun_probability(translator, found)
    return {
        "preferred": (right > 0.5).float().mean().item(),
        "both": (right > 0.5).all(dim=1).float().mean().item(),
        "probability": right.mean().item(),
    }


def study(
    translator: Translator, chosen_on: Twins, tested_on: Twins, *, orders: int, seed: int = 0
) -> dict[str, Any]:
    """Score every head by where it looks from the pronoun, and silence heads in that order.

    Args:
        translator: a Transformer on the grammar's words.
        chosen_on: twins that heads are scored on.
        tested_on: other twins, that silencing is measured on.
        orders: orders by chance to compare with, for each look.
        seed: of these orders.

    Returns:
        `"accuracy"` with every head; `"looks"`, see `look_scores`; `"alone"`, for each head what is
        left without it; `"removed"`, for each look and link, what is left without the first k = 0,
        1, ... heads of the look in `"order"`, from the one that most follows the link; and
        `"by_chance"`, by look, the same for orders that know nothing.

    Raises:
        ValueError: if an argument is of another kind or out of range.
    """
    check_kind("translator", translator, Translator)
    check_twins("chosen_on", chosen_on)
    check_twins("tested_on", tested_on)
    check_whole("orders", orders, least=0)
    check_whole("seed", seed)
    looks = look_scores(translator, chosen_on)
    draw = random.Random(seed)

    def removal(look: str, order: Sequence[int]) -> list[dict[str, float]]:
        silent = ([(look, head) for head in order[:k]] for k in range(len(order) + 1))
        return [without(translator, heads, tested_on) for heads in silent]

    alone, removed, by_chance = [], [], {}
    for look, found in tqdm(looks.items(), desc="looks silenced"):
        for link, scores in found.items():
            order = _from_the_greatest(scores["heads"])
            left = removal(look, order)
            removed.append({"look": look, "link": link, "order": order, "left": left})
        shuffled = [draw.sample(order, len(order)) for _ in range(orders)]
        by_chance[look] = [{"order": other, "left": removal(look, other)} for other in shuffled]
        for head in range(len(order)):
            left = without(translator, [(look, head)], tested_on)
            alone.append({"look": look, "head": head, "left": left})
    return {
        "accuracy": accuracy(translator, tested_on),
        "looks": looks,
        "alone": alone,
        "removed": removed,
        "by_chance": by_chance,
    }


def _from_the_greatest(scores: Sequence[float]) -> list[int]:
    return sorted(range(len(scores)), key=lambda head: -scores[head])


def main(arguments: Sequence[str] | None = None) -> int:
    """Study the translator of every seed in a run's folder, then write the record."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="python -m txlib.recipes.coreference", description=__doc__
    )
    parser.add_argument("run", type=Path, help="folder of a run of txlib.recipes.translation")
    parser.add_argument("--record", type=Path, required=True, help="where the record goes")
    parser.add_argument(
        "--twins", type=whole_option(2), default=200, help="to measure on; half to choose on"
    )
    parser.add_argument("--orders", type=FROM_ZERO, default=5, help="random orders of the heads")
    parser.add_argument("--seeds", type=SEED, nargs="+", default=[0, 1, 2], help="of the run")
    args = parser.parse_args(arguments)
    device = pick_device()
    chosen_on, tested_on = twins("validation", args.twins // 2), twins("test", args.twins)
    runs = [
        {"seed": seed}
        | study(
            load_translator(args.run / f"seed-{seed}", device=device),
            chosen_on,
            tested_on,
            orders=args.orders,
        )
        for seed in args.seeds
    ]
    settings = {"twins": args.twins, "orders": args.orders}
    command = portable_command(["python", "-m", "txlib.recipes.coreference", *arguments])
    results = {"settings": settings, "runs": runs}
    write_record(args.record, new_record(command, device, seeds=args.seeds, results=results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
