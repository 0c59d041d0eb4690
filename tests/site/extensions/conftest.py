"""The book's Sphinx extensions: loaded as modules, and at work in small books."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from bs4 import BeautifulSoup

EXTENSIONS = Path(__file__).parents[3] / "book" / "_ext"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="session")
def extensions() -> Path:
    """The folder of the extensions."""
    return EXTENSIONS


@pytest.fixture(scope="session")
def load() -> Callable[[str], ModuleType]:
    """Import one extension by its name."""

    def load_it(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"book_{name}", EXTENSIONS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load_it


@pytest.fixture(scope="session")
def build() -> Callable[..., str]:
    """Build the Sphinx project in a folder into `html` below it; what it complains about."""

    def build_it(folder: Path, **environment: str) -> str:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("COURSE_")}
        command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", folder, folder / "html"]
        done = subprocess.run(command, capture_output=True, text=True, env=kept | environment)
        assert done.returncode == 0, done.stderr
        return done.stderr

    return build_it


@pytest.fixture(scope="session")
def read() -> Callable[[Path], BeautifulSoup]:
    """Parse a built page."""
    return lambda page: BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="session")
def small_book() -> Callable[[Path], Path]:
    """Writes a book of one chapter, with a formula and a figure, into a folder."""

    def write(folder: Path) -> Path:
        alt = {"image/png": {"alt": "A single point."}}
        figure = nbformat.v4.new_output("display_data", {"image/png": PIXEL}, metadata=alt)
        notebook = nbformat.v4.new_notebook(metadata={"language_info": {"name": "python"}})
        notebook.cells = [
            nbformat.v4.new_markdown_cell("# One\n\nA formula: $x^2$."),
            nbformat.v4.new_code_cell("show()", outputs=[figure], execution_count=1),
        ]
        (folder / "chapters").mkdir()
        nbformat.write(notebook, folder / "chapters" / "01_one.ipynb")
        contents = "# Start\n\n```{toctree}\nchapters/01_one\n```\n"
        (folder / "index.md").write_text(contents, encoding="utf-8")
        (folder / "conf.py").write_text(
            "import sys\n"
            f"sys.path.insert(0, {str(EXTENSIONS)!r})\n"
            "extensions = ['myst_nb', 'sphinx_book_theme', 'notebooks', 'offline', 'repository']\n"
            "myst_enable_extensions = ['dollarmath']\n"
            "nb_execution_mode = 'off'\n"
            "html_theme = 'sphinx_book_theme'\n"
            "html_context = {'default_mode': 'auto'}\n"
            "html_theme_options = {'launch_buttons': {'colab_url': 'https://colab.example'}}\n",
            encoding="utf-8",
        )
        return folder

    return write


@pytest.fixture(scope="session")
def private_book(small_book, build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages of a book whose checkout has no remote."""
    folder = small_book(tmp_path_factory.mktemp("private"))
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    assert build(folder) == ""
    return folder / "html"
