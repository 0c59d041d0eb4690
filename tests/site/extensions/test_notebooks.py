import json
from types import SimpleNamespace

import pytest


def test_alt_texts_are_copied_from_outputs_to_cells(load):
    def cell(*outputs: dict[str, object], **metadata: object) -> dict[str, object]:
        return {"metadata": metadata, "outputs": list(outputs)}

    figure = {"metadata": {"image/png": {"alt": "a “curve”"}}}
    kept = {"mystnb": {"image": {"width": "50%"}}, "tags": ["wide"]}
    cells = [
        cell({"metadata": {}}, figure, **kept),
        cell({"text": "no metadata"}),
        {"metadata": {}},
    ]
    source = [json.dumps({"cells": cells})]
    env = SimpleNamespace(doc2path=lambda docname: f"/book/{docname}.ipynb")
    load("notebooks").copy_alt_texts(SimpleNamespace(env=env), "one", source)
    first, *rest = json.loads(source[0])["cells"]
    assert first["metadata"]["mystnb"]["image"] == {"width": "50%", "alt": "a “curve”"}
    assert first["metadata"]["tags"] == ["wide"]
    assert rest == cells[1:]


def test_alt_texts_reach_the_page(read, private_book):
    (image,) = read(private_book / "chapters" / "01_one.html").select(".cell_output img")
    assert image["alt"] == "A single point."


def test_pages_that_are_no_notebooks_stay_as_they_are(load):
    source = ["# Not JSON"]
    env = SimpleNamespace(doc2path=lambda docname: f"/book/{docname}.md")
    load("notebooks").copy_alt_texts(SimpleNamespace(env=env), "one", source)
    assert source == ["# Not JSON"]


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("heads  parameters\n    1  786,432\n    8  786,432\n", True),
        ("heads  parameters\n    1  786,432\n", False),
        ("a sentence\n  set in, with one blank\nbetween its words", False),
        ("\n".join(["English  " + "word " * 16] * 3), False),
        ("", False),
    ],
)
def test_a_printed_table_keeps_its_columns_and_a_sentence_wraps(load, printed, expected):
    assert load("notebooks").has_columns(printed) is expected
