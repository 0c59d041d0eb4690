"""The workflows name what exists, run scripts that parse, and pin what others wrote."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in FILES}
JOBS = [(name, key, job) for name, w in WORKFLOWS.items() for key, job in w["jobs"].items()]
STEPS = [(f"{name}/{key}", step) for name, key, job in JOBS for step in job["steps"]]
SCRIPTS = [(place, step["run"]) for place, step in STEPS if "run" in step]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def targets_of(script):
    """The targets that a script makes: `make book print SMALL=1` makes two."""
    calls = re.findall(r"^\s*make\s+(.+)$", script, re.MULTILINE)
    return {word for call in calls for word in call.split() if re.fullmatch(r"[a-z-]+", word)}


def test_there_are_the_three():
    assert list(WORKFLOWS) == ["publish", "test", "weekly"]


def test_targets_are_read_from_scripts_by_hand():
    script = 'for x in a; do\n  make offline PLATFORMS="$x"\ndone\nmake book print SMALL=1'
    assert targets_of(script) == {"offline", "book", "print"}


@pytest.mark.parametrize(("place", "script"), SCRIPTS)
def test_every_script_parses_and_makes_what_the_makefile_has(place, script):
    parsed = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
    assert parsed.stderr == ""
    assert parsed.returncode == 0
    known = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert targets_of(script) <= known


@pytest.mark.parametrize(("place", "script"), SCRIPTS)
def test_every_script_names_files_that_exist(place, script):
    named = re.findall(r"(?<![\w/])(?:\.github|book/_tools)/\S+\.(?:py|sh)", script)
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize(("place", "script"), SCRIPTS)
def test_no_script_is_built_from_expressions(place, script):
    assert "${{" not in script  # values reach a script by its environment, as data


def test_the_tests_that_ci_runs_are_those_of_make_test():
    (parts,) = re.findall(r"^test: (.+?) ##", MAKEFILE, re.MULTILINE)
    steps = WORKFLOWS["test"]["jobs"]["test"]["steps"]
    made = [target for step in steps for target in targets_of(step.get("run", ""))]
    assert made == ["book", *parts.split()]


@pytest.mark.parametrize(("place", "step"), [s for s in STEPS if "uses" in s[1]])
def test_actions_are_pinned_to_a_commit(place, step):
    assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])


def test_an_action_has_one_pin_and_says_its_version():
    lines = [line for path in FILES for line in path.read_text("utf-8").splitlines()]
    uses = {line.split("uses: ")[1] for line in lines if "uses: " in line}
    assert len({use.split("@")[0] for use in uses}) == len(uses)
    assert all(re.search(r" # v\d+\.\d+\.\d+$", use) for use in uses)


@pytest.mark.parametrize(("name", "key", "job"), JOBS)
def test_every_job_ends_in_time_and_keeps_no_credentials(name, key, job):
    assert 0 < job["timeout-minutes"] <= 120
    checkouts = [step for step in job["steps"] if "actions/checkout@" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_only_what_publishes_may_write():
    writers = {
        f"{name}/{key}": sorted(k for k, v in job.get("permissions", {}).items() if v == "write")
        for name, key, job in JOBS
    }
    assert {place: rights for place, rights in writers.items() if rights} == {
        "publish/notebooks": ["contents"],
        "publish/deploy": ["id-token", "pages"],
        "publish/release": ["contents"],
    }
    assert WORKFLOWS["publish"]["permissions"] == {}
    assert WORKFLOWS["test"]["permissions"] == WORKFLOWS["weekly"]["permissions"]
    assert WORKFLOWS["test"]["permissions"] == {"contents": "read"}


def test_jobs_and_steps_that_are_referred_to_exist():
    for name, key, job in JOBS:
        assert set(job.get("needs", [])) <= set(WORKFLOWS[name]["jobs"])
        known = {step["id"] for step in job["steps"] if "id" in step}
        assert set(re.findall(r"\bsteps\.([\w-]+)\.", str(job))) <= known, f"{name}/{key}"


def test_what_a_job_takes_from_another_was_left_there():
    for name, workflow in WORKFLOWS.items():
        steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
        left, taken = (
            {step["with"]["name"] for step in steps if f"actions/{verb}-artifact@" in str(step)}
            for verb in ("upload", "download")
        )
        assert taken <= left, name


def test_links_block_nothing():
    assert WORKFLOWS["weekly"]["jobs"]["links"]["continue-on-error"] is True
