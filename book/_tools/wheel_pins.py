"""Which packages run the chapters on a machine, each at the version that constraints.txt pins.

pip itself judges the markers of requirements by the machine it runs on. Here they are judged for
the machine that the packages are meant for.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOR_CUDA = ("cuda-", "nvidia-", "triton")  # the bundle has the PyTorch that asks for none of them
COURSE = Requirement("attention-in-order[chapters,bertviz,interop]")
LINUX = [f"manylinux_2_{minor}_x86_64" for minor in range(34, 16, -1)]
TAGS = {
    "linux": [*LINUX, "manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"],
    "windows": ["win_amd64"],
    "mac": ["macosx_14_0_arm64"],  # pip adds the older releases
}
MARKERS = {
    "linux": ("posix", "linux", "Linux", "x86_64"),
    "windows": ("nt", "win32", "Windows", "AMD64"),
    "mac": ("posix", "darwin", "Darwin", "arm64"),
}


@dataclass(frozen=True)
class Target:
    """A kind of machine.

    Attributes:
        platform: `linux` (x86_64), `windows` (x86_64) or `mac` (Apple silicon); empty for this one.
        python: its version, such as `3.12`; empty for this one.
    """

    platform: str = ""
    python: str = ""

    def __post_init__(self) -> None:
        if self.platform and self.platform not in TAGS:
            raise ValueError(f"platform must be one of {', '.join(TAGS)}, got {self.platform!r}")

    def markers(self) -> dict[str, str]:
        """What the markers of requirements see there."""
        environment = {**default_environment(), "extra": ""}
        if self.python:
            environment["python_version"] = self.python
            environment["python_full_version"] = f"{self.python}.99"
        if self.platform:
            names = ("os_name", "sys_platform", "platform_system", "platform_machine")
            environment |= dict(zip(names, MARKERS[self.platform], strict=True))
        return environment

    def options(self) -> list[str]:
        """What pip download needs to be told of it."""
        tags = [f"--platform={tag}" for tag in TAGS.get(self.platform, [])]
        return [*tags, *([f"--python-version={self.python}"] if self.python else [])]


def read_constraints(path: Path, markers: dict[str, str]) -> dict[str, str]:
    """The pins that hold on a machine, by canonical name."""
    pins = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            pin = Requirement(line)
            if pin.marker is None or pin.marker.evaluate(markers):
                pins[canonicalize_name(pin.name)] = str(pin.specifier)
    return pins


def requirements_of(wanted: Requirement, markers: dict[str, str]) -> list[Requirement]:
    """What an installed package asks for on a machine; nothing where it is not installed here."""
    try:
        lines = metadata.requires(wanted.name) or []
    except metadata.PackageNotFoundError:
        return []  # colorama, pywinpty and appnope, of another system: they need nothing more
    asked = [Requirement(line) for line in lines]
    if canonicalize_name(wanted.name) == "torch":
        asked = [one for one in asked if not one.name.startswith(FOR_CUDA)]
    extras = ["", *wanted.extras]
    return [
        one
        for one in asked
        if not one.marker or any(one.marker.evaluate(markers | {"extra": e}) for e in extras)
    ]


def pins_for(target: Target, constraints: Path, root: Requirement = COURSE) -> list[str]:
    """Everything that `root` needs on a machine, without `root` itself, as `name==version`.

    Raises:
        ValueError: if constraints.txt lacks one of them.
    """
    markers = target.markers()
    pinned = read_constraints(constraints, markers)
    found: dict[str, set[str]] = {}
    waiting = [root]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name in found and wanted.extras <= found[name]:
            continue
        found[name] = found.get(name, set()) | wanted.extras
        waiting += requirements_of(wanted, markers)
    del found[canonicalize_name(root.name)]
    missing = sorted(set(found) - set(pinned))
    if missing:
        raise ValueError(f"constraints.txt must pin what the chapters need, got no {missing}")
    return sorted(f"{name}{pinned[name]}" for name in found)
