"""Attention weights of layers and heads, one query at a time."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import traitlets

from txlib.widgets import picture
from txlib.widgets.base import CourseWidget, bundle
from txlib.widgets.head_grid import bare_maps, check_names, check_scores, draw_grid
from txlib.widgets.validation import check_choice, check_integer
from txlib.widgets.weights import (
    COARSE,
    FINE,
    TOLERANCE,
    check_pairs,
    check_tokens,
    check_weights,
    from_bytes,
    to_bytes,
)

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

MOST_LABELS = 400  # tokens beside the maps of the still picture; more could not be read
MOST_FINE = 100_000  # numbers that travel in two bytes; more would weigh on the page
VIEWS = ("heatmap", "lines")


class AttentionExplorer(CourseWidget):
    """Shows where each query looks: a heatmap or lines, and one query's weights in numbers.

    Weights travel rounded: to 16 bits up to 100 000 of them (shown with three decimals), to 8 bits
    above (two decimals). `error` says by how much that may change one.

    Args:
        weights: (layers, heads, T_q, T_k), (heads, T_q, T_k) or (T_q, T_k): tensor, array or nested
            lists, between 0 and 1; each row sums to 1 within 0.01, or is all zero. At most 64
            queries and keys, 32 layers and heads, and 1 000 000 numbers.
        query_tokens: T_q texts, from the top down.
        key_tokens: T_k texts, from left to right.
        gold: pairs (query position, key position) to outline, as `Pair.alignment` holds them.
        layer: which layer is shown first, from 0.
        head: which head is shown first, from 0.
        query: position of the query whose weights are shown first.
        view: "heatmap" or "lines".
        scores: what each head scores, by name: (layers, heads) numbers, NaN for none. Where
            `scores` or `names` is given, all heads stand in one grid, and picking one enlarges it.
        names: a name for each head, layer by layer; "layer 0, head 1" when not given.
        sort: the score by which heads are sorted first, greatest first; by layer when not given.

    Attributes:
        show_gold: whether the gold pairs are outlined.
        stretch: whether colours and bars run to the largest weight of the layer (of
            all layers in a grid) instead of to 1.

    Raises:
        ValueError: if `weights` has another shape than the tokens say, is too large, or holds a
            row that is no distribution; if a gold pair or a position lies outside; if scores or
            names are not one per head, or `sort` is none of the scores.
    """

    _esm = bundle("matrix.js", "fan.js", "head_grid.js", "attention.js", "attention_explorer.js")
    _css = bundle("matrix.css", "head_grid.css", "attention_explorer.css")
    _shown = ("shape", "query_tokens", "key_tokens", "layer", "head", "query", "view")

    data = traitlets.Bytes().tag(sync=True)
    shape = traitlets.List(traitlets.Int()).tag(sync=True)
    levels = traitlets.Int().tag(sync=True)
    query_tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    key_tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    gold = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    layer = traitlets.Int().tag(sync=True)
    head = traitlets.Int().tag(sync=True)
    query = traitlets.Int().tag(sync=True)
    view = traitlets.Enum(VIEWS).tag(sync=True)
    show_gold = traitlets.Bool(True).tag(sync=True)
    stretch = traitlets.Bool(False).tag(sync=True)
    grid = traitlets.Bool().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    score_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    score_values = traitlets.List(traitlets.List()).tag(sync=True)
    sort = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        weights: Any,
        query_tokens: Sequence[str],
        key_tokens: Sequence[str],
        gold: Collection[tuple[int, int]] | None = None,
        *,
        layer: int = 0,
        head: int = 0,
        query: int = 0,
        view: str = "heatmap",
        scores: Mapping[str, Any] | None = None,
        names: Sequence[str] | None = None,
        sort: str = "",
    ) -> None:
        query_tokens = check_tokens("query_tokens", query_tokens)
        key_tokens = check_tokens("key_tokens", key_tokens)
        array = check_weights("weights", weights, len(query_tokens), len(key_tokens))
        check_choice("view", view, VIEWS)
        layers, heads, queries, _ = array.shape
        grid = scores is not None or names is not None
        checked = check_scores(scores, layers, heads) if grid else {}
        if not isinstance(sort, str) or sort not in ("", *checked):
            raise ValueError(f"sort must be one of the scores {[*checked]}, got {sort!r}")
        levels = FINE if array.size <= MOST_FINE else COARSE
        super().__init__(
            data=to_bytes(array, levels),
            shape=list(array.shape),
            levels=levels,
            query_tokens=query_tokens,
            key_tokens=key_tokens,
            gold=check_pairs("gold", gold, array.shape[2:]),
            layer=check_integer("layer", layer, least=0, most=layers - 1),
            head=check_integer("head", head, least=0, most=heads - 1),
            query=check_integer("query", query, least=0, most=queries - 1),
            view=view,
            grid=grid,
            names=check_names(names, layers, heads) if grid else [],
            score_names=[*checked],
            score_values=[*checked.values()],
            sort=sort,
        )

    @property
    def error(self) -> float:
        """The most by which a weight in the browser differs from the one that was given."""
        return 0.5 / self.levels + TOLERANCE

    @property
    def alt(self) -> str:
        """What is shown, and the largest weight of the picked query."""
        queries, keys = self.shape[2:]
        row = self._weights()[self.layer, self.head, self.query]
        token = _brief(self.query_tokens[self.query])
        most = int(row.argmax())
        told = f"puts its largest weight, {row[most]:.2f}, on key {most + 1}, "
        told += f"{_brief(self.key_tokens[most])}"
        return (
            f"Attention weights of {queries} queries over {keys} keys, {self._where()}. Query "
            f"{self.query + 1}, {token}, {told if row.any() else 'attends to no key'}."
            f"{f' {len(self.gold)} gold pairs are outlined.' if self.gold else ''}"
        )

    def fallback(self) -> "Figure":
        """The map of the only head, all heads in the picked layer, or all in the grid's order."""
        if self.grid:
            scores = dict(zip(self.score_names, self.score_values, strict=True))
            everything = self._weights().reshape(-1, *self.shape[2:])
            return draw_grid(everything, self.names, scores, self.sort)
        from txlib.plotting.attention import head_grid, heatmap

        weights = self._weights()[self.layer]
        gold = [tuple(pair) for pair in self.gold]
        tokens = (self.query_tokens, self.key_tokens)
        if len(weights) == 1:
            figure = heatmap(weights[0], *tokens, gold=gold)
            figure.set_size_inches(7.2, figure.get_figheight())
        elif len(weights) * sum(self.shape[2:]) > MOST_LABELS:
            figure = bare_maps(weights, [f"head {i}" for i in range(len(weights))])
        else:
            figure = head_grid(weights, *tokens, gold=gold)
        if self.shape[0] > 1:
            figure.suptitle(f"layer {self.layer}")
        return figure

    def _where(self) -> str:
        layers, heads = self.shape[:2]
        if not self.grid:
            return f"layer {self.layer} of {layers}, head {self.head} of {heads}, counted from 0"
        index = self.layer * heads + self.head
        scored = "".join(
            f", {_brief(name)} {'none' if values[index] is None else f'{values[index]:.3f}'}"
            for name, values in zip(self.score_names, self.score_values, strict=True)
        )
        return f"{_brief(self.names[index])}, one of {layers * heads} heads in a grid{scored}"

    def _weights(self) -> "np.ndarray":
        """The weights as they are shown: (layers, heads, T_q, T_k) float64."""
        return from_bytes(self.data, self.levels, self.shape)


def _brief(token: str) -> str:
    return picture.shorten(token.strip() or repr(token), 40)
