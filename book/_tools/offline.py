"""Pack the course for a classroom without network: the site, the notebooks, and every package.

    make offline                                            # for machines like this one
    make offline PLATFORMS="linux windows mac" PYTHONS="3.12 3.13"
    make offline SMALL=1                                    # without the packages

The zip is written beside its place and moved there whole, with a sum of every file in it.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tqdm import tqdm
from wheel_pins import TAGS, Target, pins_for

ROOT = Path(__file__).parents[2]
SITE = ROOT / "book" / "_build" / "html"
BUNDLE = Path(__file__).parent / "bundle"
TOP = "attention-in-order"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # the default index has the CUDA build for Linux
DOWNLOAD = ["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--progress-bar=off"]
BUILD = ["-m", "pip", "wheel", "--quiet", "--no-deps"]


def run_pip(arguments: list[str], bar: tqdm | None = None) -> None:
    """Run pip, and move the bar on for every package that it looks at.

    Raises:
        SystemExit: with pip's last words, if it fails.
    """
    command = [sys.executable, *arguments]
    words = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        for line in pip.stdout:
            words.append(line)
            if bar is not None and line.startswith("Collecting "):
                bar.update()
    if pip.returncode:
        raise SystemExit("".join(words[-8:]) + "\npip could not get this: nothing was written.")


def fetch_torch(target: Target, folder: Path, pin: str, index: str) -> None:
    """Fetch PyTorch's build without CUDA for Linux; elsewhere the default index has no other.

    Raises:
        SystemExit: if no such build was found.
    """
    reach = [f"--index-url={index}", "--retries=1", "--timeout=20"]
    run_pip([*DOWNLOAD, *target.options(), *reach, f"--dest={folder}", pin])
    if not list(folder.glob("torch-*+cpu-*.whl")):
        raise SystemExit(f"{index} gave no PyTorch without CUDA: name another by --torch-index.")


def fetch_wheels(target: Target, folder: Path, torch_index: str) -> None:
    """Fetch what the chapters need on one kind of machine."""
    pins = pins_for(target, ROOT / "constraints.txt")
    place = f"{target.platform or sys.platform} {target.python or 'this Python'}"
    with tqdm(total=len(pins), desc=f"packages, {place}", unit="package") as bar:
        if (target.platform or sys.platform) == "linux":
            (torch,) = (pin for pin in pins if pin.startswith("torch=="))
            fetch_torch(target, folder, torch, torch_index)
            pins.remove(torch)
            bar.update()
        listing = folder / "pins.txt"
        listing.write_text("\n".join(pins), encoding="utf-8")
        options = [*target.options(), f"--dest={folder}", f"--requirement={listing}"]
        run_pip([*DOWNLOAD, *options], bar)
        listing.unlink()


def build_course(folder: Path) -> None:
    """Build the course's own package; the index never has it."""
    run_pip([*BUILD, f"--wheel-dir={folder}", str(ROOT)])


def collect(site: Path, notebooks: list[Path], wheels: Path, small: bool) -> dict[str, Path]:
    """Every file of the bundle: where it lies in it, and where it comes from."""
    entries = {f"site/{path.relative_to(site)}": path for path in files_in(site)}
    entries |= {f"notebooks/{path.name}": path for path in notebooks}
    entries |= {f"wheels/{path.name}": path for path in sorted(wheels.glob("*.whl"))}
    entries |= {"LICENSE": ROOT / "LICENSE", "START HERE.html": BUNDLE / "START HERE.html"}
    if small:
        return entries | {"README.txt": BUNDLE / "README-small.txt"}
    names = ("README.txt", "start.sh", "start.bat")
    return entries | {name: BUNDLE / name for name in names}


def files_in(folder: Path) -> list[Path]:
    """All files below a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def pack(entries: dict[str, Path], target: Path) -> None:
    """Write the zip and the sums of its files; `target` appears only when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".zip.new")
    sums = []
    total = sum(path.stat().st_size for path in entries.values())
    with (
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as bundle,
        tqdm(total=total, desc="packing", unit="B", unit_scale=True) as bar,
    ):
        for name, path in sorted(entries.items()):
            content = path.read_bytes()
            stored = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            entry = zipfile.ZipInfo.from_file(path, f"{TOP}/{name}")
            bundle.writestr(entry, content, compress_type=stored)
            sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
            bar.update(len(content))
        listing = zipfile.ZipInfo(f"{TOP}/SHA256SUMS")
        listing.external_attr = 0o644 << 16
        bundle.writestr(listing, "".join(sums))
    temporary.replace(target)


def main() -> None:
    """Pack what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platforms", nargs="*", default=[], choices=TAGS, metavar="NAME")
    parser.add_argument("--pythons", nargs="*", default=[], metavar="X.Y", help="such as 3.12")
    parser.add_argument("--small", action="store_true", help="leave the packages out")
    parser.add_argument("--torch-index", default=CPU_INDEX, help="where Linux gets PyTorch from")
    parser.add_argument("--site", type=Path, default=SITE, help="folder of the built site")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if not (arguments.site / "book" / "index.html").is_file():
        raise SystemExit(f"There is no site in {arguments.site}: run `make book` first.")
    small = "-small" if arguments.small else ""
    out = arguments.out or ROOT / "dist" / f"{TOP}-offline{small}.zip"
    with tempfile.TemporaryDirectory() as folder:
        build_course(Path(folder))
        if not arguments.small:
            for platform in arguments.platforms or [""]:
                for python in arguments.pythons or [""]:
                    target = Target(platform, python)
                    fetch_wheels(target, Path(folder), arguments.torch_index)
        notebooks = sorted((ROOT / "chapters").glob("*.ipynb"))
        pack(collect(arguments.site, notebooks, Path(folder), arguments.small), out)
    print(f"{out}: {out.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
