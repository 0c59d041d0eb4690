"""French spelling by rule: plurals, feminines, present tense, and what neighbours do to words."""

from collections.abc import Sequence

Item = tuple[str, tuple[int, ...]]  # a French word and the English positions that it translates

ASPIRATED = ("hibou", "hérisson", "héros", "hache", "hameau", "hurl")
ELIDED = {"le": "l'", "la": "l'", "ne": "n'", "de": "d'", "que": "qu'"}
LIAISON = {"ce": "cet"}  # what a vowel asks for without elision
CONTRACTED = {
    ("de", "le"): "du",
    ("de", "les"): "des",
    ("à", "le"): "au",
    ("à", "les"): "aux",
}


def starts_with_vowel(word: str) -> bool:
    """Whether the words before `word` elide: it begins with a vowel or a mute h."""
    if word.startswith("h"):
        return not word.startswith(ASPIRATED)
    return word[0] in "aàâeéèêiîoôuœ"


def join(items: Sequence[Item]) -> list[Item]:
    """The items as French writes them side by side: elided, with "de le" become "du".

    A contracted word translates all that its two parts translate. An article before a vowel
    elides and then contracts no more: "de l'hôtel".
    """
    joined: list[Item] = []  # last word first: what a word becomes depends on its right neighbour
    for word, positions in reversed(items):
        following, following_positions = joined[-1] if joined else (".", ())
        if starts_with_vowel(following):
            word = ELIDED.get(word, LIAISON.get(word, word))
        contracted = CONTRACTED.get((word, following))
        if contracted:
            joined[-1] = (contracted, positions + following_positions)
        else:
            joined.append((word, positions))
    return joined[::-1]


def plural(word: str) -> str:
    """The regular plural of a noun or of a masculine adjective."""
    if word.endswith(("s", "x", "z")):
        return word
    if word.endswith("al"):
        return word[:-1] + "ux"
    return word + ("x" if word.endswith("eau") else "s")


def feminine(word: str) -> str:
    """The regular feminine of an adjective."""
    if word.endswith("e"):
        return word
    for ending, replacement in (("eux", "euse"), ("er", "ère"), ("if", "ive"), ("on", "onne")):
        if word.endswith(ending):
            return word.removesuffix(ending) + replacement
    return word + "e"


def conjugate(infinitive: str) -> tuple[str, str, str]:
    """He ..., they ..., and the past participle of a regular verb in -er or -ir.

    Raises:
        ValueError: if `infinitive` ends otherwise; such verbs are spelled out in the table.
    """
    stem = infinitive[:-2]
    if infinitive.endswith("er"):
        return stem + "e", stem + "ent", stem + "é"
    if infinitive.endswith("ir"):
        return stem + "it", stem + "issent", stem + "i"
    raise ValueError(f"infinitive must end in -er or -ir to be regular, got {infinitive!r}")
