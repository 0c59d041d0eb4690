import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml


def claim(name: str, **changes: object) -> dict[str, object]:
    entry = {"id": name, "group": "One group", "statement": f"Statement of {name}."}
    entry |= {"sources": ["D1", "D3"], "chapters": [1], "settled_in": 1, "plan": "A plan."}
    return entry | {"verdict": "holds", "finding": f"Finding of {name}."} | changes


def write_claims(path: Path, *claims: dict[str, object]) -> Path:
    path.write_text(yaml.safe_dump(list(claims)), encoding="utf-8")
    return path


def test_claims_keep_the_order_of_the_file(load, tmp_path):
    path = write_claims(tmp_path / "claims.yml", claim("zeta", verdict=None), claim("alpha"))
    claims = load("claims").read_claims(path)
    assert list(claims) == ["zeta", "alpha"]
    assert claims["alpha"]["finding"] == "Finding of alpha."


def test_claims_refuse_a_second_of_the_same_id(load, tmp_path):
    path = write_claims(tmp_path / "claims.yml", claim("twin"), claim("other"), claim("twin"))
    with pytest.raises(ValueError, match="unique, got 'twin' twice"):
        load("claims").read_claims(path)


@pytest.mark.parametrize("verdict", ["Holds", "true", "open", ""])
def test_claims_refuse_a_verdict_that_is_none(load, tmp_path, verdict):
    path = write_claims(tmp_path / "claims.yml", claim("odd", verdict=verdict))
    with pytest.raises(ValueError, match=rf"'odd' must be one of holds, .*, got '{verdict}'"):
        load("claims").read_claims(path)


@pytest.fixture(scope="module")
def claims_site(
    extensions, build, read, tmp_path_factory: pytest.TempPathFactory
) -> SimpleNamespace:
    """A book of one chapter that settles claims well, wrongly, and not at all."""
    folder = tmp_path_factory.mktemp("claims")
    (folder / "book" / "_ext").mkdir(parents=True)
    (folder / "chapters").mkdir()
    shutil.copy(extensions / "claims.py", folder / "book" / "_ext")
    write_claims(
        folder / "book" / "claims.yml",
        claim("settled", verdict="qualified"),
        claim("differs", verdict="refuted"),
        claim("waiting", verdict=None, finding=None, settled_in=2, group="Other group"),
    )
    boxes = "".join(
        f":::{{claim}} {name}\n:verdict: {verdict}\nSeen: **{name}**.\n:::\n\n"
        for name, verdict in [("settled", "qualified"), ("differs", "holds"), ("absent", "holds")]
    )
    (folder / "chapters" / "01_one.md").write_text(f"# One\n\n{boxes}", encoding="utf-8")
    (folder / "book" / "claims.md").write_text("# Claims\n\n```{claims-table}\n```\n")
    contents = "# Start\n\n```{toctree}\nchapters/01_one\nbook/claims\n```\n"
    (folder / "index.md").write_text(contents, encoding="utf-8")
    (folder / "conf.py").write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(folder / 'book' / '_ext')!r})\n"
        "extensions = ['myst_parser', 'claims']\n"
        "myst_enable_extensions = ['colon_fence']\n"
        "html_theme = 'basic'\n",
        encoding="utf-8",
    )
    complaints = build(folder)
    html = folder / "html"
    chapter, table = read(html / "chapters" / "01_one.html"), read(html / "book" / "claims.html")
    return SimpleNamespace(complaints=complaints, chapter=chapter, table=table)


def test_an_unknown_claim_is_an_error(claims_site):
    assert "unknown claim 'absent': book/claims.yml does not hold it" in claims_site.complaints
    assert claims_site.chapter.find(id="claim-absent") is None


def test_a_verdict_that_differs_from_the_file_is_a_warning(claims_site):
    warning = "WARNING: claim 'differs': the chapter says 'holds', book/claims.yml says 'refuted'"
    assert warning in claims_site.complaints
    assert "01_one.md:" in claims_site.complaints
    assert "claim 'settled'" not in claims_site.complaints


def test_a_box_says_verdict_statement_and_finding(claims_site):
    box = claims_site.chapter.find(id="claim-settled")
    assert box.select_one(".claim-verdict").text == "qualified"
    assert box.select_one(".claim-statement").text == "Statement of settled."
    assert box.select_one("strong").text == "settled"


def test_the_table_links_what_is_settled_and_announces_the_rest(claims_site):
    settled, waiting = (claims_site.table.find(id=name) for name in ("settled", "waiting"))
    assert settled.select_one("a")["href"] == "../chapters/01_one.html#claim-settled"
    assert "Finding of settled." in settled.text
    assert settled.text.strip().endswith("· D1, D3")
    assert waiting.select_one("a") is None
    assert waiting.select_one(".claim-verdict").text == "open"
    assert "Chapter 2 will test it: A plan." in waiting.text
    groups = [heading.contents[0] for heading in claims_site.table.select("h2")]
    assert groups == ["One group", "Other group"]
