"""Byte-pair encoding: Sennrich, Haddow and Birch 2016, section 3.2, on bytes instead of letters."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from txlib.checks import check_text, check_whole, shown
from txlib.data.vocabulary import SPECIAL_TOKENS, UNK, check_many, sentence_ids

if TYPE_CHECKING:
    from tokenizers import Tokenizer

OFFSET = len(SPECIAL_TOKENS)
SMALLEST = OFFSET + 256


class BytePairTokenizer:
    """Text to ids of frequent pieces and back, without loss and without unknown words.

    Merges start from the 256 bytes, so any text can be encoded, and decoding returns it exactly.
    The ids 0 to 3 are the special ones of `txlib.data.vocabulary`; they are outside the text, and
    a text that contains "<eos>" is encoded letter by letter. Needs the package `tokenizers`.

    Args:
        tokenizer: a byte-level tokenizer without special tokens; its id i is id i + 4 here.
    """

    def __init__(self, tokenizer: "Tokenizer"):
        if not hasattr(tokenizer, "get_vocab_size"):
            raise ValueError(f"tokenizer must be one of tokenizers, got {shown(tokenizer)}")
        self._tokenizer = tokenizer

    @classmethod
    def train(cls, texts: Iterable[str], *, vocab_size: int) -> Self:
        """Learn the merges from `texts`; the same texts give the same tokenizer.

        Args:
            texts: sentences as written; for a shared vocabulary, those of both languages.
            vocab_size: V, at least 260: the special ids, the bytes, and one id for each merge.
                A small corpus may run out of pairs earlier.

        Raises:
            ValueError: if `vocab_size` is below 260.
            ModuleNotFoundError: if `tokenizers` is not installed.
        """
        check_whole("vocab_size", vocab_size)
        check_many("texts", texts)
        if vocab_size < SMALLEST:
            raise ValueError(
                f"vocab_size must be at least {SMALLEST} ({OFFSET} special ids and 256 bytes), "
                f"got {vocab_size}"
            )
        _need_tokenizers()
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        texts = [_encodable("texts", text) for text in texts]
        most = 256 + sum(len(text.encode()) for text in texts)  # as many merges as bytes at most
        trainer = trainers.BpeTrainer(
            vocab_size=min(vocab_size - OFFSET, most),  # the library makes room for all at once
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        tokenizer.train_from_iterator(texts, trainer)
        return cls(tokenizer)

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, each at least 4. No BOS or EOS is added.

        Raises:
            ValueError: if `text` is no string, or none that UTF-8 can hold.
        """
        return [i + OFFSET for i in self._tokenizer.encode(_encodable("text", text)).ids]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids` up to the first EOS; PAD, BOS and UNK are left out.

        Args:
            ids: integers in [0, len(self)), also as a one-dimensional tensor. Ids that no text
                gives may end within a letter: its bytes read as the replacement character.

        Raises:
            ValueError: if an id before the end of the sentence is out of range.
        """
        kept = [i - OFFSET for i in sentence_ids(ids, len(self)) if i != UNK]
        return self._tokenizer.decode(kept)

    def to_json(self) -> str:
        """The tokenizer as JSON text, for `from_json`."""
        return self._tokenizer.to_str()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The tokenizer that `to_json` wrote.

        Raises:
            ValueError: if `text` is no such JSON.
            ModuleNotFoundError: if `tokenizers` is not installed.
        """
        _need_tokenizers()
        from tokenizers import Tokenizer

        _encodable("text", text)
        try:
            return cls(Tokenizer.from_str(text))
        except Exception as error:  # the library raises a bare Exception
            raise ValueError(
                f"text must be a byte-pair tokenizer's JSON, got {text[:60]!r}: {error}"
            ) from error

    def __len__(self) -> int:
        return OFFSET + self._tokenizer.get_vocab_size()

    def __repr__(self) -> str:
        return f"BytePairTokenizer({len(self)} tokens)"


def _encodable(name: str, text: object) -> str:
    """`text`, if it is a string that has bytes: half of a surrogate pair has none."""
    check_text(name, text)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name} must be text that UTF-8 can hold, got {shown(text[error.start])} at "
            f"{error.start}"
        ) from None
    return text


def _need_tokenizers() -> None:
    try:
        import tokenizers  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "BytePairTokenizer needs the package tokenizers: pip install tokenizers"
        ) from error
