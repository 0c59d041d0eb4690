"""What was tried to break the course, counted: the record of the long run, as tables for its page.

`make trust` writes the record. An area reads "part: what is tried"; each stands in one section.
"""

from typing import Any

from txlib.checks import check_one_of, check_text
from txlib.recipes.records import load_record
from txlib.recipes.speed_table import NOT_YET, SpeedTable

COLUMNS = ("what is tried", "cases")
BAD_INPUT = "bad input"
PARTS = {  # section: the parts that stand in it with all but their bad input
    "numbers": ("numbers",),
    "training": ("training", "checkpoints"),
    "data": ("data",),
    "site": ("site",),
    "notebooks": ("notebooks",),
}
LIBRARY = "library"  # everything else


def section_of(area: str) -> str:
    """The section of the page in which an area stands.

    Raises:
        ValueError: if `area` does not read "part: what is tried".
    """
    check_text("area", area)
    part, colon, what = area.partition(": ")
    if not (part and colon and what):
        raise ValueError(f'area must read "part: what is tried", got {area!r}')
    if what == BAD_INPUT:
        return LIBRARY
    return next((section for section, parts in PARTS.items() if part in parts), LIBRARY)


def trust_table(section: str) -> SpeedTable:
    """The areas of one section with the cases that were tried, and where the counts come from.

    Args:
        section: "library" or one of `PARTS`.

    Raises:
        ValueError: if there is no such section.
    """
    check_one_of("section", section, (LIBRARY, *PARTS))
    record = _record()
    areas = {} if record is None else record["results"]["areas"]
    found = {area: facts for area, facts in areas.items() if section_of(area) == section}
    if not found:
        return SpeedTable(COLUMNS, ((NOT_YET, ""),), "`make trust` counts.")
    rows = [(area, f"{facts['cases']:,}") for area, facts in sorted(found.items())]
    if len(rows) > 1:
        rows.append(("**in all**", f"**{sum(facts['cases'] for facts in found.values()):,}**"))
    days = sorted(facts["date"][:10] for facts in found.values())
    span = " to ".join(dict.fromkeys((days[0], days[-1])))
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    source = f"`make trust`; {record['device']}; {versions}; {span}."
    return SpeedTable(COLUMNS, tuple(rows), source)


def cases_in_all() -> int:
    """How many cases the record holds; 0 where there is none."""
    record = _record()
    return 0 if record is None else sum(a["cases"] for a in record["results"]["areas"].values())


def _record() -> dict[str, Any] | None:
    try:
        return load_record("trust")
    except FileNotFoundError:
        return None
