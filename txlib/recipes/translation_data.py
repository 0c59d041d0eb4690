"""The translator's two corpora as plain text, and the ways to turn text into ids."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from txlib.checks import check_flag, check_kind, check_one_of, check_text, check_whole
from txlib.data.byte_pair import BytePairTokenizer
from txlib.data.vocabulary import Vocabulary, check_many
from txlib.data.words import join_words, split_words
from txlib.recipes.argument_checks import check_fields, check_text_pairs, check_texts, check_wholes

WHOLE = re.compile(r"((?<=\w)'s\b|\baujourd'hui\b)", re.IGNORECASE)
TextPair = tuple[str, str]
GRAMMAR_SIZES = {"train": 40_000, "validation": 1_000, "test": 2_000, "beyond": 500}


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """English and French sentences, as written.

    Args:
        name: `"grammar"` or `"multi30k"`.
        text: what was done to the sentences, in words, for a record.
        lowercase: whether capitals were folded, so that a translator folds its input too.
        splits: pairs by the split's name; `"train"`, `"validation"` and `"test"` at least.
        edges: bins of source length, in words, for the splits within the trained lengths.
    """

    name: str
    text: str
    lowercase: bool
    splits: dict[str, list[TextPair]]
    edges: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what is no corpus."""
        check_text("name", self.name)
        check_text("text", self.text)
        check_flag("lowercase", self.lowercase)
        check_fields("splits", self.splits)
        for split, pairs in self.splits.items():
            check_text_pairs(f"splits[{split!r}]", pairs)
        check_wholes("edges", self.edges)


def load_corpus(name: str, *, train_size: int | None = None) -> Corpus:
    """One of the two corpora that the course's translator runs on; the same at every call.

    Multi30k is folded to lower case, as in the published work on it, and its references are
    compared as such.

    Args:
        name: `"grammar"` or `"multi30k"`.
        train_size: how many training pairs; 40 000 of the grammar, all of Multi30k, if not given.

    Raises:
        ValueError: if there is no such corpus, or `train_size` is below 1.
        txlib.data.download.DataError: if Multi30k is neither cached nor to be had.
    """
    check_one_of("name", name, ("grammar", "multi30k"))
    if train_size is not None:
        check_whole("train_size", train_size, least=1)
    if name == "grammar":
        return _load_grammar(train_size)
    return _load_multi30k(train_size)


def _load_grammar(train_size: int | None) -> Corpus:
    from txlib.data import grammar

    sizes = GRAMMAR_SIZES | ({"train": train_size} if train_size else {})
    splits = {
        split: [
            (grammar.detokenize(pair.source), grammar.detokenize(pair.target))
            for pair in grammar.generate(split, size)
        ]
        for split, size in sizes.items()
    }
    return Corpus(
        name="grammar",
        text="sentences as the grammar writes them, detokenized",
        lowercase=False,
        splits=splits,
        edges=(4, 8, 12, 16, 21, 26, 30),
    )


def _load_multi30k(train_size: int | None) -> Corpus:
    from txlib.data import multi30k

    splits = {
        split: [(_plain(english), _plain(french)) for english, french in multi30k.load(split)]
        for split in ("train", "validation", "test")
    }
    return Corpus(
        name="multi30k",
        text="test is test_2016_flickr; both sides lower-cased, hypotheses detokenized",
        lowercase=True,
        splits=splits | {"train": splits["train"][:train_size]},
        edges=(1, 10, 12, 14, 17, 21, 50),
    )


def _plain(sentence: str) -> str:
    return " ".join(sentence.lower().split())


class Tokenizer(Protocol):
    """Text to ids and back; ids 0 to 3 are those of `txlib.data.vocabulary`."""

    def encode(self, text: str) -> list[int]: ...  # noqa: D102
    def decode(self, ids: Iterable[int]) -> str: ...  # noqa: D102
    def to_json(self) -> str: ...  # noqa: D102
    def __len__(self) -> int: ...


class WordTokenizer:
    """Whole words as tokens: a vocabulary between the splitting and the joining of text.

    Args:
        vocabulary: the words that have an id.
    """

    def __init__(self, vocabulary: Vocabulary):
        check_kind("vocabulary", vocabulary, Vocabulary)
        self.vocabulary = vocabulary

    @classmethod
    def train(cls, texts: Iterable[str], *, min_count: int = 1) -> Self:
        """Give an id to every word that `texts` hold at least `min_count` times."""
        check_many("texts", texts)
        return cls(Vocabulary.from_corpus(map(_split, texts), min_count=min_count))

    def encode(self, text: str) -> list[int]:
        """The ids of the words of `text`. No BOS or EOS is added."""
        return self.vocabulary.encode(_split(text))

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids` up to the first EOS."""
        return join_words(self.vocabulary.decode(ids)).replace(" 's", "'s")

    def to_json(self) -> str:
        """The tokenizer as JSON text, for `from_json`."""
        return self.vocabulary.to_json()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The tokenizer that `to_json` wrote."""
        return cls(Vocabulary.from_json(text))

    def __len__(self) -> int:
        return len(self.vocabulary)


def _split(text: str) -> list[str]:
    """Words as the grammar has them: the English 's and the French aujourd'hui are whole."""
    check_text("text", text)
    pieces = enumerate(WHOLE.split(text))  # every second piece is a match
    return [word for i, piece in pieces for word in ([piece] if i % 2 else split_words(piece))]


TOKENIZERS = {"word": WordTokenizer, "bpe": BytePairTokenizer}


def train_tokenizer(
    kind: str, texts: Sequence[str], *, min_count: int = 2, vocab_size: int = 6000
) -> Tokenizer:
    """Learn a tokenizer from one side of the training pairs.

    Args:
        kind: `"word"` or `"bpe"`.
        texts: sentences as written.
        min_count: words: rarer ones have no id of their own.
        vocab_size: byte pairs: how many ids there are.

    Raises:
        ValueError: if there is no such kind, or `texts` is no sequence of strings.
    """
    check_one_of("kind", kind, TOKENIZERS)
    check_texts("texts", texts)
    if kind == "word":
        return WordTokenizer.train(texts, min_count=min_count)
    return BytePairTokenizer.train(texts, vocab_size=vocab_size)
