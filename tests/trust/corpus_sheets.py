"""What the callables of `txlib.data` that make corpora and batches may be given."""

from typing import get_args

import torch
from data_sheets import strings
from hypothesis import strategies as st
from kinds import Kind, flag, is_whole, junk, nothing, one_of, whole
from sheets import Sheet

from txlib.data import batching, grammar, order_questions, running_text
from txlib.data import vocabulary as words

PAIRS = [([5, 6, 7], [8, 9]), ([10], [11, 12, 13]), ([], [14]), ([4, 4], [])]
BATCHES = batching.BucketedBatches(PAIRS, 2, seed=3)
QUESTIONS = order_questions.OrderQuestions(task="place", length=5, reach=2, batch_size=2)
TEXT = running_text.RunningText(ids=list(range(9)), length=4, batch_size=2)


def pairs(batch=False):
    """Pairs of rows of ids; a set of batches looks only at their lengths until it makes one."""
    good = st.tuples(*[st.lists(st.integers(0, 2**40), max_size=4)] * 2)
    wrong = junk() | st.tuples(junk(), st.just([4])) | st.lists(st.integers(-9, 9), max_size=3)
    listed = st.lists(good, max_size=4) | st.lists(good | wrong, min_size=1, max_size=3)

    def holds(value):
        if not isinstance(value, (list, tuple)) or not value:
            return False
        rows = [side for pair in value if isinstance(pair, (list, tuple)) for side in pair]
        plain = all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in value)
        if not plain or not all(isinstance(row, (list, tuple)) for row in rows):
            return None if batch else False if not plain else None
        return all(is_whole(i, 0) for row in rows for i in row) or (None if not batch else False)

    return Kind(junk() | listed, holds)


def batch_is_right(batch, arguments):
    for row, (source, _) in enumerate(arguments["pairs"]):
        real = batch.source[row][batch.source_mask[row]].tolist()
        assert real == [*map(int, source), words.EOS]
    for row, (_, target) in enumerate(arguments["pairs"]):
        real = batch.target_mask[row]
        assert batch.target_in[row][real].tolist() == [words.BOS, *map(int, target)]
        assert batch.target_out[row][real].tolist() == [*map(int, target), words.EOS]
    assert batch.num_target_tokens == sum(len(target) + 1 for _, target in arguments["pairs"])


def nothing_lost(_, arguments):
    """Together the ranks see each pair once an epoch."""
    world = int(arguments["world_size"])
    ranks = [batching.BucketedBatches(**arguments | {"rank": rank}) for rank in range(world)]
    seen = sorted(i for made in ranks for batch in made.indices(1) for i in batch)
    assert seen == list(range(len(arguments["pairs"])))


def as_asked(found, arguments):
    assert len(found) == arguments["size"]
    low, high = arguments["min_length"], arguments["max_length"] or 30
    assert all(low <= len(pair.source) <= high for pair in found)


BATCHING = {"pairs": pairs(), "batch_size": whole(1), "seed": whole(), "shuffle": flag()}
BATCHING |= {"rank": whole(0, 0), "world_size": whole(1, 2)}
TRY_STREAM = {"start_step": whole(0)}
SHEETS = {
    "make_batch": Sheet(
        call=batching.make_batch,
        good=lambda: {"pairs": list(PAIRS)},
        kinds={"pairs": pairs(batch=True)},
        right=lambda batch, a: None if hasattr(a["pairs"], "shape") else batch_is_right(batch, a),
    ),
    "BucketedBatches": Sheet(
        call=batching.BucketedBatches,
        good=lambda: {"pairs": list(PAIRS), "batch_size": 2, "seed": 0, "shuffle": True}
        | {"rank": 0, "world_size": 1},
        kinds=BATCHING,
        says={"world_size": ("rank",), "pairs": ("batch",)},
        right=nothing_lost,
    ),
    "BucketedBatches.indices": Sheet(
        call=BATCHES.indices, good=lambda: {"epoch": 1}, kinds={"epoch": whole(0)}
    ),
    "BucketedBatches.epoch": Sheet(
        call=BATCHES.epoch, good=lambda: {"n": 1}, kinds={"n": whole(0)}
    ),
    "BucketedBatches.stream": Sheet(
        call=BATCHES.stream, good=lambda: {"start_step": 1}, kinds=TRY_STREAM
    ),
    "OrderQuestions": Sheet(
        call=order_questions.OrderQuestions,
        good=lambda: {"task": "place", "length": 5, "reach": 2, "num_tokens": 4, "batch_size": 2}
        | {"seed": 0},
        kinds={
            "task": one_of(*get_args(order_questions.Task)),
            "length": whole(2),
            "reach": whole(1),
            "num_tokens": whole(2),
            "batch_size": whole(1),
            "seed": whole(-(2**40), 2**40, upto=2**41),
        },
        right=lambda made, a: bool((made.batch(1).tokens < made.vocab_size).all()),
    ),
    "OrderQuestions.batch": Sheet(
        call=QUESTIONS.batch, good=lambda: {"step": 0}, kinds={"step": whole(0, 2**40)}
    ),
    "OrderQuestions.stream": Sheet(
        call=QUESTIONS.stream, good=lambda: {"start_step": 0}, kinds=TRY_STREAM
    ),
    "RunningText": Sheet(
        call=running_text.RunningText,
        good=lambda: {"ids": list(range(9)), "length": 4, "batch_size": 2, "seed": 0},
        kinds={
            "ids": Kind(
                junk() | st.lists(st.integers(-1, 9), max_size=9) | st.just(torch.arange(9)),
                lambda v: len(v) > 4 and all(is_whole(i, 0) for i in v)
                if isinstance(v, list)
                else None,
            ),
            "length": whole(1, 8),
            "batch_size": whole(1),
            "seed": whole(-(2**40), 2**40, upto=2**41),
        },
        says={"length": ("ids",)},
        right=lambda made, a: made.batch(3).tokens[:, 1:].equal(made.batch(3).targets[:, :-1]),
    ),
    "RunningText.batch": Sheet(
        call=TEXT.batch, good=lambda: {"step": 0}, kinds={"step": whole(0, 2**40)}
    ),
    "RunningText.stream": Sheet(
        call=TEXT.stream, good=lambda: {"start_step": 0}, kinds=TRY_STREAM
    ),
}  # fmt: skip
GRAMMAR = {
    "generate": Sheet(
        call=grammar.generate,
        good=lambda: {"split": "train", "size": 2, "seed": 0, "min_length": 4, "max_length": 9},
        kinds={
            "split": one_of("train", "validation", "test"),
            "size": whole(0, upto=4),
            "seed": whole(),
            "min_length": whole(4, 9),
            "max_length": whole(4, 30) | nothing(),
        },
        says={"split": ("lengths",)},
        right=as_asked,
    ),
    "animal_and_street": Sheet(
        call=grammar.animal_and_street,
        good=lambda: {"adjective": "wide"},
        kinds={"adjective": one_of("tired", "wide")},
        right=lambda pair, a: a["adjective"] in pair.source,
    ),
    "twins": Sheet(
        call=grammar.twins,
        good=lambda: {"split": "train", "size": 1, "seed": 0},
        kinds={
            "split": one_of("train", "validation", "test"),
            "size": whole(0, upto=3),
            "seed": whole(),
        },
        right=lambda found, a: len(found) == a["size"],
    ),
    "detokenize": Sheet(
        call=grammar.detokenize,
        good=lambda: {"tokens": ["l'", "animal"]},
        kinds={"tokens": strings()},
        right=lambda line, a: line.replace(" ", "") == "".join(a["tokens"]).replace(" ", ""),
    ),
}  # fmt: skip
