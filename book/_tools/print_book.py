"""Print the whole book: every page of the built site, joined into one PDF.

    make print                                    # dist/attention-in-order.pdf
    python book/_tools/print_book.py --only chapters/03_query_key_value --out one.pdf

Chromium prints each page as a reader's own Ctrl+P would; `join_pdf` makes one book of them. The
front page is the title page, and a table of contents is set behind it.
"""

from __future__ import annotations

import argparse
import html
import os
import shutil
import sys
from pathlib import Path

import yaml
from join_pdf import Printed, join, read_printed
from playwright.sync_api import Page, sync_playwright
from tqdm import tqdm

ROOT = Path(__file__).parents[2]
SITE = ROOT / "book" / "_build" / "html"
SCREEN_ONLY = "book/api/"  # a reference is for looking up, and fills 200 sheets
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SETTLE = """async () => {
  for (const image of document.images) image.loading = "eager";
  await document.fonts.ready;
  await window.MathJax?.startup?.promise;
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
}"""
# Chromium writes a destination for what a link of the same page names, seen or not.
NAME_PLACES = """() => {
  const article = document.querySelector("article.bd-article");
  const links = document.createElement("div");
  links.hidden = true;
  for (const { id } of article.querySelectorAll("[id]:not(svg *, mjx-container *, .bertviz *)"))
    links.append(Object.assign(document.createElement("a"), { href: "#" + id }));
  const text = (heading) => [...heading.childNodes]
    .filter((node) => !node.classList?.contains("headerlink"))
    .map((node) => node.textContent).join("").trim();
  const headings = [...article.querySelectorAll("section[id] > h1, section[id] > h2")]
    .filter((heading) => heading.checkVisibility());
  document.body.append(links);
  return headings.map((heading) => [heading.parentElement.id, text(heading), heading.tagName]);
}"""
FRONT = """
section:has(> .sd-container-fluid) { display: none; }
.bd-main .bd-content .bd-article h1:first-of-type { font-size: 34pt; margin: 8mm 0 8mm; }
.bd-article img.story { max-height: 92mm; }
@page { @bottom-center { content: none; } }
"""
ABOUT = """
<section class="about-print"><h2>About this print</h2>
<p>This is the website on paper. Each chapter's solutions stand at its end. Figures that answer when
touched are stills here. Code that the site folds away is left out; the notebooks have all of it.
The reference of the library stays on the site.</p></section>
"""
CONTENTS = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Contents</title>
<style>{style}
@page {{ @bottom-center {{ content: counter(page, lower-roman); }} }}
html {{ counter-reset: page {before}; }}
h1 {{ font-size: 20pt; }} h2 {{ font-size: 11pt; margin: 12pt 0 2pt; break-after: avoid; }}
a {{ display: flex; color: #000 !important; line-height: 1.45; }}
a.chapter {{ font-weight: bold; margin-top: 5pt; break-after: avoid; }}
a.section {{ font-size: 9pt; padding-left: 6mm; }}
a i {{ border-bottom: 1pt dotted #777; flex: 1; margin: 0 4pt 3pt; }}
</style></head><body><h1>Contents</h1>{lines}</body></html>"""


def find_chromium() -> str:
    """The machine's Chromium or Chrome.

    Raises:
        SystemExit: if there is none.
    """
    names = (os.environ.get("CHROMIUM"), "chromium-headless-shell", "chromium", "google-chrome")
    path = next(filter(None, map(shutil.which, filter(None, names))), None)
    if path is None:
        raise SystemExit(
            "Printing needs Chromium or Chrome: none is on the path, and CHROMIUM names none."
        )
    return path


def read_order(toc: Path) -> list[tuple[str, str]]:
    """Each page of the table of contents, in order, with the caption of its part."""
    content = yaml.safe_load(toc.read_text(encoding="utf-8"))
    order = [(content["root"], "")]

    def add(entries: list[dict], part: str) -> None:
        for entry in entries:
            if "file" in entry:
                order.append((entry["file"], part))
            add(entry.get("sections", []), part)

    for part in content["parts"]:
        add(part["chapters"], part["caption"])
    return order


def print_page(page: Page, site: Path, name: str, before: int, style: str = "") -> Printed:
    """Print one page of the site; its first sheet is numbered `before` + 1."""
    page.goto((site / f"{name}.html").as_uri())
    page.evaluate(SETTLE)
    page.add_style_tag(content=f"html {{ counter-reset: page {before}; }}{style}")
    headings = page.evaluate(NAME_PLACES)
    if style:
        page.evaluate(
            "about => document.querySelector('article').insertAdjacentHTML('beforeend', about)",
            ABOUT,
        )
    return read_printed(name, page.pdf(prefer_css_page_size=True, print_background=True), headings)


def print_contents(page: Page, site: Path, chapters: list[tuple[Printed, str]]) -> Printed:
    """Print the table of contents of what has been printed."""
    lines, last, before = [], "", 0
    for printed, part in chapters:
        if part != last:
            lines.append(f"<h2>{html.escape(part)}</h2>")
        last = part
        for anchor, title, level in printed.headings:
            number = before + printed.places.get(anchor, (0, 0))[0] + 1
            address = html.escape((site / f"{printed.name}.html").as_uri() + "#" + anchor)
            kind = "chapter" if level == "H1" else "section"
            lines.append(
                f'<a class="{kind}" href="{address}">{html.escape(title)}<i></i>{number}</a>'
            )
        before += len(printed.reader.pages)
    style = (ROOT / "book" / "assets" / "print.css").read_text(encoding="utf-8")
    page.goto("about:blank")
    page.set_content(CONTENTS.format(style=style, before=1, lines="\n".join(lines)))
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    return read_printed("contents", pdf, [["", "Contents", "H1"]])


def print_book(site: Path, order: list[tuple[str, str]], target: Path) -> int:
    """Print these pages into one PDF; the number of its sheets."""
    chromium = find_chromium()
    (root, _), *rest = order
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(color_scheme="light", bypass_csp=True)
        page.set_default_timeout(120_000)
        front = print_page(page, site, root, 0, FRONT)
        chapters: list[tuple[Printed, str]] = []
        before = 0
        for name, part in tqdm(rest, desc="printing", unit="page"):
            chapters.append((print_page(page, site, name, before), part))
            before += len(chapters[-1][0].reader.pages)
        contents = print_contents(page, site, chapters)
        browser.close()
    return join(site, [(front, ""), (contents, ""), *chapters], 2, target)


def main() -> None:
    """Print what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=SITE, help="folder of the built site")
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "attention-in-order.pdf")
    parser.add_argument("--only", nargs="*", help="print these pages alone, e.g. book/notation")
    arguments = parser.parse_args()
    pages = read_order(ROOT / "book" / "_toc.yml")
    order = [entry for entry in pages if not entry[0].startswith(SCREEN_ONLY)]
    if arguments.only:
        order = [entry for entry in order if entry[0] in arguments.only or not entry[1]]
    missing = [name for name, _ in order if not (arguments.site / f"{name}.html").is_file()]
    if missing:
        raise SystemExit(f"{arguments.site} lacks {', '.join(missing)}: run `make book` first.")
    sheets = print_book(arguments.site.resolve(), order, arguments.out)
    size = arguments.out.stat().st_size / 1e6
    print(f"{arguments.out}: {sheets} pages, {size:.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
