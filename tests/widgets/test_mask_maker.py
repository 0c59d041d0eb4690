import numpy as np
import pytest
import torch

from txlib.widgets import MaskMaker
from txlib.widgets.mask_maker import KINDS, MOST_TOKENS

PARAMETERS = {"length": 5, "window": 3, "prefix": 4, "num_global": 2, "block_size": 3}


def picture_of(widget: MaskMaker) -> list[str]:
    return ["".join(".x"[int(may)] for may in row) for row in widget.mask()]


BY_HAND = {
    "causal": "x...... xx..... xxx.... xxxx... xxxxx.. xxxxxx. xxxxxxx",
    "length": "xxxxx.. xxxxx.. xxxxx.. xxxxx.. xxxxx.. xxxxx.. xxxxx..",
    "window": "xxx.... xxxx... xxxxx.. .xxxxx. ..xxxxx ...xxxx ....xxx",
    "prefix": "xxxx... xxxx... xxxx... xxxx... xxxxx.. xxxxxx. xxxxxxx",
    "global": "xxxxxxx xxxxxxx xxxxx.. xxxxxx. xxxxxxx xx.xxxx xx..xxx",
    "block": "xxx.... xxx.... xxx.... ...xxx. ...xxx. ...xxx. ......x",
}


@pytest.mark.parametrize("kind", KINDS)
def test_masks_by_hand(kind):
    widget = MaskMaker(num_tokens=7, kind=kind, **PARAMETERS)
    assert picture_of(widget) == BY_HAND[kind].split()
    assert widget.mask().dtype == bool
    assert widget.num_scores() == BY_HAND[kind].count("x")


def test_agreement_with_torch():
    ones = torch.ones(9, 9, dtype=torch.bool)
    size = {"num_tokens": 9, "window": 4, "block_size": 4, "length": 6}
    wanted = {
        ("causal",): ones.tril(),
        ("window",): ones.triu(-3) & ones.tril(3),
        ("window", "causal"): ones.triu(-3).tril(),
        ("block",): torch.block_diag(ones[:4, :4], ones[:4, :4], ones[:1, :1]),
        ("causal", "length"): torch.cat([ones.tril()[:, :6], ~ones[:, 6:]], dim=1),
    }
    for (kind, *also), mask in wanted.items():
        assert np.array_equal(MaskMaker(kind=kind, also=also, **size).mask(), mask.numpy())


def test_additions_only_take_away():
    for kind in KINDS:
        alone = MaskMaker(num_tokens=8, kind=kind).mask()
        both = MaskMaker(num_tokens=8, kind=kind, also=["causal", "length"], length=3).mask()
        assert np.array_equal(both, alone & np.tri(8, dtype=bool) & (np.arange(8) < 3))


def test_rows_may_be_empty_and_sizes_extreme():
    blind = MaskMaker(num_tokens=6, kind="window", also=["length"], window=1, length=2)
    assert (~blind.mask().any(axis=1)).sum() == 4
    for kind in KINDS:
        assert MaskMaker(num_tokens=1, kind=kind).mask().tolist() == [[True]]
    assert MaskMaker(num_tokens=MOST_TOKENS)._repr_mimebundle_()[0]["image/png"]


def test_parameters_outlive_a_smaller_number_of_tokens():
    widget = MaskMaker(num_tokens=9, window=8, length=8, kind="window", also=["length"])
    widget.num_tokens = 3
    assert widget.mask().all()


def test_ways_to_say_how_many():
    assert MaskMaker().num_tokens == 12
    assert MaskMaker().tokens == []
    assert MaskMaker(5).num_tokens == MaskMaker(num_tokens=5).num_tokens == 5
    assert (MaskMaker(("a", "b")).tokens, MaskMaker(("a", "b")).num_tokens) == (["a", "b"], 2)


def test_alt_and_picture(mask):
    assert mask.alt == (
        "Attention mask over 5 tokens, window and causal: 9 of 25 pairs allowed, 36.0 %. Query 4 "
        "sees 2 keys. Shares: causal 60.0 %, length and causal 56.0 %, window and causal 36.0 %, "
        "prefix and causal 60.0 %, global and causal 56.0 %, block and causal 44.0 %."
    )
    titles = [axes.get_title(loc="left") for axes in mask.fallback().axes]
    assert titles[:2] == ["window and causal: 36.0 %", "causal: 60.0 %"]
    drawn = mask.fallback().axes[0].collections[0].get_array()
    assert np.array_equal(np.asarray(drawn).reshape(5, 5).astype(bool), mask.mask())


def test_halves_of_a_percent_round_up_as_in_the_browser():
    alone = MaskMaker(num_tokens=4, kind="block", block_size=1, also=["length"], length=1)
    assert "1 of 16 pairs allowed, 6.3 %" in alone.alt


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tokens": []}, "tokens must hold 1 to 32 strings, got 0"),
        ({"tokens": ["a", " "]}, r"tokens\[1\] must be a string that is not blank, got ' '"),
        ({"tokens": ["a"], "num_tokens": 1}, "give tokens or num_tokens, not both, got"),
        ({"num_tokens": 33}, "num_tokens must be a whole number from 1 to 32, got 33"),
        ({"kind": "full"}, r"kind must be one of \('causal', .*\), got 'full'"),
        ({"also": ["window"]}, r"also must hold rules of \('causal', 'length'\), got \['window'\]"),
        ({"also": "causal"}, "also must hold rules of .* got 'causal'"),
        ({"window": 0}, "window must be a whole number from 1 to 12, got 0"),
        ({"length": 13}, "length must be a whole number from 1 to 12, got 13"),
        ({"prefix": 1.5}, "prefix must be a whole number from 1 to 12, got 1.5"),
        ({"num_global": -1}, "num_global must be a whole number from 1 to 12, got -1"),
        ({"block_size": True}, "block_size must be a whole number from 1 to 12, got True"),
        ({"query": 12}, "query must be a whole number from 0 to 11, got 12"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        MaskMaker(**arguments)
