"""The bundle for a classroom without network, packed from stub packages."""

import hashlib
import importlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTALL = '-m pip install --no-index --find-links wheels "attention-in-order'


@pytest.fixture(scope="module")
def offline():
    sys.path.insert(0, str(ROOT / "book" / "_tools"))
    yield importlib.import_module("offline")
    sys.path.remove(str(ROOT / "book" / "_tools"))


@pytest.fixture
def wheels(tmp_path):
    """Files with the names of packages."""
    folder = tmp_path / "fetched"
    folder.mkdir()
    version = f"{sys.version_info.major}{sys.version_info.minor}"
    names = (
        f"torch-9.9+cpu-cp{version}-cp{version}-any.whl",
        "attention_in_order-1-py3-none-any.whl",
    )
    for name in names:
        (folder / name).write_bytes(name.encode())
    (folder / "pins.txt").write_text("not for the bundle")
    return folder


@pytest.fixture
def site(tmp_path):
    (tmp_path / "html" / "book").mkdir(parents=True)
    (tmp_path / "html" / "book" / "index.html").write_text("<h1>The book</h1>")
    return tmp_path / "html"


@pytest.fixture
def stick(offline, site, wheels, tmp_path):
    """Packs a bundle and unpacks it in an empty folder."""

    def pack(small: bool = False) -> Path:
        notebooks = sorted((ROOT / "chapters").glob("0[12]_*.ipynb"))
        offline.pack(offline.collect(site, notebooks, wheels, small), tmp_path / "out.zip")
        with zipfile.ZipFile(tmp_path / "out.zip") as bundle:
            bundle.extractall(tmp_path / "stick")
        return tmp_path / "stick" / "attention-in-order"

    return pack


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_everything_is_there_and_nothing_else(stick, wheels):
    expected = ["LICENSE", "README.txt", "SHA256SUMS", "START HERE.html", "start.bat", "start.sh"]
    expected += ["notebooks/01_recurrence.ipynb", "notebooks/02_additive_attention.ipynb"]
    expected += ["site/book/index.html", *(f"wheels/{path.name}" for path in wheels.glob("*.whl"))]
    assert listing(stick()) == sorted(expected)


def test_the_small_one_has_no_scripts_that_need_packages(stick):
    folder = stick(small=True)
    assert not [name for name in listing(folder) if name.startswith("start.")]
    installs = re.findall(r"pip install (.*)", (folder / "README.txt").read_text("utf-8"))
    alone, rest = installs[:2]  # the course from the folder, never from an index; the rest from one
    assert alone == "--no-deps --no-index --find-links wheels attention-in-order"
    assert "--no-index" not in rest
    assert installs == [alone, rest] * 2, "Linux and macOS, then Windows"


def test_sums_are_true_and_complete(stick):
    folder = stick()
    lines = (folder / "SHA256SUMS").read_text("utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    assert sorted([*sums, "SHA256SUMS"]) == listing(folder)
    for name, digest in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_an_interrupted_zip_is_never_in_place(offline, site, wheels, tmp_path):
    entries = offline.collect(site, [], wheels, False) | {"zz-last": tmp_path}  # cannot be read
    (tmp_path / "out.zip").write_text("the old one")
    with pytest.raises(IsADirectoryError):
        offline.pack(entries, tmp_path / "out.zip")
    assert (tmp_path / "out.zip").read_text() == "the old one"


def test_the_first_page_leads_into_the_site_and_to_the_readme(stick):
    folder = stick()
    links = re.findall(r'href="([^"]*)"', (folder / "START HERE.html").read_text("utf-8"))
    assert links == ["site/book/index.html", "README.txt"]
    assert all((folder / link).is_file() for link in links)


def test_readme_and_scripts_install_the_same_from_the_folder_alone(stick):
    folder = stick()
    readme = (folder / "README.txt").read_text("utf-8")
    wanted = re.search(r'"(attention-in-order\[[a-z,]*\])"', readme)[1]
    assert INSTALL in readme
    for name in ("start.sh", "start.bat"):
        script = (folder / name).read_text("utf-8")
        assert f'"{wanted}"' in script
        assert "--no-index" in script
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    for extra in re.search(r"\[(.*)\]", wanted)[1].split(","):
        assert re.search(rf"^{extra} = \[", pyproject, re.M)


def fake_python(folder: Path, version: str) -> None:
    """A python that says its version and makes environments of stand-ins that note their call."""
    script = folder / f"python{version}"
    script.write_text(f"""#!/bin/sh
case "$1 $2" in
"-m venv") mkdir -p "$3/bin"
  for name in python jupyter; do
    printf '#!/bin/sh\\necho %s "$@"\\n' $name > "$3/bin/$name"; chmod +x "$3/bin/$name"
  done ;;
*) case "$2" in *"'{version}'"*) exit 0 ;; *) exit 1 ;; esac ;;
esac
""")
    script.chmod(0o755)


@pytest.mark.skipif(shutil.which("sh") is None, reason="start.sh needs a shell")
def test_start_installs_copies_and_keeps_what_the_learner_wrote(stick, tmp_path):
    folder, programs, home = stick(), tmp_path / "programs", tmp_path / "my home"
    programs.mkdir()
    fake_python(programs, f"{sys.version_info.major}.{sys.version_info.minor}")
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(home)}
    command = ["sh", folder / "start.sh", "--no-browser"]
    for _ in range(2):
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        place = home / "attention-in-order"
        lines = run.stdout.splitlines()
        assert lines[1].startswith("python -m pip install")
        assert lines[1].endswith(
            f"--find-links {folder}/wheels attention-in-order[chapters,bertviz,interop]"
        )
        assert lines[2] == f"jupyter lab {place}/notebooks --no-browser"
        assert len(list((place / "notebooks").glob("*.ipynb"))) == 2
        mine = place / "notebooks" / "01_recurrence.ipynb"
        if mine.stat().st_size > 100:
            mine.write_text("my work")
    assert mine.read_text() == "my work"


@pytest.mark.skipif(shutil.which("sh") is None, reason="start.sh needs a shell")
def test_start_names_the_pythons_that_it_can_serve(stick, wheels, tmp_path):
    next(wheels.glob("torch-*")).rename(wheels / "torch-9.9+cpu-cp399-cp399-any.whl")
    command = ["sh", stick() / "start.sh"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 1
    assert "packages for Python 3.99 " in run.stderr


def test_windows_gets_its_line_ends(stick):
    content = (stick() / "start.bat").read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n") > 20


def test_a_missing_site_is_told(offline, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["offline.py", "--site", str(tmp_path)])
    with pytest.raises(SystemExit, match="run `make book` first"):
        offline.main()
