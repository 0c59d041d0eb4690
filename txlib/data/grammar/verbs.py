"""The verbs: their forms on both sides, and what each one can do to what."""

from dataclasses import dataclass

from txlib.data.grammar.english import add_ed, add_s
from txlib.data.grammar.french import conjugate


@dataclass(frozen=True, eq=False)
class Verb:
    """A verb of both languages; every one forms its French past with "avoir".

    Attributes:
        english: he ..., they ...: "sees", "see".
        past: "saw"; empty for a verb of state, which has no past here.
        infinitive: "voir".
        french: il ..., ils ...: "voit", "voient".
        participle: "vu".
        subjects: tags of the nouns that can do it; one in common is enough.
        objects: tags of the nouns that it can be done to; empty for an intransitive verb.
    """

    english: tuple[str, str]
    past: str
    infinitive: str
    french: tuple[str, str]
    participle: str
    subjects: frozenset[str]
    objects: frozenset[str]


# English[/past] French[:il/ils/participle] subjects [objects]. A past "-" is none.
INTRANSITIVE = """
    sleep/slept dormir:dort/dorment/dormi animal,person
    run/ran courir:court/courent/couru animal,person
    walk marcher animal,person
    dance danser person
    laugh rire:rit/rient/ri person
    jump sauter animal
    swim/swam nager swims,person
    sing/sang chanter person
    cry pleurer person
    fly/flew voler wings
    wait attendre:attend/attendent/attendu animal,person
    smile sourire:sourit/sourient/souri person
    work travailler person
    tremble trembler animal,person
    hesitate hésiter animal,person
    howl hurler howls
    """
TRANSITIVE = """
    see/saw voir:voit/voient/vu animal,person animal,person,solid,small,big,place
    like/- aimer animal,person food,animal,person
    eat/ate manger animal,person food
    find/found trouver animal,person animal,person,food
    follow suivre:suit/suivent/suivi animal,person animal,person
    read/- lire:lit/lisent/lu person readable
    cross traverser animal,person crossed
    open/opened ouvrir:ouvre/ouvrent/ouvert person box,door,window,letter
    buy/bought acheter:achète/achètent/acheté person food,solid,newspaper,flower
    take/took prendre:prend/prennent/pris person food,small
    watch regarder animal,person animal,person,boat
    hear/heard entendre:entend/entendent/entendu animal,person animal,person
    wash laver person animal,worn,car
    avoid éviter animal,person animal,person
    leave/left quitter person place
    hide/hid cacher person small,food
    close fermer person box,door,window
    write/wrote écrire:écrit/écrivent/écrit person book,letter,story
    meet/met rencontrer animal,person animal,person
    carry porter person small,food
    drink/drank boire:boit/boivent/bu person drink
    visit visiter person building,island
    help aider person person
    clean nettoyer:nettoie/nettoient/nettoyé person solid,kitchen,house
    climb gravir animal,person hill
    know/- connaître:connaît/connaissent/connu person person,place,story
    choose/chose choisir person food,solid,flower
    sell/sold vendre:vend/vendent/vendu person food,solid,animal
    lose/lost perdre:perd/perdent/perdu person small
    chase poursuivre:poursuit/poursuivent/poursuivi animal animal
    feed/fed nourrir person animal
    paint/painted peindre:peint/peignent/peint person animal,flower,tree,building,door,boat
    wear/wore porter person worn
    build/built construire:construit/construisent/construit person building,boat,table
    drive/drove conduire:conduit/conduisent/conduit person vehicle
    admire admirer person person,painting,building,flower
    repair réparer person solid
    prepare préparer person cooked,coffee
    protect protéger:protège/protègent/protégé person animal,person
    greet saluer person person
    explore explorer animal,person wild
    hate/- détester person food,drink,animal
    """
GIVING = """
    give/gave donner person small,food
    show/showed montrer person solid,small,tree
    offer/offered offrir:offre/offrent/offert person small,food
    send/sent envoyer:envoie/envoient/envoyé person small
    """
GOING = """
    go/- aller:va/vont/allé animal,person to
    come/- venir:vient/viennent/venu animal,person to,in,wild
    """


def _parse(line: str) -> Verb:
    english, french, subjects, *objects = line.split()
    base, _, past = english.partition("/")
    infinitive, _, irregular = french.partition(":")
    singular, plural, participle = irregular.split("/") if irregular else conjugate(infinitive)
    return Verb(
        (add_s(base), base),
        "" if past == "-" else past or add_ed(base),
        infinitive,
        (singular, plural),
        participle,
        frozenset(subjects.split(",")),
        frozenset(objects[0].split(",")) if objects else frozenset(),
    )


def _parse_all(block: str) -> tuple[Verb, ...]:
    return tuple(map(_parse, block.strip().splitlines()))


INTRANSITIVES = _parse_all(INTRANSITIVE)
TRANSITIVES = _parse_all(TRANSITIVE)
GIVING_VERBS = _parse_all(GIVING)
GO, COME = _parse_all(GOING)
VERBS = (*INTRANSITIVES, *TRANSITIVES, *GIVING_VERBS, GO, COME)
VERB = {verb.english[1]: verb for verb in VERBS}
