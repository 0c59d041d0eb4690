import sys
from types import ModuleType

import pytest

from txlib.widgets import PredictFirst
from txlib.widgets.base import prepare_colab
from txlib.widgets.colab import enable_custom_widgets


@pytest.fixture
def fake_colab(monkeypatch):
    """Installs a google.colab whose switch does what the test says."""

    def install(switch=None):
        google, colab, output = map(ModuleType, ("google", "google.colab", "google.colab.output"))
        google.colab, colab.output = colab, output
        google.__path__, colab.__path__ = [], []
        if switch:
            output.enable_custom_widget_manager = switch
        for module in (google, colab, output):
            monkeypatch.setitem(sys.modules, module.__name__, module)

    return install


def test_colab_is_switched_on_once(fake_colab):
    calls = []
    fake_colab(lambda: calls.append("on"))
    assert enable_custom_widgets() is True
    assert calls == ["on"]


def test_elsewhere_nothing_happens(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", None)
    assert enable_custom_widgets() is False


def test_a_failure_is_one_warning_that_says_what_to_do(fake_colab):
    def refuse():
        raise RuntimeError("no front end")

    fake_colab(refuse)
    advice = r"no front end.*output\.enable_custom_widget_manager\(\).*run the widget's cell"
    with pytest.warns(UserWarning, match=advice) as caught:
        assert enable_custom_widgets() is False
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_an_older_colab_without_the_switch_is_a_failure_too(fake_colab):
    fake_colab()
    with pytest.warns(UserWarning, match="AttributeError"):
        assert enable_custom_widgets() is False


def test_the_first_widget_switches_colab_on(fake_colab):
    calls = []
    fake_colab(lambda: calls.append("on"))
    prepare_colab.cache_clear()
    for question in ("One?", "Two?"):
        PredictFirst(question, ["yes", "no"], answer="yes", explanation="It is.")
    ours = prepare_colab.cache_info()
    prepare_colab.cache_clear()
    assert (ours.misses, ours.hits) == (1, 1)
    assert calls  # anywidget may switch it on itself as well
