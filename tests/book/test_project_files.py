"""What stands beside the code: citation, licences, forms. `make lint` checks their schemas."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest
import yaml

import txlib

ROOT = Path(__file__).parents[2]
FORMS = ROOT / ".github" / "ISSUE_TEMPLATE"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# The words of Creative Commons' own legalcode.txt, whatever the white space between them.
LEGAL_CODE = "25a40a30d753162c4026b87a389b9534c72436327abcd083f90da00ead6d6869"


def words_of(path):
    return path.read_text("utf-8").split()


def test_the_citation_agrees_with_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == txlib.__version__
    assert citation["license"] == PROJECT["license"] == "MIT"
    assert citation["authors"] == PROJECT["authors"]
    assert not {"doi", "url", "repository", "repository-code"} & set(citation)


def test_the_changelog_knows_the_version_or_what_comes():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"## {txlib.__version__}" in text or "## Unreleased" in text


def test_the_text_of_cc_by_is_whole_and_untouched():
    words = words_of(ROOT / "LICENSE-TEXT")
    assert words[:3] == ["Attribution", "4.0", "International"]
    assert hashlib.sha256(" ".join(words).encode()).hexdigest() == LEGAL_CODE


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_both_licences_are_named_and_linked(name):
    text = (ROOT / name).read_text("utf-8")
    assert "[MIT](LICENSE)" in text
    assert "[CC BY 4.0](LICENSE-TEXT)" in text


def test_the_site_says_which_licence_covers_what():
    footer = (ROOT / "book" / "_config.yml").read_text("utf-8")
    assert "https://creativecommons.org/licenses/by/4.0/" in footer
    assert "Code: MIT" in footer


@pytest.mark.parametrize("form", ["mistake.yml", "notebook.yml"])
def test_forms_ask_little_and_are_linted(form):
    fields = yaml.safe_load((FORMS / form).read_text("utf-8"))["body"]
    required = [field for field in fields if field.get("validations", {}).get("required")]
    assert len(required) == 3
    assert form in (ROOT / "Makefile").read_text("utf-8")


def test_no_form_is_left_out():
    names = sorted(path.name for path in FORMS.iterdir())
    assert names == ["config.yml", "mistake.yml", "notebook.yml"]


def test_hooks_of_others_are_pinned_to_a_commit():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    others = [repo for repo in hooks if repo["repo"] != "local"]
    assert all(re.fullmatch(r"[0-9a-f]{40}", repo["rev"]) for repo in others)
