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
        animal animal m
        bear ours m
        bird oiseau m wings
        butterfly papillon m wings
        camel chameau m
        cat chat m
        dog chien m howls
        donkey âne m
        duck canard m wings
        eagle aigle m wings
        elephant éléphant m
        fox renard m
        hamster hamster m
        hedgehog hérisson m
        horse cheval m
        lion lion m
        monkey singe m
        owl hibou/hiboux m wings
        pig cochon m
        rabbit lapin m
        squirrel écureuil m
        tiger tigre m
        wolf/wolves loup m howls
        ant fourmi f
        bee abeille f wings
        cow vache f
        frog grenouille f
        giraffe girafe f
        goat chèvre f
        goose/geese oie f wings
        hen poule f
        ladybird coccinelle f wings
        mare jument f
        mouse/mice souris f
        otter loutre f
        panther panthère f
        spider araignée f
        swallow hirondelle f wings
        tortoise tortue f
        """,
    "person": """
        actor acteur m
        boy garçon m
        brother frère m
        father père m
        hero héros m
        king roi m
        knight chevalier m
        man/men homme m
        prince prince m
        son fils m
        uncle oncle m
        waiter serveur m
        wizard sorcier m
        actress actrice f
        aunt tante f
        girl fille f
        heroine héroïne f
        lady dame f
        mother mère f
        princess princesse f
        queen reine f
        sister sœur f
        waitress serveuse f
        witch sorcière f
        woman/women femme f
        """,
    "food": """
        apricot abricot m fruit
        cake gâteau m cooked
        cheese fromage m mass
        egg œuf m cooked
        ham jambon m mass
        lemon citron m fruit
        melon melon m fruit
        onion oignon m cooked
        sandwich sandwich m cooked
        apple pomme f fruit
        banana banane f fruit
        carrot carotte f cooked
        cherry cerise f fruit
        orange orange f fruit
        pear poire f fruit
        soup soupe f cooked
        strawberry fraise f fruit
        tomato tomate f cooked
        """,
    "drink": """
        coffee café m mass
        milk lait m mass
        tea thé m mass
        wine vin m mass
        beer bière f mass
        lemonade limonade f mass
        water eau f mass
        """,
    "thing": """
        armchair fauteuil m
        bag sac m small
        boat bateau m vehicle
        book livre m small readable
        coat manteau m small worn
        hat chapeau m small worn
        knife/knives couteau m small
        newspaper journal m small readable
        painting tableau m
        piano/pianos piano m
        poem poème m readable
        scarf/scarves foulard m small worn
        tree arbre m
        umbrella parapluie m small
        axe hache f small
        ball balle f small
        box boîte f small opened
        candle bougie f small
        car voiture f vehicle
        chair chaise f
        clock horloge f
        crown couronne f small worn
        door porte f opened
        dress robe f small worn
        flower fleur f small
        guitar guitare f small
        harp harpe f
        key clé f small
        lamp lampe f small
        letter lettre f small readable opened
        map carte f small readable
        ring bague f small worn
        shirt chemise f small worn
        story histoire f readable
        suitcase valise f small opened
        sword épée f small
        table table f
        window fenêtre f opened
        """,
    "place": """
        bridge pont m on
        castle château m in building
        desert désert m in wild
        field champ m in
        garden jardin m in
        hamlet hameau m in
        hospital hôpital m at building
        hotel hôtel m at building
        lake lac m wild
        market marché m at
        museum musée m at building
        park parc m in
        path sentier m on
        stream ruisseau m wild
        theatre théâtre m at building
        village village m in
        barn grange f in building
        beach plage f on wild
        cave grotte f in
        church église f in building
        factory usine f in building
        forest forêt f in wild
        hill colline f on
        house maison f in building
        inn auberge f at building
        island île f on wild
        kitchen cuisine f in
        library bibliothèque f at building
        mountain montagne f wild
        river rivière f wild
        road route f on
        school école f at building
        square place f
        station gare f at building
        street rue f in
        tower tour f building
        town ville f in
        valley vallée f in wild
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
