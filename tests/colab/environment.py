"""A fresh environment like Colab's: PyTorch, NumPy, Matplotlib and a kernel, no course."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-colab"
PYTHON = FOLDER / "bin" / "python"
BESIDE = Path(__file__).parent / "site"  # what a Colab machine has beside its packages
QUIET = ("--quiet", "--disable-pip-version-check")
LIST = (
    "import json; from importlib.metadata import distributions as d; "
    "print(json.dumps({x.name.lower(): x.version for x in d()}))"
)
HIDDEN = ("PYTHON", "JUPYTER", "IPYTHON", "XDG_", "MPL", "HF_", "VIRTUAL_ENV", "TXLIB", "PYTEST")


def dependencies() -> list[str]:
    """The ranges of what the course needs, such as `"numpy>=1.26"`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project["dependencies"]


def wanted() -> list[str]:
    """The pinned PyTorch, and the newest of what else Colab has, in the course's ranges."""
    ranges = [text for text in dependencies() if text.startswith(("numpy", "matplotlib"))]
    pins = (ROOT / "requirements.txt").read_text("utf-8").split()
    return [*(pin for pin in pins if pin.startswith("torch==")), *sorted(ranges), "ipykernel"]


def installed() -> dict[str, str]:
    """Name and version of every distribution in the environment."""
    done = subprocess.run([PYTHON, "-c", LIST], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def prepare() -> dict[str, str]:
    """Make the environment, or bring back the one of an earlier run; what is installed there.

    It is made anew when what it should hold changes. What an earlier run installed is taken out.
    """
    key = hashlib.sha256(json.dumps([wanted(), sys.version]).encode()).hexdigest()
    record = FOLDER / "base.json"
    known = json.loads(record.read_text("utf-8")) if record.exists() else {}
    if known.get("key") != key:
        shutil.rmtree(FOLDER, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
        subprocess.run(
            [PYTHON, "-m", "pip", "install", *QUIET, "--no-compile", *wanted()], check=True
        )
        known = {"key": key, "installed": installed()}
        record.write_text(json.dumps(known), "utf-8")
    now = installed()
    added = sorted(now.keys() - known["installed"].keys())
    if added:
        subprocess.run([PYTHON, "-m", "pip", "uninstall", *QUIET, "--yes", *added], check=True)
    moved = [f"{name}=={v}" for name, v in known["installed"].items() if now.get(name) != v]
    if moved:
        command = [PYTHON, "-m", "pip", "install", *QUIET, "--no-deps", *moved]
        subprocess.run(command, check=True)
    (packages,) = FOLDER.glob("lib/python*/site-packages")
    shutil.copytree(BESIDE, packages, dirs_exist_ok=True)
    assert installed() == known["installed"], "remove .venv-colab: it is not as it was made"
    return known["installed"]


def build_wheel(folder: Path) -> Path:
    """The course as a wheel, as pip builds it from the repository."""
    command = [sys.executable, "-m", "pip", "wheel", *QUIET, "--no-deps", "-w", folder, ROOT]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def kernel_environment(*, log: Path, home: Path | None = None) -> dict[str, str]:
    """The environment variables of a kernel there.

    Args:
        log: where the stand-in for Colab writes what it was asked.
        home: a home that cannot be written; with it goes the network. Without it the machine's own
            home and network stay, for pip.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
    kept.setdefault("OMP_NUM_THREADS", "1")  # kernels that share two cores wait for each other
    kept |= {
        "PATH": f"{FOLDER / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "COLAB_LOG": str(log),
        "TXLIB_DEVICE": "cpu",
    }
    if home is None:
        return kept
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    nowhere |= {name.upper(): value for name, value in nowhere.items()}
    return kept | nowhere | {"HOME": str(home), "NO_NETWORK": "1"}
