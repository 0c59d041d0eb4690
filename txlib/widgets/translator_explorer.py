"""A Transformer at work: a sentence, its translation, and where every head looks meanwhile."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import traitlets

from txlib.widgets import picture
from txlib.widgets.base import CourseWidget, bundle
from txlib.widgets.sentence_templates import check_templates, expand_all
from txlib.widgets.translator_entries import KINDS, TranslatorEntry, check_entries, labels, links
from txlib.widgets.translator_reading import Referents, read_translations
from txlib.widgets.validation import check_choice, check_integer
from txlib.widgets.weights import COARSE, from_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ENTRIES = 200
VIEWS = ("heatmap", "lines")
NAMES = {
    "encoder": "encoder self-attention",
    "decoder": "decoder self-attention",
    "cross": "cross-attention",
}


class TranslatorExplorer(CourseWidget):
    """Shows a translation word by word, with its probabilities, and what each head looked at.

    The reader picks a sentence, swaps words in it, and sees which words of the translation change.
    All weights of three kinds of attention travel along, in 8 bits each; with a live kernel, and
    made by `from_translator`, the explorer also translates sentences that the reader types.

    Args:
        entries: sentences that can be shown, at most 200: `TranslatorEntry`, or mappings of its
            fields. All have as many layers and heads.
        templates: which sentences belong together, as in "a {cat|dog} {sleeps|waits}."; each
            stands for every choice of words, and those that are no entry cannot be chosen. By
            default every entry stands alone.
        sentence: the text of the entry shown first; the first one when not given.
        kind: "encoder", "decoder" or "cross".
        layer: shown first, from 0.
        head: shown first, from 0.
        query: position shown first; that of the pronoun where the entry has a referent, else 0.
        view: "heatmap" or "lines".

    Attributes:
        show_gold: whether the link from the pronoun to its noun is outlined.
        stretch: whether colours run to the largest weight instead of to 1.
        typed: a text to translate: set it, here or in the page, and `answer` follows.

    Raises:
        ValueError: if an entry is not sound, two have the same text, a template has no entry or
            an entry no template, or a position is out of range.
    """

    _esm = bundle("matrix.js", "fan.js", "head_grid.js", "attention.js", "translator_explorer.js")
    _css = bundle(
        "matrix.css", "head_grid.css", "attention_explorer.css", "translator_explorer.css"
    )
    _shown = ("sentence", "kind", "layer", "head", "query", "view")

    templates = traitlets.List(traitlets.List()).tag(sync=True)
    entries = traitlets.List(traitlets.Dict()).tag(sync=True)
    shape = traitlets.List(traitlets.Int()).tag(sync=True)
    sentence = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Enum(KINDS).tag(sync=True)
    layer = traitlets.Int().tag(sync=True)
    head = traitlets.Int().tag(sync=True)
    query = traitlets.Int().tag(sync=True)
    view = traitlets.Enum(VIEWS).tag(sync=True)
    show_gold = traitlets.Bool(True).tag(sync=True)
    stretch = traitlets.Bool(False).tag(sync=True)
    typed = traitlets.Unicode().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)
    knock = traitlets.Unicode().tag(sync=True)
    opened = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        entries: Sequence[TranslatorEntry | Mapping[str, Any]],
        templates: Sequence[str] | None = None,
        *,
        sentence: str | None = None,
        kind: str = "encoder",
        layer: int = 0,
        head: int = 0,
        query: int | None = None,
        view: str = "heatmap",
    ) -> None:
        checked = check_entries(entries, MOST_ENTRIES)
        parts = check_templates(templates, [entry.text for entry in checked], MOST_ENTRIES)
        first = checked[0].text if sentence is None else sentence
        shown = next((entry for entry in checked if entry.text == first), None)
        if shown is None:
            raise ValueError(f"sentence must be the text of an entry, got {sentence!r}")
        for name, value, known in (("kind", kind, KINDS), ("view", view, VIEWS)):
            check_choice(name, value, known)
        layers, heads = checked[0].shape
        link = links(shown.referent, kind)
        if query is None:
            query = link[0][0] if link else 0
        most = len(shown.source if kind == "encoder" else shown.target) - 1
        self._translate: Callable[[str], TranslatorEntry] | None = None
        super().__init__(
            templates=parts,
            entries=[entry.to_state() for entry in checked],
            shape=[layers, heads],
            sentence=first,
            kind=kind,
            layer=check_integer("layer", layer, least=0, most=layers - 1),
            head=check_integer("head", head, least=0, most=heads - 1),
            query=check_integer("query", query, least=0, most=most),
            view=view,
        )

    @classmethod
    def from_translator(
        cls,
        translator: Any,
        sentences: Sequence[str],
        *,
        max_new_tokens: int | None = None,
        referents: Referents | None = None,
        **options: Any,
    ) -> Self:
        """An explorer of what a trained translator does with some sentences.

        Args:
            translator: as `txlib.recipes.translator.Translator`, of kind "transformer".
            sentences: sentences or templates, such as "a {cat|dog} sleeps.": every choice of words
                is translated, once.
            max_new_tokens: where to cut a translation that does not end, at most 64; by default at
                twice the source's tokens and ten more.
            referents: which noun a pronoun stands for: a mapping from the sentence (as written,
                words chosen), or a function of it, to what `TranslatorEntry.referent` takes, or
                None. A pair's own `referent` holds as long as the translation has its words in the
                same places.
            **options: as for the class: `sentence`, `kind`, `layer`, `head`, `query`, `view`.

        Raises:
            ValueError: if a sentence holds words that the model does not know, there are more than
                200 of them, or the translator is no Transformer.
        """
        texts = expand_all(sentences, MOST_ENTRIES)
        limit = {"max_new_tokens": max_new_tokens}
        entries = read_translations(translator, texts, referents=referents, **limit)
        explorer = cls(entries, sentences, **options)
        explorer._translate = lambda text: read_translations(translator, [text], **limit)[0]
        return explorer

    @traitlets.observe("knock")
    def _open(self, change: dict[str, Any]) -> None:
        """Let a view know that somebody is here who can translate; no one is on a static page."""
        if self._translate:
            self.opened = change["new"]

    @traitlets.observe("typed")
    def _reply(self, change: dict[str, Any]) -> None:
        """Answer with a new entry, or with what is wrong with the text."""
        if not self._translate or not change["new"]:
            return
        try:
            self.answer = self._translate(change["new"]).to_state()
        except ValueError as error:
            self.answer = {"text": change["new"], "error": str(error)}
        else:
            self.sentence = change["new"]

    @property
    def alt(self) -> str:
        """The sentence, its translation, the least certain word, and the picked query's look."""
        entry = self._entry()
        at = int(np.argmin(entry["probabilities"]))
        least = [(entry["target"][at], entry["probabilities"][at])]
        least += entry["rivals"][at][:1] if entry["rivals"] else []
        told = ", then ".join(f"{picture.shorten(word, 40)} {p:.2f}" for word, p in least)
        weights, queries, keys = self._map()
        query = min(self.query, len(queries) - 1)
        most = int(weights[query].argmax())
        look = f"puts its largest weight, {weights[query, most]:.2f}, on {_brief(keys[most])}"
        return (
            f"Translator with {self.shape[0]} layers of {self.shape[1]} heads, and "
            f"{len(self.entries)} sentences to choose from. {_quoted(entry['text'])} becomes "
            f"{_quoted(entry['translation'])}, where the model was least sure of {told}. "
            f"{NAMES[self.kind].capitalize()}, layer {self.layer}, head {self.head}, counted from "
            f"0: {_brief(queries[query])} {look if weights[query].any() else 'attends to nothing'}."
        )

    def fallback(self) -> "Figure":
        """The picked head's map, and each word of the translation with its probability."""
        from txlib.plotting.attention import heatmap

        entry = self._entry()
        weights, queries, keys = self._map()
        figure = picture.blank(7.6, 4.8, columns=2)
        left, right = figure.axes
        left.set_axis_on()
        gold = [tuple(link) for link in links(entry["referent"], self.kind)]
        place = f"{NAMES[self.kind]}, layer {self.layer}, head {self.head}"
        heatmap(weights, queries, keys, gold=gold, title=place, ax=left)
        count = len(entry["target"])
        right.set(xlim=(0, 1.9), ylim=(count - 0.5, -0.5))
        right.set_title("probability of each word", fontsize=11, color=picture.INK)
        for i, (word, p) in enumerate(zip(entry["target"], entry["probabilities"], strict=True)):
            right.barh(i, 0.8 * p, left=1.0, height=0.6, color=picture.ACCENT)
            picture.write(right, 0.7, i, picture.shorten(word, 18), ha="right", va="center")
            picture.write(right, 0.95, i, f"{p:.2f}", ha="right", va="center", fontsize=9)
        figure.suptitle(
            "\n".join(picture.wrap(picture.shorten(entry["text"], 200), 90)),
            fontsize=10,
            parse_math=False,
        )
        return figure

    def _entry(self) -> dict[str, Any]:
        candidates = [entry for entry in (*self.entries, self.answer) if "weights" in entry]
        return next((one for one in candidates if one["text"] == self.sentence), candidates[0])

    def _map(self) -> tuple[np.ndarray, list[str], list[str]]:
        """The picked head as it is shown: weights (T_q, T_k) float64, and its tokens."""
        entry = self._entry()
        at = KINDS.index(self.kind)
        sizes = [tuple(map(len, labels(entry, kind))) for kind in KINDS]
        areas = [queries * keys for queries, keys in sizes]
        layers, heads = self.shape
        start = layers * heads * sum(areas[:at]) + (self.layer * heads + self.head) * areas[at]
        data = entry["weights"][start : start + areas[at]]
        return from_bytes(data, COARSE, sizes[at]), *labels(entry, self.kind)


def _brief(token: str) -> str:
    return picture.shorten(token.strip() or repr(token), 40)


def _quoted(text: str) -> str:
    left, right = "\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}"
    return f"{left}{picture.shorten(text, 200)}{right}"
