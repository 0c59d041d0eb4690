"""The adjectives: their French forms, their side of the noun, and what they can be said of."""

from dataclasses import dataclass

from txlib.data.grammar import french


@dataclass(frozen=True, eq=False)
class Adjective:
    """An adjective of both languages.

    Attributes:
        english: "old".
        masculine: singular and plural: "vieux", "vieux".
        feminine: singular and plural: "vieille", "vieilles".
        before_vowel: the masculine singular before a vowel: "vieil".
        precedes: whether the French adjective stands before its noun.
        tags: the tags of the nouns that it can be said of; one in common is enough.
        quality: what it tells of ("colour"); two of one quality would contradict each other.
    """

    english: str
    masculine: tuple[str, str]
    feminine: tuple[str, str]
    before_vowel: str
    precedes: bool
    tags: frozenset[str]
    quality: str

    def agree(self, gender: str, is_plural: bool) -> str:
        """The French form for a noun of this gender and number."""
        return (self.masculine if gender == "m" else self.feminine)[is_plural]

    def agree_before(self, following: str, gender: str, is_plural: bool) -> str:
        """The same, where the next word is `following`: "vieil" before "animal"."""
        if gender == "m" and not is_plural and french.starts_with_vowel(following):
            return self.before_vowel
        return self.agree(gender, is_plural)


# English masculine[/feminine[/masculine before a vowel]] tags quality, one adjective a line.
BEFORE = """
    big grand animal,big,place size
    small petit animal,cake,egg,onion,apple,carrot,orange,solid,flower,place size
    old vieux/vieille/vieil animal,grown,solid,building,tree,bridge,window,village,street,market age
    young jeune animal,person age
    beautiful beau/belle/bel fair,solid,tree,flower,place,horse,bird looks
    new nouveau/nouvelle/nouvel solid,readable,building,window age
    good bon/bonne food,drink worth
    long long/longue readable,road,street,bridge,path size
    pretty joli thing,village,garden looks
    """
AFTER = """
    black noir animal,solid colour
    blue bleu solid,flower colour
    clever intelligent animal,person mind
    brave courageux animal,person mood
    deep profond river,lake,stream,valley depth
    brown brun animal colour
    cold froid drink,soup,egg,carrot heat
    dark sombre forest,cave,street,kitchen light
    crowded bondé market,square,beach,museum calm
    delicious délicieux food,drink worth
    white blanc/blanche animal,solid,flower,building,window colour
    red rouge solid,flower,apple colour
    tired fatigué animal,person strength
    happy heureux person mood
    hungry affamé animal,person hunger
    sad triste person,story,letter mood
    green vert solid,apple,field,hill,valley,forest,island colour
    scared effrayé animal,person mood
    wide large street,road,river width
    narrow étroit path,street,bridge,valley width
    grey gris animal,solid colour
    yellow jaune solid,flower colour
    strange étrange thing,place manner
    hot chaud drink,soup,egg,cake,carrot heat
    noisy bruyant street,road,square,market calm
    slippery glissant road,path,bridge grip
    steep raide hill,path slope
    sick malade animal,person strength
    famous célèbre person,book,story,newspaper,building,village,beach,market,square fame
    heavy lourd solid weight
    fresh frais/fraîche food,milk,water freshness
    sweet sucré orange,cake,apple,carrot,onion,coffee,milk taste
    lazy paresseux animal,person strength
    proud fier/fière person mood
    rich riche person wealth
    quiet calme village,hamlet,beach,garden,park,lake,forest,island,kitchen,valley calm
    nervous nerveux animal,person mood
    weak faible animal,person strength
    expensive cher/chère solid wealth
    vast vaste desert,field,forest,valley size
    modern moderne building age
    """


def _parse(line: str, precedes: bool) -> Adjective:
    english, forms, tags, quality = line.split()
    masculine, feminine, before_vowel, *_ = [*forms.split("/"), "", ""]
    feminine = feminine or french.feminine(masculine)
    return Adjective(
        english,
        (masculine, french.plural(masculine)),
        (feminine, french.plural(feminine)),
        before_vowel or masculine,
        precedes,
        frozenset(tags.split(",")),
        quality,
    )


ADJECTIVES: tuple[Adjective, ...] = tuple(
    _parse(line, precedes)
    for block, precedes in ((BEFORE, True), (AFTER, False))
    for line in block.strip().splitlines()
)
