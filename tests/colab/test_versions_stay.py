"""What pip would install where other versions of PyTorch, NumPy and Matplotlib are in place.

The machines are described, not built: pip is shown the metadata of their packages, and asked for
its plan. So a version can stand here that no registry has for this processor.
"""

import json
import subprocess
import sys

import pytest
from environment import dependencies

COLAB = {  # as Colab had them in the autumn of 2025
    "torch": "2.8.0+cu126",
    "numpy": "2.0.2",
    "matplotlib": "3.10.0",
    "pillow": "11.3.0",
    "platformdirs": "4.5.0",
    "tqdm": "4.67.1",
    "safetensors": "0.6.2",
    "tokenizers": "0.22.1",
    "transformers": "4.57.1",
    "huggingface-hub": "0.35.3",
    "ipywidgets": "7.7.1",
    "ipython": "7.34.0",
    "ipykernel": "6.17.1",
    "regex": "2024.11.6",
    "requests": "2.32.4",
    "python-dateutil": "2.9.0.post0",
    "triton": "3.4.0",
}
OLDEST = {}  # the lower end of the course's ranges
for name in ("torch", "numpy", "matplotlib", "pillow", "tqdm"):
    (OLDEST[name],) = (text.split(">=")[1] for text in dependencies() if text.startswith(name))
NEEDS = {
    "transformers": ["huggingface-hub<1.0,>=0.34.0", "tokenizers<=0.23.0,>=0.22.0", "numpy>=1.17"],
    "matplotlib": ["numpy>=1.21", "pillow>=8"],
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """Makes an empty environment in which pip sees these packages, and gives its Python."""

    def make(packages):
        folder = tmp_path_factory.mktemp("machine")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        (site,) = folder.glob("lib/python*/site-packages")
        for name, version in packages.items():
            about = site / f"{name.replace('-', '_')}-{version}.dist-info"
            about.mkdir()
            lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
            lines += [f"Requires-Dist: {need}" for need in NEEDS.get(name, ())]
            (about / "METADATA").write_text("\n".join(lines) + "\n")
            (about / "INSTALLER").write_text("pip\n")
            (about / "RECORD").write_text("")
        return folder / "bin" / "python"

    return make


@pytest.fixture
def plan(machine, colab):
    """What pip would install for the course on such a machine: versions by name."""

    def ask(packages):
        options = ["--dry-run", "--quiet", "--disable-pip-version-check", "--report", "-"]
        course = f"attention-in-order[colab] @ file://{colab.wheel}"
        command = [machine(packages), "-m", "pip", "install", *options, course]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        told = [item["metadata"] for item in json.loads(done.stdout)["install"]]
        return {item["name"].lower().replace("_", "-"): item["version"] for item in told}

    return ask


@pytest.mark.parametrize("packages", [COLAB, OLDEST], ids=["colab", "oldest"])
def test_versions_in_range_stay(packages, plan):
    planned = plan(packages)
    assert {"attention-in-order", "anywidget", "sacrebleu", "bertviz"} <= planned.keys()
    assert not planned.keys() & packages.keys(), "pip would replace what is there"


def test_a_version_out_of_range_would_be_replaced(plan):
    """So the test above can fail: pip does read what it is shown."""
    assert "tqdm" in plan(COLAB | {"tqdm": "4.65.0"})
