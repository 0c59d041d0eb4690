from types import SimpleNamespace

import pytest


def test_mathjax_is_served_by_the_site(read, private_book):
    page = read(private_book / "chapters" / "01_one.html")
    (script,) = page.select('script[src*="mathjax"]')
    assert script["src"].split("?")[0] == "../_static/mathjax/tex-chtml.js"
    folder = private_book / "_static" / "mathjax"
    assert (folder / "tex-chtml.js").stat().st_size > 100_000
    assert list((folder / "output" / "chtml" / "fonts").rglob("*.woff"))


def test_the_parts_of_mathjax_that_are_named_exist(load):
    offline = load("offline")
    assert [part for part in offline.PARTS if not (offline.mathjax_folder() / part).exists()] == []


@pytest.mark.parametrize(
    ("exception", "format"), [(RuntimeError("stopped"), "html"), (None, "latex")]
)
def test_nothing_is_copied_where_no_site_was_built(load, tmp_path, exception, format):
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(format=format))
    load("offline").copy_mathjax(app, exception)
    assert list(tmp_path.iterdir()) == []


def test_icons_come_from_a_font_and_not_from_a_script(read, private_book):
    page = read(private_book / "chapters" / "01_one.html")
    assert page.select('script[src*="fontawesome"]') == []
    assert page.select('script[src*="bootstrap"]')
    styles = (private_book / "_static" / "styles" / "pydata-sphinx-theme.css").read_text("utf-8")
    assert ".fa-bars:before" in styles
    assert list((private_book / "_static" / "vendor" / "fontawesome" / "webfonts").iterdir())
