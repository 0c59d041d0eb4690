import base64
import io

import IPython
import IPython.display
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from txlib.plotting import heatmap, show, to_png
from txlib.plotting.display import check_alt

ALT = "A line that falls from upper left to lower right over ten steps"


@pytest.fixture
def figure():
    fig = Figure(figsize=(5, 3))
    fig.subplots().plot([2, 1, 0])
    return fig


@pytest.fixture
def outputs(monkeypatch):
    shown = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(
        IPython.display, "display", lambda data, **options: shown.append((data, options))
    )
    return shown


def test_png_carries_no_date_or_version(figure):
    with Image.open(io.BytesIO(to_png(figure))) as image:
        assert image.info == {}
        assert image.size == (720, 432)
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_same_bytes_for_one_figure_twice_and_for_its_twin():
    def draw():
        keys = ["antidisestablishmentarianism", "a", "b", "fish"]  # laid out anew, this one moves
        return heatmap(np.eye(3, 4), ["x", "y", "z"], keys, gold={(0, 1)})

    once = draw()
    first = to_png(once)
    assert to_png(once) == first
    assert to_png(draw()) == first
    assert len(first) < 60_000


def test_show_hands_over_png_alt_and_caption(figure, outputs):
    show(figure, alt=f"  {ALT} ", caption="It falls.")
    (bundle, options), (markdown, _) = outputs
    assert base64.b64decode(bundle["image/png"]) == to_png(figure)
    assert bundle["text/plain"] == ALT
    assert options == {"raw": True, "metadata": {"image/png": {"alt": ALT, "width": 480}}}
    assert markdown.data == "_It falls._"  # a caption may hold *emphasis* of its own


def test_no_caption_no_second_output(figure, outputs):
    show(figure, alt=ALT)
    assert len(outputs) == 1


def test_show_closes_a_pyplot_figure():
    fig, _ = plt.subplots()
    number = fig.number
    show(fig, alt=ALT)
    assert not plt.fignum_exists(number)


def test_without_a_notebook_nothing_is_shown(figure, capsys):
    assert show(figure, alt=ALT, caption="It falls.") is None
    assert capsys.readouterr() == ("", "")


def test_missing_glyphs_do_not_warn(figure):
    figure.axes[0].set_title("我吃鱼")
    assert to_png(figure)


@pytest.mark.parametrize("alt", ["", "   ", "A falling line", " " * 40])
def test_alt_too_short(alt):
    with pytest.raises(ValueError, match="at least 25 characters, got"):
        check_alt(alt)


@pytest.mark.parametrize("opening", ["Image of", "A figure of", "picture of", "an image of"])
def test_alt_that_says_it_is_an_image(opening):
    with pytest.raises(ValueError, match="must not open with"):
        check_alt(f"{opening} a line that falls over ten steps")


def test_alt_may_speak_of_images_later():
    check_alt("Two rows of nodes, like a figure of eight laid on its side")


def test_alt_that_repeats_the_caption():
    with pytest.raises(ValueError, match="not repeat the caption"):
        check_alt(ALT, caption=f" {ALT.upper()}")


def test_show_checks_the_alt_text(figure):
    with pytest.raises(ValueError, match="alt must describe"):
        show(figure, alt="short")
