"""The claims of the source documents: a verdict box in a chapter, a page that collects them.

Both read `book/claims.yml`. A chapter writes::

    :::{claim} vanishing-gradient
    :verdict: holds
    What we saw, in a sentence or two.
    :::

and the claims page writes `{claims-table}`. A verdict that differs from the data file is a build
warning.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

VERDICTS = {
    "holds": "The experiment shows it.",
    "qualified": "True under conditions, and the chapter says which.",
    "refuted": "The experiment or the primary source contradicts it.",
    "history": "A fact of record, with its primary source.",
    "untested": "It needs more than this course has.",
}
CLAIMS_FILE = Path(__file__).parents[1] / "claims.yml"
CLAIMS_PAGE = "book/claims"
logger = logging.getLogger(__name__)


@functools.cache  # a chapter has a dozen boxes, and YAML is slow to read
def read_claims(path: Path = CLAIMS_FILE) -> dict[str, dict[str, Any]]:
    """All claims by id, in the order of the file.

    Raises:
        ValueError: if two claims share an id, or a verdict is not one of `VERDICTS`.
    """
    claims: dict[str, dict[str, Any]] = {}
    for claim in yaml.safe_load(path.read_text(encoding="utf-8")):
        if claim["id"] in claims:
            raise ValueError(f"claim ids must be unique, got {claim['id']!r} twice")
        if claim["verdict"] is not None and claim["verdict"] not in VERDICTS:
            raise ValueError(
                f"the verdict of {claim['id']!r} must be one of {', '.join(VERDICTS)}, "
                f"got {claim['verdict']!r}"
            )
        claims[claim["id"]] = claim
    return claims


def badge(verdict: str | None) -> nodes.inline:
    """The verdict as a small label; the word itself says it, colour only helps."""
    return nodes.inline("", verdict or "open", classes=["claim-verdict", f"is-{verdict or 'open'}"])


class ClaimDirective(SphinxDirective):
    """The box in which a chapter settles one claim."""

    required_arguments = 1
    has_content = True
    option_spec = {"verdict": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Build the box, and complain where it disagrees with the data file."""
        claim_id, verdict = self.arguments[0], self.options.get("verdict")
        claim = read_claims().get(claim_id)
        if claim is None:
            raise self.error(f"unknown claim {claim_id!r}: book/claims.yml does not hold it")
        if verdict != claim["verdict"]:
            logger.warning(
                "claim %r: the chapter says %r, book/claims.yml says %r",
                claim_id,
                verdict,
                claim["verdict"],
                location=self.get_location(),
            )
        box = nodes.container(classes=["claim"], ids=[f"claim-{claim_id}"])
        head = nodes.paragraph(classes=["claim-head"])
        head += nodes.inline("", "Claim", classes=["claim-label"])
        head += nodes.Text(" ")
        head += badge(verdict)
        head += nodes.Text(" ")
        head += nodes.inline("", claim["statement"], classes=["claim-statement"])
        box += head
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class ClaimsTableDirective(SphinxDirective):
    """Every claim, by group, with its verdict and a link to the box that settles it."""

    def run(self) -> list[nodes.Node]:
        """Build one list of claims per group, each group a section."""
        self.env.note_dependency(str(CLAIMS_FILE))
        sections: list[nodes.Node] = []
        groups: dict[str, list[dict[str, Any]]] = {}
        for claim in read_claims().values():
            groups.setdefault(claim["group"], []).append(claim)
        for name, claims in groups.items():
            section = nodes.section(ids=[nodes.make_id(name)], names=[name])
            section += nodes.title("", name)
            listing = nodes.container(classes=["claims"])
            listing += [self.row(claim) for claim in claims]
            section += listing
            sections.append(section)
        return sections

    def row(self, claim: dict[str, Any]) -> nodes.container:
        """One claim: verdict, statement, finding, and where it is (or will be) settled."""
        row = nodes.container(classes=["claim-row"], ids=[claim["id"]])
        head = nodes.paragraph()
        head += badge(claim["verdict"])
        head += nodes.Text(" ")
        head += nodes.inline("", claim["statement"], classes=["claim-statement"])
        row += head
        detail = nodes.paragraph(classes=["claim-detail"])
        chapter = self.chapter(claim["settled_in"])
        if claim["verdict"] is None:
            detail += nodes.Text(f"Chapter {claim['settled_in']} will test it: {claim['plan']}")
        else:
            detail += nodes.Text(f"{claim['finding'].strip()} ")
            if chapter is None:
                raise self.error(f"{claim['id']!r} has a verdict, but its chapter is not there")
            target = self.env.app.builder.get_relative_uri(CLAIMS_PAGE, chapter)
            detail += nodes.reference(
                "", f"Chapter {claim['settled_in']}", refuri=f"{target}#claim-{claim['id']}"
            )
        detail += nodes.Text(f" · {', '.join(claim['sources'])}")
        row += detail
        return row

    def chapter(self, number: int) -> str | None:
        """The document name of a chapter, by the number its file name starts with."""
        prefix = f"chapters/{number:02d}_"
        return next((name for name in self.env.found_docs if name.startswith(prefix)), None)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the two directives."""
    app.add_directive("claim", ClaimDirective)
    app.add_directive("claims-table", ClaimsTableDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
