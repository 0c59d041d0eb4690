"""Speed, measured: what was aimed at beside what the records of the benchmarks hold, as tables."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from txlib.checks import check_number, check_text
from txlib.recipes.argument_checks import check_fields
from txlib.recipes.records import load_record

COLUMNS = ("measured is", "aim", "measured", "met")
EARLIER_COLUMNS = ("chapter", "measured is", "size", "measured")
NOT_YET = "not yet measured"
GPU_AIMS = {  # shown until there is a record
    "Triton forward, speed over SDPA's flash kernel (FA2)": "≥ 1.1",
    "Triton forward, speed over SDPA's cuDNN kernel": "≥ 0.8",
    "Triton backward, speed over SDPA's flash kernel (FA2)": "≥ 0.8",
    "GPT decoding, speed over transformers with a static cache and compile": "≥ 1",
}


@dataclass(frozen=True)
class SpeedTable:
    """Rows under a head, and where they come from; a notebook shows it as Markdown.

    Args:
        columns: the head.
        rows: as many cells each.
        source: one line.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    source: str

    def _repr_markdown_(self) -> str:
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"{table}\n\n{self.source}"


def aims_table(name: str) -> SpeedTable:
    """What a benchmark aimed at and what its record holds.

    Args:
        name: of a record whose results have `aims`. If there is none called `"gpu_speed"`, the
            table says so in its place.

    Raises:
        FileNotFoundError: if there is no such record.
        ValueError: if it has no aims.
    """
    record = find_record(name)
    if record is None:
        rows = tuple((what, aim, NOT_YET, "") for what, aim in GPU_AIMS.items())
        return SpeedTable(COLUMNS, rows, "No GPU was at hand: `python -m txlib.recipes.gpu_speed`.")
    rows = []
    for what, aim in aims_of(name, record).items():
        sign, bound = ("≤", aim["at_most"]) if "at_most" in aim else ("≥", aim["at_least"])
        met = "yes" if aim["met"] else "**no**"
        rows.append((what, f"{sign} {short(bound)}", short(aim["measured"]), met))
    return SpeedTable(COLUMNS, tuple(rows), provenance(record))


def margins(*names: str) -> dict[str, float]:
    """How many times better than its aim each measurement is; below 1 the aim is missed.

    Args:
        names: of records; one that is not there yet, for want of a GPU, adds nothing.
    """
    found = {}
    for name in names:
        for what, aim in aims_of(name, find_record(name)).items():
            better = "at_least" in aim
            ratio = aim["measured"] / aim["at_least" if better else "at_most"]
            found[what] = ratio if better else 1 / ratio
    return found


def earlier_speeds() -> SpeedTable:
    """What earlier chapters measured, each at its largest size: times and speeds as ratios."""
    rows, sources = [], {}
    record = load_record("recurrence_speed")
    sources[provenance(record)] = None
    for row in record["results"]["time_over_attention"][-2:]:
        for name in ("LSTM cell by cell", "LSTM fused"):
            what = f"{name}, {row['direction']}: time over attention"
            rows.append(("1", what, f"{row['length']} tokens", short(row["ratios"][name])))
    record = load_record("attention_scores_speed")
    sources[provenance(record)] = None
    for row in record["results"]["time_over_fused_dot_product"][-2:]:
        what = f"additive scores, {row['direction']}: time over fused dot products"
        rows.append(("3", what, f"{row['length']} tokens", short(row["ratios"]["additive"])))
    record = load_record("transformer_speed")
    sources[provenance(record)] = None
    for row in record["results"]["training"]:
        what = f"{row['model']}, training step: speed over {row['reference']}"
        rows.append(("7", what, f"d_model {row['d_model']}", short(row["speed_over_reference"])))
    return SpeedTable(EARLIER_COLUMNS, tuple(rows), "\n\n".join(sources))


def find_record(name: str) -> dict[str, Any] | None:
    """A record; None in place of the one that needs a GPU, while it is not there.

    Raises:
        FileNotFoundError: if another is not there.
    """
    try:
        return load_record(name)
    except FileNotFoundError:
        if name != "gpu_speed":
            raise
        return None


def aims_of(name: str, record: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """The aims of a record, by what was measured; none of a record that is not there.

    Raises:
        ValueError: if it holds none.
    """
    check_text("name", name)
    if record is None:
        return {}
    check_fields("record", record, "results")
    if not record["results"].get("aims"):
        raise ValueError(f"the record {name!r} must hold aims, got none")
    return record["results"]["aims"]


def provenance(record: dict[str, Any]) -> str:
    """One line: the command, what it ran on, and when.

    Raises:
        ValueError: if it is no record.
    """
    check_fields("record", record, "command", "device", "versions", "date")
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    day = datetime.fromisoformat(record["date"]).date().isoformat()
    return f"`{record['command']}`; {record['device']}; {versions}; {day}."


def short(number: float) -> str:
    """Three digits that count.

    Raises:
        ValueError: if it is no number.
    """
    check_number("number", number)
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
