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
    bad mauvais food,drink,actor
    beautiful beau/belle/bel person,thing,place,horse,bird,butterfly
    big grand animal,thing,place
    good bon/bonne food,drink
    long long/longue readable,road,street,bridge
    new nouveau/nouvelle/nouvel thing,building
    old vieux/vieille/vieil animal,person,thing,building
    pretty joli thing,building
    small petit animal,food,thing,place
    young jeune animal,person
    """
AFTER = """
    black noir animal,thing
    blue bleu thing
    brave courageux animal,person
    brown brun animal
    clever intelligent animal,person
    cold froid drink,soup
    crowded bondé street,market,station,square,beach,museum
    dangerous dangereux animal
    dark sombre forest,cave,street,kitchen
    deep profond river,lake,stream,valley
    delicious délicieux/délicieuse food,drink
    expensive cher/chère thing
    famous célèbre person,readable,building
    fast rapide vehicle
    flooded inondé field,cave
    fresh frais/fraîche food
    furious furieux animal,person
    green vert thing
    grey gris animal,thing
    happy heureux person
    heavy lourd thing
    hot chaud drink,soup
    hungry affamé animal,person
    jealous jaloux/jalouse person
    lazy paresseux animal,person
    modern moderne building
    narrow étroit path,street,bridge,valley
    nervous nerveux animal,person
    noisy bruyant street,road,square,market,factory,station
    patient patient animal,person
    proud fier/fière person
    quiet calme village,hamlet,beach,garden,forest,library,inn
    red rouge thing
    rich riche person
    ripe mûr fruit
    sad triste person,readable
    scared effrayé animal,person
    shy timide animal,person
    sick malade animal,person
    silent silencieux/silencieuse person
    slippery glissant road,path,bridge
    slow lent animal
    steep raide hill,path,street
    strange étrange thing,place
    strong fort animal,person
    stubborn têtu animal,person
    sweet sucré fruit,cake
    tired fatigué animal,person
    vast vaste desert,field,forest,valley
    weak faible animal,person
    white blanc/blanche animal,thing,building
    wide large street,road,river
    yellow jaune thing
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
