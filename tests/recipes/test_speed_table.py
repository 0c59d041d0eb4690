import pytest

from txlib.recipes import speed_table

RECORD = {
    "command": "make bench",
    "device": "CPU, 1 thread",
    "versions": {"python": "3.11.7", "torch": "2.13.0"},
    "date": "2026-11-21T23:59:00+00:00",
    "results": {
        "aims": {
            "time over SDPA": {"at_most": 1.5, "measured": 1.2, "met": True},
            "speed over theirs": {"at_least": 2.0, "measured": 1.5, "met": False},
        }
    },
}


@pytest.fixture
def records(monkeypatch):
    there = {"here": RECORD}

    def load(name):
        if name not in there:
            raise FileNotFoundError(f"there is no record {name!r}")
        return there[name]

    monkeypatch.setattr(speed_table, "load_record", load)
    return there


def test_aims_and_what_came_of_them(records):
    table = speed_table.aims_table("here")
    assert table.rows == (
        ("time over SDPA", "≤ 1.5", "1.2", "yes"),
        ("speed over theirs", "≥ 2", "1.5", "**no**"),
    )
    assert table.source == ("`make bench`; CPU, 1 thread; python 3.11.7, torch 2.13.0; 2026-11-21.")
    text = table._repr_markdown_()
    assert {line.count("|") for line in text.splitlines() if line.startswith("|")} == {5}
    assert text.endswith("\n\n" + table.source)


def test_margins_are_above_1_where_an_aim_is_met(records):
    found = speed_table.margins("here", "gpu_speed")
    assert found == {"time over SDPA": pytest.approx(1.25), "speed over theirs": 0.75}


def test_what_needs_a_gpu_says_so_until_it_is_measured(records):
    table = speed_table.aims_table("gpu_speed")
    assert len(table.rows) == len(speed_table.GPU_AIMS)
    assert {row[2] for row in table.rows} == {"not yet measured"}
    assert "python -m txlib.recipes.gpu_speed" in table.source
    records["gpu_speed"] = RECORD | {"device": "a GPU"}
    assert "not yet" not in speed_table.aims_table("gpu_speed")._repr_markdown_()
    assert "a GPU" in speed_table.aims_table("gpu_speed").source


def test_numbers_are_short():
    assert [speed_table.short(x) for x in (0.0023456, 1.0, 12.345, 1234.5)] == [
        "0.00235",
        "1",
        "12.3",
        "1,234",
    ]


def test_earlier_records_in_one_table():
    table = speed_table.earlier_speeds()
    assert {row[0] for row in table.rows} == {"1", "3", "7"}
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert table.source.startswith("`make bench`; ")


def test_records_that_are_missing_or_have_no_aims(records):
    with pytest.raises(FileNotFoundError, match="there is no record 'elsewhere'"):
        speed_table.aims_table("elsewhere")
    records["bare"] = RECORD | {"results": {}}
    with pytest.raises(ValueError, match="the record 'bare' must hold aims, got none"):
        speed_table.aims_table("bare")
