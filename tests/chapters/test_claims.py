"""Every claim of a chapter that exists is settled once, by a cell that could say otherwise."""

import ast
import os
import re
from pathlib import Path

import pytest

BOX = re.compile(
    r"^:::\{claim\} ([a-z0-9-]+)\n:verdict: (\w+)\n(.*?)^:::$", re.MULTILINE | re.DOTALL
)


def boxes(notebook):
    text = "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    return BOX.findall(text)


def test_each_claim_of_a_chapter_is_settled_in_it_exactly_once(path, notebook, claims):
    due = [c["id"] for c in claims.read_claims().values() if c["settled_in"] == int(path.stem[:2])]
    assert sorted(claim_id for claim_id, _, _ in boxes(notebook)) == sorted(due)


def test_page_and_chapter_give_the_same_verdict(notebook, claims):
    known = claims.read_claims()
    for claim_id, verdict, body in boxes(notebook):
        assert verdict == known[claim_id]["verdict"]
        assert known[claim_id]["finding"]
        assert len(body.split()) >= 12, f"{claim_id}: say what was seen"


def test_a_cell_asserts_each_verdict(notebook):
    asserting = {}
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            if tag.startswith("claim:"):
                tree = ast.parse(cell.source)
                name = tag.removeprefix("claim:")
                asserts = any(isinstance(node, ast.Assert) for node in ast.walk(tree))
                asserting[name] = asserts or asserting.get(name, False)
    assert set(asserting) == {claim_id for claim_id, _, _ in boxes(notebook)}
    assert all(asserting.values()), asserting


def test_history_cites_its_source(notebook):
    for claim_id, verdict, body in boxes(notebook):
        if verdict == "history":
            assert "{cite" in body, claim_id


def test_chapters_that_do_not_exist_have_no_verdict(claims, notebooks):
    written = {int(path.stem[:2]) for path in notebooks}
    for claim in claims.read_claims().values():
        assert (claim["verdict"] is not None) == (claim["settled_in"] in written), claim["id"]


def test_the_list_is_complete(claims):
    """Where the list that the project started from lies beside the checkout, no id is lost."""
    folder = os.environ.get("TXLIB_TEST_DATA")
    if not folder or not (Path(folder).parent / "claims.md").exists():
        pytest.skip("the original list of claims is not here")
    text = (Path(folder).parent / "claims.md").read_text("utf-8")
    ids = re.findall(r"^\| ([a-z0-9-]+) \| D\d", text, re.MULTILINE)
    assert len(ids) > 90
    assert list(claims.read_claims()) == ids
