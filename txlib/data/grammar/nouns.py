"""The nouns: English, French, gender, and what kind of thing each one names."""

from dataclasses import dataclass

from txlib.data.grammar.english import add_s
from txlib.data.grammar.french import plural


@dataclass(frozen=True, eq=False)
class Noun:
    """A noun of both languages, its forms as (singular, plural).

    Attributes:
        english: "mouse", "mice".
        french: "souris", "souris".
        gender: "m" or "f", of the French noun.
        tags: what verbs, adjectives and prepositions ask for: its kind ("animal"), the English
            singular itself, and what the table adds.
    """

    english: tuple[str, str]
    french: tuple[str, str]
    gender: str
    tags: frozenset[str]

    @property
    def countable(self) -> bool:
        """Whether it has a plural and an indefinite article: "a cat", but only "the milk"."""
        return "mass" not in self.tags


# English[/plural] French[/plural] gender [tags], one noun a line, each block of one kind.
TABLE = {
    "animal": """
        animal animal m swims
        bear ours m swims
        bird oiseau m wings
        cat chat m
        dog chien m howls swims
        donkey âne m swims
        elephant éléphant m swims
        hedgehog hérisson m
        horse cheval m swims
        owl hibou/hiboux m wings
        rabbit lapin m swims
        wolf/wolves loup m howls swims
        ant fourmi f
        cow vache f swims
        frog grenouille f swims
        giraffe girafe f
        goat chèvre f swims
        goose/geese oie f wings swims
        hen poule f
        mouse/mice souris f swims
        panther panthère f swims
        spider araignée f
        swallow hirondelle f wings
        tortoise tortue f swims
        """,
    "person": """
        boy garçon m fair
        brother frère m
        hero héros m fair
        king roi m fair grown
        man/men homme m fair grown
        prince prince m fair
        uncle oncle m grown
        aunt tante f grown
        girl fille f fair
        heroine héroïne f fair
        princess princesse f fair
        queen reine f fair grown
        sister sœur f
        woman/women femme f fair grown
        """,
    "food": """
        cake gâteau m cooked
        cheese fromage m mass
        egg œuf m cooked
        onion oignon m
        apple pomme f
        carrot carotte f
        orange orange f
        soup soupe f cooked mass
        """,
    "drink": """
        coffee café m mass
        milk lait m mass
        water eau f mass
        """,
    "thing": """
        boat bateau m solid big vehicle
        book livre m solid small readable
        coat manteau m solid small worn
        hat chapeau m solid small worn
        newspaper journal m small readable
        painting tableau m solid
        tree arbre m big
        umbrella parapluie m solid small
        axe hache f solid small
        box boîte f solid small
        car voiture f solid big vehicle
        clock horloge f solid
        crown couronne f solid small worn
        door porte f solid big
        dress robe f solid small worn
        flower fleur f small
        key clé f solid small
        letter lettre f small readable
        story histoire f readable
        sword épée f solid small
        table table f solid big
        window fenêtre f big
        """,
    "place": """
        bridge pont m on crossed
        castle château m in to building
        desert désert m in wild crossed
        field champ m in crossed
        garden jardin m in crossed
        hamlet hameau m in
        hospital hôpital m at to building
        hotel hôtel m at to building
        lake lac m wet
        market marché m at to crossed
        museum musée m at to building
        park parc m in crossed
        path sentier m on
        stream ruisseau m wet crossed
        village village m in crossed
        beach plage f on to
        cave grotte f in wild
        church église f in to building
        forest forêt f in wild crossed
        hill colline f on
        house maison f in building
        island île f on wild
        kitchen cuisine f in
        river rivière f wet crossed
        road route f on crossed
        school école f at to building
        square place f crossed
        street rue f in crossed
        valley vallée f in wild crossed
        """,
}


def _forms(entry: str, rule) -> tuple[str, str]:
    singular, _, irregular = entry.partition("/")
    return singular, irregular or rule(singular)


def _parse(kind: str, line: str) -> Noun:
    english, french, gender, *tags = line.split()
    forms = _forms(english, add_s)
    return Noun(forms, _forms(french, plural), gender, frozenset([kind, forms[0], *tags]))


NOUNS: tuple[Noun, ...] = tuple(
    _parse(kind, line) for kind, block in TABLE.items() for line in block.strip().splitlines()
)
