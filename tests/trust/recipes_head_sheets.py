"""What the recipes that look into a translator's heads may be given."""

import functools

from kinds import Kind, junk, number, whole
from recipes_parts import (
    CORPUS,
    CPU,
    GRAMMAR,
    PAIRS,
    TRANSLATOR,
    TWINS,
    grammar_pairs,
    heads,
    maybe_device,
    new,
    only,
    size,
    text_pairs,
    twin_pairs,
    wholes,
)
from sheets import Sheet

from txlib.recipes import (
    coreference,
    head_pruning,
    head_roles,
)

NEVER = Kind(whole(1).values, lambda v: False)
HEADS = {"heads": ("head", "look")}
ONLY, GRAMMAR_PAIRS = only(TRANSLATOR), grammar_pairs()
RATE = Kind(number(lambda v: v >= 0, upto=0.1).values, number(lambda v: v >= 0).lawful)


@functools.wraps(head_roles.silenced)
def silenced(translator, heads):
    with head_roles.silenced(translator, heads):
        pass


def looking(call, **more):
    """A function of a translator and pairs of the grammar."""
    good = {"translator": TRANSLATOR, "pairs": GRAMMAR} | more
    return Sheet(
        call=call, good=lambda: dict(good), kinds={"translator": ONLY, "pairs": GRAMMAR_PAIRS}
    )


def told_apart(call):
    """A function of a translator and twins."""
    return Sheet(
        call=call,
        good=lambda: {"translator": TRANSLATOR, "found": TWINS},
        kinds={"translator": ONLY, "found": twin_pairs()},
    )


SHEETS = {
    "head_roles.look_modules": Sheet(
        call=head_roles.look_modules,
        good=lambda: {"translator": TRANSLATOR}, kinds={"translator": ONLY},
    ),
    "head_roles.silenced": Sheet(
        call=silenced,
        good=lambda: {"translator": TRANSLATOR, "heads": [("encoder", 0)]},
        kinds={"translator": ONLY, "heads": heads()}, says=HEADS,
    ),
    "head_roles.head_weights": looking(head_roles.head_weights),
    "head_roles.head_roles": Sheet(
        call=head_roles.head_roles,
        good=lambda: {"translator": TRANSLATOR, "pairs": [pair for both in TWINS for pair in both]},
        kinds={"translator": ONLY,
               "pairs": Kind(GRAMMAR_PAIRS.values.filter(lambda v: v is not GRAMMAR),
                             lambda v: False)},
    ),
    "head_pruning.bleu_without": Sheet(
        call=head_pruning.bleu_without,
        good=lambda: {"translator": TRANSLATOR, "heads": [], "pairs": PAIRS},
        kinds={"translator": ONLY, "heads": heads(), "pairs": text_pairs(1)}, says=HEADS,
    ),
    "head_pruning.removal": Sheet(
        call=head_pruning.removal,
        good=lambda: {"translator": TRANSLATOR, "order": [("encoder", 0)], "counts": [1],
                      "pairs": PAIRS},
        kinds={"translator": ONLY, "order": heads(), "counts": wholes(0, [0, 1]),
               "pairs": text_pairs(1)},
        says={"order": ("head", "look")},
    ),
    "head_pruning.importance": Sheet(
        call=head_pruning.importance,
        good=lambda: {"translator": TRANSLATOR, "pairs": PAIRS},
        kinds={"translator": ONLY, "pairs": text_pairs(1)},
    ),
    "head_pruning.start": Sheet(
        call=head_pruning.start,
        good=lambda: {"corpus": CORPUS, "seed": 0, "d_model": 8, "num_heads": 1, "device": CPU},
        kinds={"corpus": only(CORPUS), "seed": whole(0, 2**63 - 1), "d_model": size(8, 0, -8, 7),
               "num_heads": size(1, 0, 3), "device": maybe_device()},
    ),
    "head_pruning.train": Sheet(
        call=head_pruning.train,
        good=lambda: {"translator": new(), "corpus": CORPUS, "seed": 0, "steps": 1,
                      "learning_rate": 0.01},
        kinds={"translator": Kind(junk(), lambda v: False), "corpus": only(CORPUS),
               "seed": Kind(junk(), lambda v: None), "steps": whole(1, upto=1),
               "learning_rate": RATE},
        changes=("translator",),
    ),
    "head_pruning.study": Sheet(
        call=head_pruning.study,
        good=lambda: {"translator": TRANSLATOR, "corpus": None, "seed": 0, "sentences": 2,
                      "step": 9, "orders": 0},
        kinds={"translator": Kind(junk(), lambda v: False), "corpus": Kind(junk(), lambda v: False),
               "seed": Kind(junk(), lambda v: False), "sentences": NEVER, "step": NEVER,
               "orders": NEVER},
        says=dict.fromkeys(("seed", "sentences", "step", "orders"), ("corpus",)),
    ),
    "coreference.links": Sheet(
        call=coreference.links,
        good=lambda: {"pair": TWINS[0][0], "twin": TWINS[0][1]},
        kinds=dict.fromkeys(("pair", "twin"), only(TWINS[0][0], GRAMMAR[0])),
    ),
    "coreference.look_scores": told_apart(coreference.look_scores),
    "coreference.pronoun_probability": told_apart(coreference.pronoun_probability),
    "coreference.accuracy": told_apart(coreference.accuracy),
    "coreference.without": Sheet(
        call=coreference.without,
        good=lambda: {"translator": TRANSLATOR, "heads": [], "found": TWINS},
        kinds={"translator": ONLY, "heads": heads(), "found": twin_pairs()}, says=HEADS,
    ),
    "coreference.study": Sheet(
        call=coreference.study,
        good=lambda: {"translator": TRANSLATOR, "chosen_on": TWINS, "tested_on": TWINS,
                      "orders": 0, "seed": 0},
        kinds={"translator": ONLY, "chosen_on": twin_pairs(), "tested_on": twin_pairs(),
               "orders": whole(0, upto=1), "seed": whole()},
    ),
}  # fmt: skip
