import pytest

from txlib.recipes import trust

DAYS = ("2026-11-21", "2026-11-22")
AREAS = {"attention: bad input": 1200, "site: hostile text": 30, "site: a policy": 4}
RECORD = {
    "device": "CPU, 1 thread",
    "versions": {"python": "3.11.7", "torch": "2.13.0"},
    "results": {
        "areas": {
            area: {"cases": cases, "commit": None, "date": f"{day}T01:00:00+00:00"}
            for (area, cases), day in zip(AREAS.items(), (DAYS[0], *DAYS), strict=True)
        }
    },
}


@pytest.fixture
def record(monkeypatch):
    monkeypatch.setattr(trust, "load_record", {"trust": RECORD}.__getitem__)


def test_table_by_hand(record):
    assert trust.trust_table("site")._repr_markdown_() == (
        "| what is tried | cases |\n| --- | --- |\n"
        "| site: a policy | 4 |\n| site: hostile text | 30 |\n| **in all** | **34** |\n\n"
        "`make trust`; CPU, 1 thread; python 3.11.7, torch 2.13.0; 2026-11-21 to 2026-11-22."
    )
    assert trust.trust_table("library").rows == (("attention: bad input", "1,200"),)
    assert trust.trust_table("library").source.endswith("; 2026-11-21.")
    assert trust.trust_table("data").rows == (("not yet measured", ""),)
    assert trust.cases_in_all() == 1234


@pytest.mark.parametrize(
    ("area", "section"),
    [
        ("attention: bad input", "library"),
        ("training: bad input", "library"),
        ("training: killed at a random moment, then resumed", "training"),
        ("checkpoints: a file of another kind", "training"),
        ("something: new", "library"),
    ],
)
def test_sections(area, section):
    assert trust.section_of(area) == section


def test_without_a_record(monkeypatch):
    def missing(name):
        raise FileNotFoundError(name)

    monkeypatch.setattr(trust, "load_record", missing)
    assert trust.trust_table("site").rows == (("not yet measured", ""),)
    assert trust.cases_in_all() == 0


def test_errors():
    with pytest.raises(ValueError, match="area must read \"part: what is tried\", got 'x'"):
        trust.section_of("x")
    with pytest.raises(ValueError, match=r"section must be one of .*, got 'x'"):
        trust.trust_table("x")
