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
    """

    english: str
    masculine: tuple[str, str]
    feminine: tuple[str, str]
    before_vowel: str
    precedes: bool
    tags: frozenset[str]

    def agree(self, gender: str, is_plural: bool) -> str:
        """The French form for a noun of this gender and number."""
        return (self.masculine if gender == "m" else self.feminine)[is_plural]

    def agree_before(self, following: str, gender: str, is_plural: bool) -> str:
        """The same, where the next word is `following`: "vieil" before "animal"."""
        if gender == "m" and not is_plural and french.starts_with_vowel(following):
            return self.before_vowel
        return self.agree(gender, is_plural)


# English masculine[/feminine[/masculine before a vowel]] tags, one adjective a line.
BEFORE = """
    beautiful beau/belle/bel person,solid,tree,flower,place,horse,bird
    big grand animal,big,place
    good bon/bonne food,drink
    long long/longue readable,road,street,bridge,path
    new nouveau/nouvelle/nouvel solid,readable,building
    old vieux/vieille/vieil animal,person,solid,tree,building,bridge
    pretty joli thing,village,garden
    small petit animal,food,solid,flower,place
    young jeune animal,person
    """
AFTER = """
    black noir animal,solid
    blue bleu solid,flower
    brave courageux animal,person
    brown brun animal
    clever intelligent animal,person
    cold froid drink,soup,egg,carrot
    crowded bondé market,square,beach,museum
    dark sombre forest,cave,street,kitchen
    deep profond river,lake,stream,valley
    expensive cher/chère solid
    famous célèbre person,readable,building
    fresh frais/fraîche food
    green vert solid
    grey gris animal,solid
    happy heureux person
    heavy lourd solid
    hot chaud drink,soup,egg,cake,carrot
    hungry affamé animal,person
    lazy paresseux animal,person
    modern moderne building
    narrow étroit path,street,bridge,valley
    nervous nerveux animal,person
    noisy bruyant street,road,square,market
    proud fier/fière person
    quiet calme village,hamlet,beach,garden,park,lake
    red rouge solid,flower
    rich riche person
    sad triste person,story,letter
    scared effrayé animal,person
    sick malade animal,person
    slippery glissant road,path,bridge
    steep raide hill,path
    strange étrange thing,place
    sweet sucré orange,cake,apple
    tired fatigué animal,person
    vast vaste desert,field,forest,valley
    weak faible animal,person
    white blanc/blanche animal,solid,flower,building
    wide large street,road,river
    yellow jaune solid,flower
    """


def _parse(line: str, precedes: bool) -> Adjective:
    english, forms, tags = line.split()
    masculine, feminine, before_vowel, *_ = [*forms.split("/"), "", ""]
    feminine = feminine or french.feminine(masculine)
    return Adjective(
        english,
        (masculine, french.plural(masculine)),
        (feminine, french.plural(feminine)),
        before_vowel or masculine,
        precedes,
        frozenset(tags.split(",")),
    )


ADJECTIVES: tuple[Adjective, ...] = tuple(
    _parse(line, precedes)
    for block, precedes in ((BEFORE, True), (AFTER, False))
    for line in block.strip().splitlines()
)
