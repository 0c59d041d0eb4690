"""What happens for which reason: the tables behind "because it was too ..."."""

from dataclasses import dataclass

NOT, YES = 3, 1  # the sizes of a verb phrase that is negated, and of one that is not


@dataclass(frozen=True)
class Scene:
    """Somebody does something, or does not, for one of two reasons.

    Attributes:
        verb: what, by its English base form.
        verb_size: NOT or YES.
        actors: "animal", "person": whose "it" meaning must tell, or "he" and "she" do.
        own: reasons that lie in the actor.
        grounds: the objects, and for each the reasons that lie in it; none is also in `own`.
    """

    verb: str
    verb_size: int
    actors: tuple[str, ...]
    own: tuple[str, ...]
    grounds: dict[str, tuple[str, ...]]


BOTH, ANIMAL, PERSON = ("animal", "animal", "person"), ("animal",), ("person",)
EXHAUSTED = ("hungry", "lazy", "nervous", "scared", "sick", "tired", "weak")
AFRAID = ("nervous", "scared")
UNWILLING = ("lazy", "nervous", "sad", "sick", "tired")
CROSSED = {
    "bridge": ("long", "narrow", "slippery"),
    "desert": ("vast",),
    "field": ("vast",),
    "lake": ("deep",),
    "market": ("crowded", "noisy"),
    "stream": ("deep",),
    "forest": ("dark", "vast"),
    "river": ("deep", "wide"),
    "road": ("noisy", "slippery", "wide"),
    "square": ("crowded", "noisy"),
    "street": ("noisy", "wide"),
    "valley": ("deep", "vast"),
}
AVOIDED = {
    "bridge": ("narrow", "slippery"),
    "market": ("crowded", "noisy"),
    "path": ("dark", "narrow", "slippery", "steep"),
    "park": ("crowded", "noisy"),
    "beach": ("crowded", "noisy"),
    "cave": ("dark",),
    "road": ("noisy", "slippery"),
    "street": ("dark", "noisy"),
    "square": ("crowded", "noisy"),
}
LEFT = {
    "castle": ("dark", "noisy"),
    "market": ("crowded", "noisy"),
    "park": ("crowded", "noisy"),
    "beach": ("crowded", "noisy"),
    "cave": ("dark", "vast"),
    "square": ("crowded", "noisy"),
}
EATEN = {
    "cake": ("hot", "sweet"),
    "egg": ("cold", "hot"),
    "apple": ("sweet",),
    "soup": ("cold", "hot"),
}
WORN = {
    "coat": ("heavy", "old"),
    "hat": ("big", "strange"),
    "crown": ("heavy", "small"),
    "dress": ("long", "old"),
}
READ = {"book": ("long", "old"), "newspaper": ("old",), "letter": ("long",), "story": ("long",)}
BOUGHT = {
    "boat": ("expensive", "old"),
    "painting": ("expensive", "strange"),
    "car": ("expensive", "small"),
    "clock": ("expensive", "old"),
}
SCENES = (
    Scene("cross", NOT, BOTH, EXHAUSTED, CROSSED),
    Scene("cross", NOT, ANIMAL, EXHAUSTED, CROSSED),
    Scene("climb", NOT, BOTH, EXHAUSTED, {"path": ("slippery", "steep"), "hill": ("steep",)}),
    Scene("avoid", YES, BOTH, AFRAID, AVOIDED),
    Scene("leave", YES, BOTH, ("hungry", "nervous", "scared", "sick"), LEFT),
    Scene("eat", NOT, BOTH, ("nervous", "scared", "sick", "tired"), EATEN),
    Scene("wear", NOT, PERSON, ("nervous", "proud", "sad"), WORN),
    Scene("read", NOT, PERSON, UNWILLING, READ),
    Scene("buy", NOT, PERSON, ("nervous", "proud", "tired"), BOUGHT),
)
# what one does for a reason that one is, and what one does not do
MOODS = {
    "cry": ("sad", "scared", "tired"),
    "dance": ("happy",),
    "hesitate": ("nervous", "scared"),
    "howl": ("nervous", "scared"),
    "laugh": ("happy",),
    "run": ("scared",),
    "sing": ("happy",),
    "sleep": ("lazy", "sick", "tired"),
    "smile": ("happy", "proud"),
    "tremble": ("nervous", "scared", "sick", "weak"),
}
REFUSALS = {
    "dance": ("lazy", "sad", "sick", "tired"),
    "fly": ("scared", "sick", "tired", "weak"),
    "jump": ("lazy", "scared", "sick", "tired", "weak"),
    "laugh": ("nervous", "sad", "scared"),
    "run": ("lazy", "sick", "tired", "weak"),
    "sing": ("nervous", "sad", "sick", "tired"),
    "sleep": ("hungry", "nervous", "sad", "scared"),
    "smile": ("nervous", "sad", "scared", "tired"),
    "swim": ("lazy", "nervous", "scared", "tired", "weak"),
    "walk": ("lazy", "sick", "tired", "weak"),
    "work": ("hungry", "lazy", "sick", "tired"),
}
