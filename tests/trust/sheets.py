"""What each argument of a callable may be: from this, attacks are drawn and judged."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from judge import finite, judge
from kinds import Kind

LONG = settings.get_profile("trust").max_examples > 100


def tries(quick: int, long: int) -> settings:
    """So many cases of a callable, the same on every run."""
    return settings(settings.get_profile("trust"), max_examples=long if LONG else quick)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A callable under attack.

    Attributes:
        call: it.
        good: makes lawful arguments, new ones each time.
        kinds: a kind for each argument.
        right: whether a result is the right one for lawful arguments; all numbers finite if not
            told otherwise.
        says: other words by which a refusal may name an argument.
        changes: arguments that the call is there to change.
    """

    call: Callable[..., Any]
    good: Callable[[], dict[str, Any]]
    kinds: dict[str, Kind]
    right: Callable[[Any, dict[str, Any]], bool | None] = finite
    says: dict[str, tuple[str, ...]] = field(default_factory=dict)
    changes: tuple[str, ...] = ()


def attack(sheet: Sheet, data: st.DataObject) -> None:
    """Put one value into a lawful call: answered if it is lawful too, and refused if it is not."""
    name = data.draw(st.sampled_from(sorted(sheet.kinds)), label="argument")
    value = data.draw(sheet.kinds[name].values, label=name)
    lawful = sheet.kinds[name].lawful(value)
    arguments = sheet.good() | {name: value}
    given = judge(
        sheet.call,
        arguments,
        hostile=(name, *sheet.says.get(name, ())),
        right=None if lawful is False else sheet.right,
        changes=sheet.changes,
    )
    refused = isinstance(given, ValueError | TypeError)
    assert not (lawful and refused), f"refused {name}={value!r}, which is lawful: {given}"


def parameters(call: Callable[..., Any]) -> set[str]:
    """The names of the arguments of a callable."""
    given = inspect.signature(call).parameters.values()
    return {
        p.name
        for p in given
        if p.name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    }


def missing(sheets: dict[str, Sheet], public: Sequence[str]) -> set[str]:
    """Public names without a sheet, and arguments that their sheet leaves out."""
    bare = {name for name in public if not any(s.split(".")[0] == name for s in sheets)}
    for name, sheet in sheets.items():
        bare |= {f"{name}({left})" for left in parameters(sheet.call) - sheet.kinds.keys()}
    return bare


def public_names(module: ModuleType) -> list[str]:
    """The callables that a module makes: its `__all__`, or what it defines without underscore."""
    listed = getattr(module, "__all__", None)
    names = listed or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
    return [name for name in names if callable(getattr(module, name))]
