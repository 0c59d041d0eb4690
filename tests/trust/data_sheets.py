"""What the callables of `txlib.data` may be given; downloads have tests of their own."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from hypothesis import strategies as st
from kinds import Kind, any_text, either, flag, is_whole, junk, nothing, text, whole
from sheets import Sheet

from txlib.data import byte_pair, multi30k
from txlib.data import vocabulary as words
from txlib.data import words as splitting

TEXTS = ["l'animal est là .", "the animal is here ."]
VOCABULARY = words.Vocabulary(["a", "b", "c"])
PIECES = byte_pair.BytePairTokenizer.train(TEXTS, vocab_size=270)


def strings(lawful=lambda v: True):
    """Several strings, in whatever holds them, but not one string."""

    def holds(value):
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            return False
        if isinstance(value, torch.Tensor) and value.ndim == 0:
            return False
        if not isinstance(value, (list, tuple, set, dict, np.ndarray, torch.Tensor)):
            return None  # a generator is used up by looking
        return lawful(list(value)) if all(isinstance(v, str) for v in value) else False

    return Kind(junk() | st.lists(any_text(), max_size=4) | st.lists(junk(), max_size=3), holds)


def row_of_ids(most):
    """Several whole numbers below `most` up to the first end."""

    def holds(value):
        if isinstance(value, (str, bytes, dict)) or not isinstance(value, (Sequence, set)):
            return None if isinstance(value, (np.ndarray, torch.Tensor, Iterable)) else False
        for i in value:
            if not is_whole(i, 0, most - 1):
                return False
            if i == words.EOS:
                return True
        return True

    numbers = st.lists(st.integers(-2, most + 1), max_size=6)
    return Kind(junk() | numbers | numbers.map(torch.tensor) | numbers.map(np.array), holds)


def kept(ids):
    listed = [int(i) for i in (ids.tolist() if hasattr(ids, "tolist") else ids)]
    listed = listed[: listed.index(words.EOS)] if words.EOS in listed else listed
    return [i for i in listed if i not in (words.PAD, words.BOS)]


def corpus(value):
    """Whether it is a list of lists of words; of what else holds words, no verdict."""
    if isinstance(value, list) and all(isinstance(s, list) for s in value):
        return all(isinstance(w, str) for s in value for w in s)
    several = isinstance(value, Iterable) and not isinstance(value, (str, bytes))
    return None if several else False


CORPUS = Kind(
    junk() | st.lists(st.lists(any_text(), max_size=3), max_size=3) | st.lists(junk(), max_size=2),
    corpus,
)
SHEETS = {
    "Vocabulary": Sheet(
        call=words.Vocabulary,
        good=lambda: {"words": ["a"]},
        kinds={"words": strings(lambda v: len({*v, *words.SPECIAL_TOKENS}) == len(v) + 4)},
        right=lambda made, a: list(made.tokens[4:]) == list(a["words"]),
    ),
    "Vocabulary.from_corpus": Sheet(
        call=words.Vocabulary.from_corpus,
        good=lambda: {"sentences": [["a", "b"], ["a"]], "min_count": 1, "max_size": 9},
        kinds={"sentences": CORPUS, "min_count": whole(1), "max_size": whole(4) | nothing()},
        says={"sentences": ("tokens",)},
        right=lambda made, a: len(made) <= (a["max_size"] or 10**9),
    ),
    "Vocabulary.encode": Sheet(
        call=VOCABULARY.encode,
        good=lambda: {"tokens": ["a", "no"]},
        kinds={"tokens": strings()},
        right=lambda ids, a: ids
        == [{"a": 4, "b": 5, "c": 6}.get(word, words.UNK) for word in a["tokens"]],
    ),
    "Vocabulary.decode": Sheet(
        call=VOCABULARY.decode,
        good=lambda: {"ids": [4, 5]},
        kinds={"ids": row_of_ids(7)},
        right=lambda said, a: said == [VOCABULARY.tokens[i] for i in kept(a["ids"])],
    ),
    "Vocabulary.from_json": Sheet(
        call=words.Vocabulary.from_json,
        good=lambda: {"text": VOCABULARY.to_json()},
        kinds={"text": text(lambda v: False)},
    ),
    "sentence_ids": Sheet(
        call=words.sentence_ids,
        good=lambda: {"ids": [4, 5], "vocab_size": 7},
        kinds={"ids": row_of_ids(7), "vocab_size": either(whole(0))},
        says={"vocab_size": ("ids",)},
        right=lambda ids, a: ids == kept(a["ids"]),
    ),
    "split_words": Sheet(
        call=splitting.split_words,
        good=lambda: {"text": "L'animal.", "lowercase": False},
        kinds={"text": text(), "lowercase": flag()},
        right=lambda found, a: all(w and not set(w) & set(" \t\n") for w in found),
    ),
    "join_words": Sheet(
        call=splitting.join_words,
        good=lambda: {"tokens": ["l'", "animal"]},
        kinds={"tokens": strings()},
        right=lambda line, a: line.replace(" ", "") == "".join(a["tokens"]).replace(" ", ""),
    ),
    "BytePairTokenizer": Sheet(
        call=byte_pair.BytePairTokenizer,
        good=lambda: {"tokenizer": PIECES._tokenizer},
        kinds={"tokenizer": Kind(junk(), lambda v: False)},
    ),
    "BytePairTokenizer.train": Sheet(
        call=byte_pair.BytePairTokenizer.train,
        good=lambda: {"texts": list(TEXTS), "vocab_size": 262},
        kinds={
            "texts": strings(lambda v: all(is_utf8(t) for t in v)),
            "vocab_size": whole(260) | Kind(st.just(10**30), lambda v: is_whole(v, 260)),
        },
        right=lambda made, a: made.decode(made.encode("été\x00")) == "été\x00",
    ),
    "BytePairTokenizer.encode": Sheet(
        call=PIECES.encode,
        good=lambda: {"text": "a"},
        kinds={"text": text(lambda v: is_utf8(v))},
        right=lambda ids, a: PIECES.decode(ids) == a["text"],
    ),
    "BytePairTokenizer.decode": Sheet(
        call=PIECES.decode, good=lambda: {"ids": [70]}, kinds={"ids": row_of_ids(len(PIECES))}
    ),
    "BytePairTokenizer.from_json": Sheet(
        call=byte_pair.BytePairTokenizer.from_json,
        good=lambda: {"text": PIECES.to_json()},
        kinds={"text": text(lambda v: False)},
    ),
    "multi30k.load": Sheet(
        call=lambda split: multi30k.load(split, root="/nowhere", base_url="file:///nowhere"),
        good=lambda: {"split": "test"},
        kinds={"split": Kind(junk() | any_text(), lambda v: False)},
    ),
}  # fmt: skip


def is_utf8(value):
    return not any("\ud800" <= c <= "\udfff" for c in value)
