"""What the files of the site say about each other, read without a browser."""

import functools
import posixpath
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.site
LOADED = ("script[src]", "img[src]", "iframe[src]", "source[src]", "link[href]")


def follow(page: str, href: str) -> tuple[str, str]:
    """The file and the place in it that a link within the site leads to."""
    parts = urlsplit(href)
    name = posixpath.join(posixpath.dirname(page), unquote(parts.path)) if parts.path else page
    return posixpath.normpath(name), unquote(parts.fragment)


def is_inner(href: str) -> bool:
    return not urlsplit(href).scheme and not urlsplit(href).netloc


@pytest.fixture(scope="module")
def ids(parse):
    return functools.cache(lambda page: {tag["id"] for tag in parse(page).find_all(id=True)})


def test_links_and_anchors_resolve(site, path, parse, ids):
    lost = []
    for link in parse(path).select("a[href]"):
        if is_inner(link["href"]):
            name, anchor = follow(path, link["href"])
            if not (site / name).is_file() or (anchor and anchor not in ids(name)):
                lost.append(link["href"])
        elif urlsplit(link["href"]).scheme not in ("http", "https", "mailto"):
            lost.append(link["href"])
    assert lost == []


def test_everything_a_page_loads_is_in_the_site(site, path, parse):
    tags = parse(path).select(", ".join(LOADED))
    sources = [tag.get("src") or tag.get("href") for tag in tags]
    assert len(sources) > 10
    sources = [source for source in sources if not source.startswith("data:")]
    inner = [source for source in sources if is_inner(source)]
    assert inner == sources
    lost = [source for source in inner if not (site / follow(path, source)[0]).is_file()]
    assert lost == []


def test_ids_are_unique(path, parse):
    names = [tag["id"] for tag in parse(path).find_all(id=True)]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_pages_follow_one_another(pages, parse):
    page, seen = "book/index.html", []
    while True:
        seen.append(page)
        forward = parse(page).select_one("a.right-next")
        if forward is None:
            break
        following = follow(page, forward["href"])[0]
        assert following not in seen
        back = parse(following).select_one("a.left-prev")
        assert follow(following, back["href"])[0] == page
        page = following
    assert sorted([*seen, "genindex.html", "search.html"]) == pages


def test_every_settled_claim_leads_to_its_box(parse, chapters):
    page = "book/claims.html"
    rows = {row["id"]: row for row in parse(page).select(".claim-row")}
    verdicts = {name: row.select_one(".claim-verdict").text for name, row in rows.items()}
    settled = {name for name, verdict in verdicts.items() if verdict != "open"}
    assert settled
    for name in settled:
        (link,) = (a for a in rows[name].select("a[href]") if is_inner(a["href"]))
        chapter, anchor = follow(page, link["href"])
        assert anchor == f"claim-{name}"
        box = parse(chapter).find(id=anchor)
        assert "claim" in box["class"]
        for part in (".claim-verdict", ".claim-statement"):
            assert box.select_one(part).text == rows[name].select_one(part).text
    boxes = [box["id"] for chapter in chapters for box in parse(chapter).select(".claim")]
    assert sorted(boxes) == sorted(f"claim-{name}" for name in settled)


def test_colab_is_offered_by_all_chapters_or_by_none(parse, chapters):
    offers = [
        [link["href"] for link in parse(chapter).select('a[href*="colab.research.google.com"]')]
        for chapter in chapters
    ]
    starts = {
        link.removesuffix(chapter.replace(".html", ".ipynb"))
        for chapter, links in zip(chapters, offers, strict=True)
        for link in links
    }
    assert len(starts) <= 1, "the buttons lead to different places"
    assert {bool(links) for links in offers} in ({True}, {False})
