"""No file sends a reader to somebody else's package, or to an address that nobody gave the course.

The name txlib on the Python index is another project's. The course's own public address is known
only where a copy is published: the workflow writes it there.
"""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAME = "txlib"
INSTALLERS = "pip[0-9.]*|uv|pipx|conda|mamba|micromamba|poetry|pdm|easy_install"
INSTALL = re.compile(
    rf"\b(?:{INSTALLERS})\b[^\n]{{0,120}}?(?:\b(?:install|add|download|wheel)\b|easy_install)"
    rf"[^\n]*?(?<![\w./-]){NAME}(?![\w./-])",
    re.IGNORECASE,
)
REQUIREMENT = re.compile(rf"""^\s*["']?{NAME}\s*(?:[<>=~!@;\["',]|$)""", re.MULTILINE)
HOSTED = re.compile(
    r"\b(?:(?:www\.)?github\.com[/:]|raw\.githubusercontent\.com/|gitlab\.com[/:]|codeberg\.org/"
    r"|bitbucket\.org/|colab\.research\.google\.com/github/|mybinder\.org/v2/gh/)"
    r"([\w.-]+/[\w.-]+)|\b([\w-]+\.(?:github|gitlab)\.io/?[\w-]*)",
    re.IGNORECASE,
)
OTHERS = {"tensorflow/tensor2tensor", "multi30k/dataset", "pre-commit/pre-commit-hooks"}
IN_TESTS = {"somebody/course", "somebody/course.git", "another/fork.git"}


def tracked():
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, done.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix != ".safetensors" and path != Path(__file__):
            yield path


TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in tracked()}


@pytest.mark.parametrize(
    "command",
    [
        "pip install {}",
        "%pip install --quiet '{}'",
        '!pip3 install \\"{}[chapters]\\"',
        "python -m pip install -U {}==0.1",
        '["-m", "pip", "install", "{}"]',
        "uv pip install {}",
        "uv add {}",
        "conda install -c conda-forge {}",
        "poetry add {}",
    ],
)
def test_the_rule_knows_a_wrong_command(command):
    assert INSTALL.search(command.format(NAME))


@pytest.mark.parametrize(
    "command",
    [
        "pip install attention-in-order",
        'pip install "attention-in-order[colab] @ git+…"  # gives {}.recurrent',
        "pip install -e . && python -m {}.recipes.translation",
        "pip install sacrebleu",
    ],
)
def test_the_rule_lets_right_commands_be(command):
    assert not INSTALL.search(command.format(NAME))


def test_nobody_is_sent_to_a_package_of_somebody_else():
    found = {name: match[0] for name, text in TEXTS.items() if (match := INSTALL.search(text))}
    assert not found
    lists = [n for n in TEXTS if re.search(r"(requirements|constraints)[^/]*\.txt$", n)]
    assert lists
    assert not [name for name in lists if REQUIREMENT.search(TEXTS[name])]
    assert REQUIREMENT.search(f"numpy==2\n{NAME}==1\n")


def test_the_distribution_is_not_called_by_the_import_name():
    project = tomllib.loads(TEXTS["pyproject.toml"])["project"]
    assert project["name"] == "attention-in-order"
    extras = [text for extra in project["optional-dependencies"].values() for text in extra]
    assert not [text for text in project["dependencies"] + extras if text.startswith(NAME)]


def test_no_address_of_the_course_is_invented():
    found = {
        (name, match[1] or match[2])
        for name, text in TEXTS.items()
        for match in HOSTED.finditer(text)
    }
    known = {name for name in OTHERS if name in {address for _, address in found}}
    assert known == OTHERS, "one of them is no longer needed here"
    unknown = {
        (name, address)
        for name, address in found
        if address.removesuffix(".") not in OTHERS
        and not (name.startswith("tests/") and address in IN_TESTS)
    }
    assert not unknown, "an address of another project? then add it to OTHERS"


def test_no_chapter_holds_an_address():
    for name, text in TEXTS.items():
        if name.startswith("chapters/") and name.endswith(".ipynb"):
            assert text.count('"COURSE = \\"\\"  #') == 1, name
