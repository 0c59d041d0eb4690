"""Nothing of the machine that built the site, and no key, stands in a page or a notebook."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.site
ROOT = Path(__file__).parents[3]
READ = {".html", ".js", ".json", ".ipynb", ".css", ".svg", ".txt", ".md", ".xml", ".inv"}
KEYS = {
    "GitHub": r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}",
    "Amazon": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "Hugging Face": r"\bhf_[A-Za-z0-9]{20,}",
    "OpenAI and others": r"\bsk-[A-Za-z0-9_-]{20,}",
    "Slack": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "Google": r"\bAIza[A-Za-z0-9_-]{35}",
    "PyPI": r"\bpypi-[A-Za-z0-9_-]{30,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a web token": r"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.",
    "an address with a password": r"https?://[^\s/:@'\"<>]+:[^\s/@'\"<>]+@",
}
PATHS = {
    "a home": r"(?<![\w.:/-])/(?:home|Users|root)/[\w.-]+",
    "a temporary folder": r"(?<![\w.:/-])/(?:tmp|var/folders|private/var)/[\w.-]+",
    "a workplace": r"(?<![\w.:/-])/(?:work|workspace|mnt|builds|github)/[\w.-]+",
    "Windows": r"\b[A-Z]:\\\\?(?:Users|Windows|Temp)\\",
    "an environment": r"\.venv(?:-book)?/(?:lib|bin)|site-packages/\w+/",
    "a kernel's own file": r"ipykernel_\d+",
}
TEXTS_OF_OTHERS = ("_static/mathjax/", "_static/scripts/", "_static/vendor/", "_static/styles/")
FORMS = {name: re.compile(form) for name, form in {**KEYS, **PATHS}.items()}
SAMPLES = {
    "GitHub": "ghp_" + "a1" * 18,
    "Amazon": "AKIA" + "ABCDEFGH12345678",
    "Hugging Face": "hf_" + "aB" * 17,
    "OpenAI and others": "sk-" + "proj-" + "a1" * 20,
    "Slack": "xoxb-" + "1234567890-abc",
    "Google": "AIza" + "a" * 35,
    "PyPI": "pypi-" + "a" * 40,
    "a private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "a web token": "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + ".c",
    "an address with a password": "https://" + "me:secret@example.org",
    "a home": 'File "/home' + '/ada/x.py"',
    "a temporary folder": "'/tmp" + "/run1'",
    "a workplace": "=/work" + "space/course",
    "Windows": "C:\\" + "Users\\ada",
    "an environment": ".venv" + "/lib/python3.12",
    "a kernel's own file": "/ipykernel" + "_123/4.py",
}


def found(text: str) -> list[tuple[str, str]]:
    return [(name, hit[0][:60]) for name, form in FORMS.items() if (hit := form.search(text))]


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_known(name):
    assert name in [form for form, _ in found(f"text {SAMPLES[name]} text")]


def test_the_site_tells_nothing_of_its_builder(site, tally):
    here = [str(folder) for folder in (ROOT, Path.home()) if len(folder.parts) > 1]
    leaks = {}
    files = [path for path in site.rglob("*") if path.suffix in READ and path.is_file()]
    files = [
        path for path in files if not path.relative_to(site).as_posix().startswith(TEXTS_OF_OTHERS)
    ]
    for path in files:
        text = path.read_text("utf-8", errors="replace")
        hits = found(text) + [("this machine", word) for word in here if f"{word}/" in text]
        if hits:
            leaks[path.relative_to(site).as_posix()] = hits
    assert leaks == {}
    tally("site: file searched for keys and machine paths", len(files))


def test_the_notebooks_tell_nothing_of_their_builder(tally):
    notebooks = [*(ROOT / "chapters").glob("*.ipynb"), *(ROOT / "book").glob("*.ipynb")]
    records = sorted((ROOT / "book" / "results").rglob("*.json"))
    leaks = {path.name: found(path.read_text("utf-8")) for path in (*notebooks, *records)}
    assert {name: hits for name, hits in leaks.items() if hits} == {}
    tally("notebooks: file searched for keys and machine paths", len(leaks))
