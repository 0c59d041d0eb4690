"""English spelling by rule: plurals, third persons and pasts, and the two forms of the article."""


def add_s(word: str) -> str:
    """The plural of a noun, or the third person of a verb."""
    if word.endswith(("s", "x", "ch", "sh", "o")):
        return word + "es"
    return word[:-1] + "ies" if _ends_in_consonant_y(word) else word + "s"


def add_ed(word: str) -> str:
    """The regular past of a verb that doubles no consonant."""
    if word.endswith("e"):
        return word + "d"
    return word[:-1] + "ied" if _ends_in_consonant_y(word) else word + "ed"


def indefinite(following: str) -> str:
    """The indefinite article before `following`."""
    return "an" if following[0] in "aeiou" else "a"


def _ends_in_consonant_y(word: str) -> bool:
    return word.endswith("y") and word[-2] not in "aeiou"
