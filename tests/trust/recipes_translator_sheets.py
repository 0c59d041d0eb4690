"""What the recipes around a translator may be given."""

import functools

from hypothesis import strategies as st
from kinds import Kind, any_text, flag, junk, made, nothing, one_of, text, whole
from recipes_parts import (
    CORPUS,
    CPU,
    GRAMMAR,
    PAIRS,
    TRANSLATOR,
    grammar_pairs,
    maybe_device,
    only,
    text_pairs,
    texts,
    told,
    wholes,
)
from sheets import Sheet

from txlib.data.vocabulary import Vocabulary
from txlib.recipes import (
    pretrained,
    translation_alignment,
    translation_data,
    translation_options,
    translator,
)

WORDS = translation_data.WordTokenizer(Vocabulary(["a", "b"]))
FOLDER = Kind(
    junk().filter(lambda v: not isinstance(v, str)) | st.sampled_from(["a\0b", "no/such/folder"]),
    lambda v: False,
)
ONLY, GRAMMAR_PAIRS = only(TRANSLATOR), grammar_pairs()
MISSING = {"folder": ("there is no",)}


@functools.wraps(translation_data.load_corpus)
def load_small(name, *, train_size=None):
    full = dict(translation_data.GRAMMAR_SIZES)
    translation_data.GRAMMAR_SIZES.update(train=2, validation=2, test=2, beyond=2)
    try:
        return translation_data.load_corpus(name, train_size=train_size)
    finally:
        translation_data.GRAMMAR_SIZES.update(full)


def looking(call, **more):
    """A function of a translator and pairs of the grammar."""
    good = {"translator": TRANSLATOR, "pairs": GRAMMAR} | more
    return Sheet(
        call=call, good=lambda: dict(good), kinds={"translator": ONLY, "pairs": GRAMMAR_PAIRS}
    )


def several(value):
    """What may be a number of texts, to be seen when they are read."""
    plain = isinstance(value, (str, bytes, list))
    return None if hasattr(type(value), "__iter__") and not plain else False


SHEETS = {
    "translation_data.Corpus": Sheet(
        call=translation_data.Corpus,
        good=lambda: {"name": "x", "text": "y", "lowercase": False,
                      "splits": CORPUS.splits, "edges": (1, 2)},
        kinds={
            "name": text(), "text": text(), "lowercase": flag(),
            "splits": made(lambda v: v is CORPUS.splits or (isinstance(v, dict) and not v),
                           lambda: CORPUS.splits, lambda: {"train": [("a", 1)]},
                           lambda: {"train": "abc"}),
            "edges": wholes(None, [1, 5]),
        },
    ),
    "translation_data.load_corpus": Sheet(
        call=load_small,
        good=lambda: {"name": "grammar", "train_size": 2},
        kinds={"name": Kind(junk() | any_text(5) | st.just("grammar"),
                            lambda v: isinstance(v, str) and v == "grammar"),
               "train_size": whole(1) | nothing()},
    ),
    "translation_data.WordTokenizer": Sheet(
        call=translation_data.WordTokenizer,
        good=lambda: {"vocabulary": WORDS.vocabulary},
        kinds={"vocabulary": only(WORDS.vocabulary)},
    ),
    "translation_data.WordTokenizer.train": Sheet(
        call=translation_data.WordTokenizer.train,
        good=lambda: {"texts": ["a b"], "min_count": 1},
        kinds={
            "texts": Kind(texts().values, lambda v: texts().lawful(v) or several(v)),
            "min_count": whole(1),
        },
        says={"texts": ("text",)},
    ),
    "translation_data.WordTokenizer.encode": Sheet(
        call=WORDS.encode, good=lambda: {"text": "a"}, kinds={"text": text()}
    ),
    "translation_data.WordTokenizer.decode": Sheet(
        call=WORDS.decode,
        good=lambda: {"ids": [4, 5]},
        kinds={"ids": Kind(junk() | st.sampled_from([[99], [-1], [4, "a"], [4.0]]),
                           lambda v: None if hasattr(type(v), "__iter__") else False)},
    ),
    "translation_data.WordTokenizer.from_json": Sheet(
        call=translation_data.WordTokenizer.from_json,
        good=lambda: {"text": WORDS.to_json()},
        kinds={"text": text(lambda v: v == WORDS.to_json())},
        says={"text": ("vocabulary", "JSON")},
    ),
    "translator.Translator.encode_pairs": Sheet(
        call=TRANSLATOR.encode_pairs, good=lambda: {"pairs": PAIRS}, kinds={"pairs": text_pairs()}
    ),
    "translator.Translator.translate": Sheet(
        call=TRANSLATOR.translate,
        good=lambda: {"sentences": ["the cat sleeps."], "batch_size": 2},
        kinds={"sentences": texts(), "batch_size": whole(1)},
    ),
    "translator.Translator.save_tokenizers": Sheet(
        call=TRANSLATOR.save_tokenizers,
        good=lambda: {"folder": None},
        kinds={"folder": Kind(junk().filter(lambda v: not isinstance(v, str)) | st.just("a\0b"),
                              lambda v: False)},
    ),
    "translator.new_translator": Sheet(
        call=translator.new_translator,
        good=lambda: {"kind": "attention_only", "corpus": CORPUS, "options": {"d_model": 8},
                      "tokenizer": "word", "min_count": 1, "vocab_size": 300, "device": CPU},
        kinds={
            "kind": one_of("attention_only"), "corpus": only(CORPUS),
            "options": made(lambda v: isinstance(v, dict) and v in ({}, {"d_model": 8}),
                            lambda: {"d_model": 8}, lambda: {"d_model": -1},
                            lambda: {"no such": 1}, lambda: {1: 2}),
            "tokenizer": one_of("word"), "min_count": whole(1),
            "vocab_size": Kind(junk(), lambda v: None), "device": maybe_device(),
        },
        says={"options": ("d_model",), "tokenizer": ("kind",)},
    ),
    "translator.load_translator": Sheet(
        call=told(translator.load_translator),
        good=lambda: {"folder": "no/such/folder", "device": CPU},
        kinds={"folder": FOLDER},
        says={"folder": ("no/such/folder",)},
    ),
    "pretrained.load_pretrained": Sheet(
        call=told(pretrained.load_pretrained),
        good=lambda: {"name": "nobody", "device": CPU},
        kinds={
            "name": Kind(junk() | any_text(5), lambda v: False),
            "device": Kind(junk().filter(lambda v: v is not None), lambda v: False),
        },
        says={"name": ("there is no trained",)},
    ),
    "pretrained.read_published": Sheet(
        call=told(pretrained.read_published),
        good=lambda: {"folder": "no/such/folder", "device": CPU},
        kinds={"folder": FOLDER},
        says=MISSING,
    ),
    "pretrained.publish": Sheet(
        call=told(pretrained.publish),
        good=lambda: {"folder": "no/such/folder", "destination": "no/such/place"},
        kinds={"folder": FOLDER, "destination": FOLDER},
        says=MISSING | {"destination": ("no/such/folder",)},
    ),
    "translation_alignment.can_align": Sheet(
        call=translation_alignment.can_align,
        good=lambda: {"translator": TRANSLATOR}, kinds={"translator": ONLY},
    ),
    "translation_alignment.cross_weights": looking(translation_alignment.cross_weights),
    "translation_alignment.alignment_scores": looking(translation_alignment.alignment_scores),
    "translation_options.commands": Sheet(
        call=translation_options.commands, good=lambda: {"arguments": ["a"]},
        kinds={"arguments": texts()},
    ),
}  # fmt: skip
