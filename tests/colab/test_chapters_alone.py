"""Every chapter by itself: a lone copy, another folder, no checkout, no network, no home."""

import nbformat
import pytest
from conftest import CHAPTERS, KEPT, execute, load_stamp
from environment import kernel_environment

VIEW = "application/vnd.jupyter.widget-view+json"


def shown(cell, kind):
    """What a cell shows of one kind, such as "image/png"."""
    data = [output.get("data", {}) for output in cell.get("outputs", [])]
    return [bundle[kind] for bundle in data if kind in bundle]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_runs_as_on_colab(path, colab, place, tmp_path):
    published = load_stamp()(nbformat.read(path, as_version=4), f"file://{colab.wheel}")
    log, elsewhere = tmp_path / "asked", tmp_path / "elsewhere"
    elsewhere.mkdir()
    ran = nbformat.from_dict(published)
    for cell in ran.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    kept = KEPT / path.name
    kept.unlink(missing_ok=True)
    try:
        execute(ran, elsewhere, kernel_environment(log=log, home=place / "home"))
        check(published, ran, log, elsewhere, place / "home")
    except Exception:
        kept.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(ran, kept)
        raise


def check(published, ran, log, folder, home):
    states = ran.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    ours = 0
    for before, after in zip(published.cells, ran.cells, strict=True):
        for output in after.get("outputs", []):
            assert output.output_type != "error", after.source
            if output.get("name") == "stderr":  # Matplotlib tells that it cannot write at home
                assert str(home) in output.text, output.text
        for kind in (VIEW, "image/png", "text/html"):
            assert len(shown(after, kind)) == len(shown(before, kind)), after.source
        for output in after.get("outputs", []):
            if VIEW in output.get("data", {}):
                shown_model = states[output.data[VIEW]["model_id"]]  # without it nothing is drawn
                if shown_model["model_module"] == "anywidget":
                    ours += 1
                    assert output.metadata[VIEW]["colab"]["custom_widget_manager"]["url"]
    assert ours, "every chapter has a widget"
    assert log.read_text().startswith("enable_custom_widget_manager\n"), "Colab shows no widget"
    assert not list(folder.iterdir()), "a chapter leaves nothing behind"
