"""Raw text to words and back, for English and French."""

import re
import unicodedata
from collections.abc import Iterable

from txlib.checks import check_flag, check_text
from txlib.data.vocabulary import strings

WORD = re.compile(r"\d+(?:[.,]\d+)+|\w+(?:-\w+)*(?:'(?=\w))?|[^\w\s]")
NO_SPACE_BEFORE = frozenset(".,;:!?)]}»…%°'/")
NO_SPACE_AFTER = frozenset("([{«#$/")


def split_words(text: str, *, lowercase: bool = False) -> list[str]:
    """The words and punctuation marks of `text`, in order.

    An apostrophe inside a word ends a token, as French elision wants it: "l'animal" is "l'",
    "animal", and "woman's" is "woman'", "s". Hyphenated words and numbers such as 95,000 stay
    whole. Typographic apostrophes become straight ones, and letters with accents are composed
    (NFC).

    Args:
        text: one sentence as written.
        lowercase: fold capitals first.

    Returns:
        Tokens without blanks in them; empty if `text` is blank.

    Raises:
        ValueError: if `text` is no string.

    Example:
        >>> split_words("L'animal n'a pas traversé la rue.")
        ["L'", 'animal', "n'", 'a', 'pas', 'traversé', 'la', 'rue', '.']
    """
    check_text("text", text)
    check_flag("lowercase", lowercase)
    text = unicodedata.normalize("NFC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return WORD.findall(text.lower() if lowercase else text)


def join_words(tokens: Iterable[str]) -> str:
    """The sentence that `tokens` came from, well enough for BLEU, which must see written text.

    Spaces follow English typography: none before any mark, so the French space before ":" or "!"
    is not restored (BLEU's tokenizer splits marks off in any case). Double quotes are taken to
    open and close in turn; a single quote on its own is taken for a closing one.

    Args:
        tokens: as `split_words` gives them.

    Returns:
        One line of text.

    Raises:
        ValueError: if `tokens` is one string, or holds something else than strings.

    Example:
        >>> join_words(split_words("It was too tired, wasn't it?"))
        "It was too tired, wasn't it?"
    """
    pieces: list[str] = []
    glue_next, quote_open = True, False
    for token in strings("tokens", tokens):
        closes_quote = token == '"' and quote_open
        if not glue_next and not closes_quote and token not in NO_SPACE_BEFORE:
            pieces.append(" ")
        pieces.append(token)
        if token == '"':
            quote_open = not quote_open
        elided = len(token) > 1 and token.endswith("'")
        glue_next = elided or token in NO_SPACE_AFTER or (token == '"' and quote_open)
    return "".join(pieces)
