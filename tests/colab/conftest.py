"""Colab, simulated: one environment, one installation of the course, for all tests of a run."""

import fcntl
import json
import os
import resource
import sys
import time
from dataclasses import asdict, dataclass
from importlib import util
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).parent))

import environment

ROOT = environment.ROOT
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
KEPT = ROOT / "artifacts" / "colab"
REPORT = KEPT / "report.json"
NOWHERE = "git+https://course.invalid/course"


@dataclass
class Colab:
    """What happened when the course was installed: versions, times, and how setup cells ended."""

    base: dict[str, str]
    installed: dict[str, str]
    wheel: str
    wheel_bytes: int
    prepare_seconds: float
    install_seconds: float
    install_processor_seconds: float
    cells: dict[str, dict]  # outputs of the setup cell, by what it was tried with


def pytest_collection_modifyitems(items):
    """The longest first; while one process installs the course, the other asks pip for plans."""
    first = ("07_transformer", "02_additive_attention", "versions")
    rank = {item: [name in item.nodeid for name in first] for item in items}
    items.sort(key=lambda item: rank[item].index(True) if any(rank[item]) else len(first))


def load_stamp():
    spec = util.spec_from_file_location("stamp", ROOT / "book" / "_tools" / "stamp.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.stamp


def execute(notebook, folder, variables):
    """Run a notebook in a fresh kernel of the environment, which works in `folder`."""
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="colab",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=variables)


def try_setup(course, folder, *, home=None):
    """The outputs of a chapter's setup cell alone; `course` is what publishing writes in it."""
    chapter = nbformat.read(CHAPTERS[0], as_version=4)
    chapter = load_stamp()(chapter, course) if course else chapter
    chapter.cells = [cell for cell in chapter.cells if "setup" in cell.metadata.get("tags", [])]
    chapter.cells[0].metadata["tags"] = ["raises-exception"]  # its outputs are looked at
    variables = environment.kernel_environment(log=folder / "log", home=home)
    execute(chapter, folder, variables)
    return chapter.cells[0].outputs


def install(folder):
    """Prepare the environment, try the setup cell where it must fail, then where it must not."""
    began = time.perf_counter()
    base = environment.prepare()
    prepared = time.perf_counter() - began
    wheel = environment.build_wheel(folder)
    (folder / "home").write_text("a home that is no folder cannot be written")
    alone = folder / "alone"
    alone.mkdir()
    cells = {
        "no address": try_setup("", alone, home=folder / "home"),
        "no network": try_setup(NOWHERE, alone, home=folder / "home"),
    }
    began, worked = time.perf_counter(), processor_seconds()
    cells["installed"] = try_setup(wheel.as_uri(), alone)
    return Colab(
        base=base,
        installed=environment.installed(),
        wheel=str(wheel),
        wheel_bytes=wheel.stat().st_size,
        prepare_seconds=prepared,
        install_seconds=time.perf_counter() - began,
        install_processor_seconds=processor_seconds() - worked,
        cells=cells,
    )


def processor_seconds():
    """What all processes took that this one started and saw end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder outside the checkout, one for all processes of the run."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "colab"
    shared.mkdir(exist_ok=True)
    assert ROOT not in shared.resolve().parents
    return shared


@pytest.fixture(scope="session")
def colab(place):
    """The course installed as on Colab, once, by whichever process comes first."""
    spec = place / "jupyter" / "kernels" / "colab" / "kernel.json"
    command = [str(environment.PYTHON), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    os.environ["JUPYTER_PATH"] = str(place / "jupyter")
    record = place / "installed.json"
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not record.exists():
            spec.parent.mkdir(parents=True, exist_ok=True)
            spec.write_text(json.dumps({"argv": command, "display_name": "Colab"}))
            record.write_text(json.dumps(asdict(install(place))))
    return Colab(**json.loads(record.read_text()))


def write_report(colab):
    KEPT.mkdir(parents=True, exist_ok=True)
    news = {n: v for n, v in sorted(colab.installed.items()) if colab.base.get(n) != v}
    facts = {
        "environment made or brought back, s": round(colab.prepare_seconds, 1),
        "setup cell with its installation, s": round(colab.install_seconds, 1),
        "of that, processor time, s": round(colab.install_processor_seconds, 1),
        "wheel, MB": round(colab.wheel_bytes / 1e6, 2),
        "packages installed": ", ".join(f"{name} {version}" for name, version in news.items()),
    }
    REPORT.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")


def pytest_terminal_summary(terminalreporter):
    if REPORT.exists():
        terminalreporter.write_sep("-", "the course on a simulated Colab")
        terminalreporter.write_line(REPORT.read_text("utf-8"))
