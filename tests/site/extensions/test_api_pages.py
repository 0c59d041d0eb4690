"""A small book with a library: its reference, and the links between the two."""

import nbformat
import pytest

LOOKS = '''"""Looks at a memory.

Take what you need::

    from txlib.looks import soft_look
"""

def soft_look(query: "Tensor", memory: "Tensor | None" = None, *, num_heads: int = 2) -> "Tensor":
    r"""An average: $\\sum_i a_i v_i$, at least <unk> and a < b.

    Source: Vaswani et al. 2017, section 3; chapter 1. Nobody et al. 1999. See `HardLook`.

    Args:
        query: (B, T),
            on two lines; `memory` is no link.
        memory: what `soft_look` looks at.

    Returns:
        (B, T). Also: a colon.

    Raises:
        ValueError: if `query` is empty.

    Example:
        >>> soft_look(3)
        9

        In words:

        >>> soft_look(4)
        16
    """

class Look:
    """What all looks share."""

    def forward(self, x: int) -> int:
        """Look."""

class HardLook(Look):
    """One key alone. `forward` is below, `soft_look` and `soft_look` above."""

    @classmethod
    def made(cls, x: int) -> "HardLook":
        """Make one."""

    def _secret(self):
        """Not for readers."""
'''
PAGE = "# Looks\n\nThe words of chapter 1.\n\n```{api} txlib\nlooks\n```\n"
CELLS = [
    ("markdown", "# One\n\nSee `soft_look`, then `soft_look` again, `HardLook` and `txlib.looks`."),
    (
        "code",
        "from txlib.looks import (\n    soft_look,\n    Look as L,\n)\nimport txlib\nx = soft_look",
    ),
    ("code", "class HardLook:\n    pass"),
]
BIB = "@article{vaswani2017,\n author={Ashish Vaswani}, title={T}, journal={J}, year={2017}}\n"


@pytest.fixture(scope="module")
def book(extensions, build, read, tmp_path_factory):
    """Its chapter and its page of reference, with no public address."""
    folder = write_book(tmp_path_factory.mktemp("api"), extensions)
    assert build(folder) == ""
    html = folder / "html"
    return read(html / "chapters" / "01_one.html"), read(html / "book" / "api" / "looks.html")


def write_book(folder, extensions):
    for name in ("txlib", "chapters", "book/api"):
        (folder / name).mkdir(parents=True)
    (folder / "txlib" / "__init__.py").write_text('"""A library."""\n', encoding="utf-8")
    (folder / "txlib" / "looks.py").write_text(LOOKS, encoding="utf-8")
    (folder / "book" / "api" / "looks.md").write_text(PAGE, encoding="utf-8")
    (folder / "book" / "api" / "index.md").write_text("# Reference\n\nAll of `txlib`.\n")
    (folder / "papers.bib").write_text(BIB, encoding="utf-8")
    notebook = nbformat.v4.new_notebook(metadata={"language_info": {"name": "python"}})
    new = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    notebook.cells = [new[kind](text) for kind, text in CELLS]
    nbformat.write(notebook, folder / "chapters" / "01_one.ipynb")
    pages = "chapters/01_one\nbook/api/index\nbook/api/looks"
    text = f"# Start\n\n```{{toctree}}\n{pages}\n```\n\n```{{bibliography}}\n```\n"
    (folder / "index.md").write_text(text, encoding="utf-8")
    (folder / "conf.py").write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(extensions)!r})\n"
        "extensions = ['myst_nb', 'sphinxcontrib.bibtex', 'api']\n"
        "myst_enable_extensions = ['dollarmath', 'colon_fence', 'deflist']\n"
        "bibtex_bibfiles = ['papers.bib']\n"
        "nb_execution_mode = 'off'\n"
        "html_theme = 'basic'\n",
        encoding="utf-8",
    )
    return folder


def entry(page, name):
    return page.find(id=f"txlib.looks.{name}").parent


def test_a_signature_names_arguments_and_result(book):
    text = " ".join(entry(book[1], "soft_look").dt.text.split())
    assert text.startswith("txlib.looks.soft_look(query: Tensor")
    assert ", *, " in text
    assert "num_heads: int = 2" in text
    assert "Tensor | None = None" in text
    assert "classmethod" in entry(book[1], "HardLook.made").dt.text


def test_sections_become_lists(book):
    looks = entry(book[1], "soft_look")
    labels = [label.text for label in looks.select("p.rubric")]
    assert labels == ["Arguments", "Returns", "Raises", "Example"]
    terms = [term.text for term in looks.select("dl.simple dt")]
    assert terms == ["query", "memory", "ValueError"]
    assert "on two lines; memory is no link." in looks.select_one("dl.simple dd").text
    assert "(B, T). Also: a colon." in looks.text
    assert "at least <unk> and a < b." in looks.text
    assert len(looks.select(".highlight-pycon")) == 2
    assert looks.select_one(".math") is not None
    assert "from txlib.looks import soft_look" in book[1].select_one("pre").text


def test_docstrings_link_to_chapters_papers_and_entries(book):
    links = entry(book[1], "soft_look").select("dd a")
    found = {link.text: link["href"] for link in links if not link.find_parent(class_="api-where")}
    assert found["chapter 1"].endswith("chapters/01_one.html")
    assert any(target.startswith("../../index.html#") for target in found.values())
    assert found["HardLook"] == "#txlib.looks.HardLook"
    assert "Nobody et al. 1999" in entry(book[1], "soft_look").text
    assert not {"memory", "query", "soft_look"} & set(found)
    links = [link.text for link in entry(book[1], "HardLook").select("dd p a.api-link")]
    assert links == ["soft_look", "Look"]


def test_a_class_shows_its_own_members_and_names_its_base(book):
    hard = entry(book[1], "HardLook")
    assert "The rest it has from Look." in hard.text
    assert hard.find(id="txlib.looks.HardLook.made") is not None
    assert book[1].find(id="txlib.looks.HardLook._secret") is None


def test_the_first_mention_in_a_chapter_is_linked(book):
    found = [(link.text, link["href"], link.get("id")) for link in book[0].select("a.api-link")]
    page = "../book/api/looks.html"
    assert found == [
        ("soft_look", f"{page}#txlib.looks.soft_look", "use-txlib.looks.soft_look"),
        ("txlib.looks", f"{page}#module-txlib-looks", "use-txlib.looks"),
    ]


def test_imports_in_cells_are_linked(book):
    found = {link.text: link["href"] for link in book[0].select("a.api-import")}
    page = "../book/api/looks.html#txlib.looks"
    assert found == {"soft_look": f"{page}.soft_look", "Look": f"{page}.Look"}
    assert book[0].select_one("pre").text == CELLS[1][1] + "\n"


def test_entries_link_back_to_the_chapters(book):
    (where,) = entry(book[1], "soft_look").select(".api-where")
    assert where.text == "Used in chapter 1"
    assert where.a["href"] == "../../chapters/01_one.html#use-txlib.looks.soft_look"
    assert entry(book[1], "Look").select_one(".api-where").a["href"].endswith("01_one.html")
    assert entry(book[1], "HardLook").select_one(".api-where") is None


def test_a_public_address_gives_links_to_the_source(extensions, build, read, tmp_path):
    folder = write_book(tmp_path, extensions)
    public = {"COURSE_REPOSITORY": "https://github.com/somebody/course", "GITHUB_SHA": "abc"}
    assert build(folder, **public) == ""
    page = read(folder / "html" / "book" / "api" / "looks.html")
    link = entry(page, "HardLook").select_one(".api-where a")
    line = LOOKS[: LOOKS.index("class HardLook")].count("\n") + 1
    assert (
        link["href"]
        == f"https://github.com/somebody/course/blob/abc/txlib/looks.py#L{line}-L{line + 8}"
    )
