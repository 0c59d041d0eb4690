"""Words to ids and back, with the four special ids that every tokenizer of the course shares."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

from txlib.checks import check_text, check_whole, shown
from txlib.json_text import parse_object

PAD, BOS, EOS, UNK = 0, 1, 2, 3
SPECIAL_TOKENS = ("<pad>", "<bos>", "<eos>", "<unk>")


class Vocabulary:
    """A fixed list of words; a word's id is its place in it.

    The ids 0 to 3 are padding, beginning of sentence, end of sentence and unknown word. A word of
    a text that is spelled like one of them ("<eos>") counts as unknown, so that no text can end a
    sentence or pose as padding.

    Args:
        words: the words without the special tokens, each once; the first one gets id 4.

    Raises:
        ValueError: if a word occurs twice or is spelled like a special token.

    Example:
        >>> vocabulary = Vocabulary(["the", "animal", "street"])
        >>> ids = vocabulary.encode(["the", "street", "slept"])
        >>> ids, vocabulary.decode(ids)  # four special ids come first; one stands for the unknown
        ([4, 6, 3], ['the', 'street', '<unk>'])
    """

    def __init__(self, words: Iterable[str]):
        words = tuple(strings("words", words))
        repeated = [word for word, count in Counter(SPECIAL_TOKENS + words).items() if count > 1]
        if repeated:
            raise ValueError(
                f"words must differ from each other and from {SPECIAL_TOKENS}, got {repeated[:5]} "
                "more than once"
            )
        self._tokens = SPECIAL_TOKENS + words
        self._ids = {word: i for i, word in enumerate(words, start=len(SPECIAL_TOKENS))}

    @classmethod
    def from_corpus(
        cls,
        sentences: Iterable[Sequence[str]],
        *,
        min_count: int = 1,
        max_size: int | None = None,
    ) -> Self:
        """The vocabulary of a corpus, most frequent word first and ties by spelling.

        Args:
            sentences: sentences already split into words.
            min_count: words that occur less often are left out; at least 1.
            max_size: the most ids there may be, the four special ones included.

        Returns:
            A vocabulary that depends on the counts alone, not on the order of the sentences.

        Raises:
            ValueError: if `min_count` is below 1, `max_size` below 4, or a sentence is a string.
        """
        check_whole("min_count", min_count, least=1)
        if max_size is not None:
            check_whole("max_size", max_size, least=len(SPECIAL_TOKENS))
        check_many("sentences", sentences)
        counts: Counter[str] = Counter()
        for sentence in sentences:
            counts.update(_words(sentence))
        kept = [
            word
            for word, count in counts.items()
            if count >= min_count and word not in SPECIAL_TOKENS
        ]
        kept.sort(key=lambda word: (-counts[word], word))
        return cls(kept if max_size is None else kept[: max_size - len(SPECIAL_TOKENS)])

    def encode(self, tokens: Sequence[str]) -> list[int]:
        """The ids of `tokens`; words outside the vocabulary become UNK. No BOS or EOS is added.

        Raises:
            ValueError: if `tokens` is a string rather than a sequence of words.
        """
        return [self._ids.get(token, UNK) for token in _words(tokens)]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The words of `ids` up to the first EOS, without PAD and BOS; UNK reads "<unk>".

        Args:
            ids: integers in [0, len(self)), also as a one-dimensional tensor.

        Raises:
            ValueError: if an id before the end of the sentence is out of range.
        """
        return [self._tokens[i] for i in sentence_ids(ids, len(self))]

    @property
    def tokens(self) -> tuple[str, ...]:
        """All tokens in the order of their ids, the special ones first."""
        return self._tokens

    def to_json(self) -> str:
        """The vocabulary as JSON text, for `from_json`."""
        return json.dumps({"tokens": self._tokens}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The vocabulary that `to_json` wrote.

        Raises:
            ValueError: if `text` is no such JSON.
        """
        check_text("text", text)
        tokens = parse_object(text, "text").get("tokens")
        tokens = tokens if isinstance(tokens, list) else []
        special, words = tuple(tokens[: len(SPECIAL_TOKENS)]), tokens[len(SPECIAL_TOKENS) :]
        if special != SPECIAL_TOKENS or not all(isinstance(word, str) for word in words):
            raise ValueError(
                f"text must be a vocabulary's JSON, whose tokens begin with {SPECIAL_TOKENS}, "
                f"got {text[:60]!r}"
            )
        return cls(words)

    def __len__(self) -> int:
        return len(self._tokens)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._tokens == other._tokens

    def __hash__(self) -> int:
        return hash(self._tokens)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} tokens)"


def sentence_ids(ids: Iterable[int], vocab_size: int) -> list[int]:
    """The ids that belong to a sentence: those before the first EOS that are not PAD or BOS.

    Args:
        ids: integers, also as a one-dimensional tensor.
        vocab_size: V; ids must lie in [0, V).

    Raises:
        ValueError: if an id before the first EOS is out of range.
    """
    check_whole("vocab_size", vocab_size)
    kept = []
    for i in _whole_numbers(ids):
        if not 0 <= i < vocab_size:
            raise ValueError(f"ids must lie in [0, {vocab_size}), got {i}")
        if i == EOS:
            break
        if i not in (PAD, BOS):
            kept.append(i)
    return kept


def _words(tokens: Sequence[str]) -> Sequence[str]:
    if isinstance(tokens, str):
        raise ValueError(
            f"tokens must be a sequence of words, got the string {tokens!r}; "
            "txlib.data.words.split_words makes words of it"
        )
    return strings("tokens", tokens)


def check_many(name: str, values: Any, of: str = "sentences") -> None:
    """Refuse what is not one thing after another; a string is one thing.

    Raises:
        ValueError: with the rule, the argument and what was given.
    """
    one = isinstance(values, (str, bytes)) or not hasattr(type(values), "__iter__")
    if one or getattr(values, "ndim", 1) == 0:
        raise ValueError(f"{name} must be several {of}, got {shown(values)}")


def strings(name: str, values: Any) -> Sequence[str]:
    """The strings, if they are several and nothing else is among them.

    Raises:
        ValueError: with the rule, the argument and what was given.
    """
    check_many(name, values, "strings")
    values = values if isinstance(values, Sequence) else tuple(values)
    for value in values:
        if type(value) is not str:
            check_text(name, value)
    return values


def _whole_numbers(ids: Any) -> Iterator[int]:
    check_many("ids", ids, "whole numbers")
    for i in ids.tolist() if hasattr(ids, "tolist") else ids:
        number = i.item() if hasattr(i, "item") and not getattr(i, "ndim", 0) else i
        check_whole("ids", number)
        yield int(number)
