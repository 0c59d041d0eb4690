"""The setup cell installs the course, leaves what matters as it was, and says if it cannot."""

import json

import pytest
from conftest import NOWHERE, write_report

OURS = "attention-in-order"
THEIRS = ("torch", "numpy", "matplotlib", "pillow", "ipykernel", "ipython", "jupyter_client")


def test_it_installs_the_course_and_leaves_the_machine_alone(colab):
    write_report(colab)
    assert OURS not in colab.base
    assert OURS in colab.installed
    assert set(THEIRS) <= colab.base.keys()
    assert {name: colab.installed[name] for name in THEIRS} == {
        name: colab.base[name] for name in THEIRS
    }
    changed = {name for name in colab.base if colab.installed[name] != colab.base[name]}
    assert changed <= {"python-dateutil"}, "bertviz brings boto3, which holds it below 3"


def test_jupyterlab_stays_away_from_colab(colab):
    assert not {"jupyterlab", "notebook", "jupyter-server"} & colab.installed.keys()


def test_the_cell_says_which_device_it_found_and_nothing_else(colab):
    (said,) = colab.cells["installed"]
    assert said["name"] == "stdout"
    assert said["text"].startswith("Device: CPU, ")


@pytest.mark.parametrize(
    ("case", "cause"), [("no address", "attention-in-order"), ("no network", NOWHERE[4:])]
)
def test_a_failure_is_one_message_that_says_what_to_do(colab, case, cause):
    (said,) = colab.cells[case]
    assert said["output_type"] == "error", json.dumps(said)
    words = said["evalue"].split("pip said:")
    assert words[0].startswith("The course is not installed. ")
    for advice in ("clone", ".venv", "published chapter", "network", "run this cell again"):
        assert advice in words[0]
    assert cause in words[1]
    assert "Traceback" not in words[1]


def test_no_cell_follows_a_failed_setup(colab):
    assert {said["ename"] for said in colab.cells["no address"]} == {"AssertionError"}
