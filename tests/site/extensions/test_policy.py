"""Pages without scripts of their own: moved to files, named by what they hold, and guarded."""

import re
from types import SimpleNamespace as Bag

import pytest

pytestmark = pytest.mark.site


@pytest.fixture(scope="module")
def policy(load):
    return load("policy")


def test_scripts_become_files_and_data_stays(policy, tmp_path):
    data = '<script type="application/json">{"a": 1}</script><script src="a.js"></script>'
    page = f"<head></head><script>one()</script><script async>one()</script>{data}"
    text = policy.move_scripts(page, tmp_path / "inline", "../inline")
    (file,) = (tmp_path / "inline").iterdir()
    assert file.read_text("utf-8") == "one()"
    moved = f'src="../inline/{file.name}"></script>'
    assert text == f"<head></head><script {moved}<script async {moved}{data}"


def test_the_print_button_still_prints(policy, tmp_path):
    page = '<head></head><button onclick="window.print()">Print</button>'
    text = policy.move_scripts(page, tmp_path, "inline")
    assert "<button data-print>" in text
    assert "onclick" not in text
    (file,) = tmp_path.iterdir()
    assert "window.print()" in file.read_text("utf-8")
    assert text.index(f"inline/{file.name}") < text.index("</head>")


def test_the_header_allows_no_more_than_the_page(policy):
    page = dict(p.split(" ", 1) for p in re.search('content="(.+)"', policy.meta())[1].split("; "))
    sent = dict(part.split(" ", 1) for part in policy.header().split("; "))
    assert sent.pop("frame-ancestors") == "'none'"
    assert sent.keys() == page.keys()
    for name, sources in sent.items():
        assert set(page[name].split()) - {"file:"} == set(sources.split())
    assert sent["default-src"] == "'none'"
    assert "unsafe" not in sent["script-src"]


def test_a_built_book_is_guarded(policy, build, small_book, tmp_path):
    book = small_book(tmp_path)
    settings = book / "conf.py"
    settings.write_text(settings.read_text("utf-8") + "extensions += ['policy']\n", "utf-8")
    build(book)
    for page in ("index.html", "chapters/01_one.html", "search.html"):
        text = (book / "html" / page).read_text("utf-8")
        assert text.count(policy.meta()) == 1
        for source in re.findall(r'src="([^"?]*_static/inline/[^"]+)"', text):
            assert (book / "html" / page).parent.joinpath(source).is_file()


def test_a_bare_redirect_becomes_a_page(policy, tmp_path):
    bare = '<meta http-equiv="Refresh" content="0; url=book/index.html" />\n'
    (tmp_path / "index.html").write_text(bare, "utf-8")
    config = Bag(html_title="A & B", project="")
    app = Bag(outdir=tmp_path, builder=Bag(format="html"), config=config)
    for _ in range(2):  # the second time finds all done
        policy.guard(app, None)
    text = (tmp_path / "index.html").read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert text.count(policy.meta()) == 1
    assert "<title>A &amp; B</title>" in text
    assert 'content="0; url=book/index.html"' in text
