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

    @property
    def animate(self) -> bool:
        """Whether it can act: an animal or a person."""
        return bool(self.tags & {"animal", "person"})


# English[/plural] French[/plural] gender [tags], one noun a line, each block of one kind.
TABLE = {
    "animal": """
        cat chat m
        cow vache f swims
        dog chien m howls swims
        mouse/mice souris f swims
        bird oiseau m wings
        goose/geese oie f wings swims
        horse cheval m swims
        frog grenouille f swims
        animal animal m swims
        goat chèvre f swims
        rabbit lapin m swims
        giraffe girafe f
        owl hibou/hiboux m wings
        tortoise tortue f swims
        wolf/wolves loup m howls swims
        hen poule f
        bear ours m swims
        ant fourmi f
        elephant éléphant m swims
        spider araignée f
        donkey âne m swims
        swallow hirondelle f wings
        hedgehog hérisson m
        panther panthère f swims
        """,
    "person": """
        boy garçon m fair
        man/men homme m fair grown
        girl fille f fair
        king roi m fair grown
        prince prince m fair
        brother frère m
        uncle oncle m grown
        aunt tante f grown
        hero héros m fair
        heroine héroïne f fair
        woman/women femme f fair grown
        queen reine f fair grown
        princess princesse f fair
        sister sœur f
        """,
    "food": """
        apple pomme f
        cake gâteau m cooked
        soup soupe f cooked mass
        cheese fromage m mass
        egg œuf m cooked
        orange orange f
        carrot carotte f
        onion oignon m
        """,
    "drink": """
        water eau f mass
        milk lait m mass
        coffee café m mass
        """,
    "thing": """
        book livre m solid small readable
        letter lettre f small readable
        box boîte f solid small
        key clé f solid small
        hat chapeau m solid small worn
        flower fleur f small
        door porte f solid big
        boat bateau m solid big vehicle
        table table f solid big
        story histoire f readable
        car voiture f solid big vehicle
        dress robe f solid small worn
        tree arbre m big
        window fenêtre f big
        clock horloge f solid
        coat manteau m solid small worn
        crown couronne f solid small worn
        newspaper journal m small readable
        painting tableau m solid
        sword épée f solid small
        umbrella parapluie m solid small
        axe hache f solid small
        """,
    "place": """
        garden jardin m in crossed
        street rue f in crossed
        house maison f in building
        river rivière f wet crossed
        school école f at to building
        bridge pont m on crossed
        field champ m in crossed
        market marché m at to crossed
        park parc m in crossed
        road route f on crossed
        forest forêt f in wild crossed
        castle château m in to building
        path sentier m on
        beach plage f on to
        lake lac m wet
        hill colline f on
        village village m in crossed
        square place f crossed
        church église f in to building
        museum musée m at to building
        island île f on wild
        stream ruisseau m wet crossed
        kitchen cuisine f in
        valley vallée f in wild crossed
        hospital hôpital m at to building
        cave grotte f in wild
        hotel hôtel m at to building
        desert désert m in wild crossed
        hamlet hameau m in
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
