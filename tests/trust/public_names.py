"""The public callables of a package, as they are imported, and which of them nothing can spoil."""

import inspect
from types import ModuleType

EXEMPT = {
    "Traffic": "holds the counts it is given",
    "WeightsTap": "takes nothing",
    "WeightsTap.forward": "hands on what it is given",
    "PositionScheme": "holds the modules it is given",
    "check_sizes": "is called by the configurations on their own fields",
    "combine": "is the cells' arithmetic, on what `forward` has checked",
    "add": "runs a sub-layer that the block itself hands over",
    "gpt2_from_checkpoint": "reads files: see the tests of damaged checkpoints",
}


def public_callables(package: ModuleType) -> set[str]:
    """Functions, classes and methods that take arguments, of a package's public names.

    A method counts for each class that has it, inherited or not, if it was written in txlib.
    """
    names = set()
    for name in package.__all__:
        thing = getattr(package, name)
        if not callable(thing) or not takes_arguments(thing):
            continue
        names.add(name)
        if inspect.isclass(thing):
            names |= {f"{name}.{method}" for method in methods(thing)}
    return {name for name in names if not exempt(name)}


def methods(kind: type) -> set[str]:
    """Public methods written in txlib that take arguments beside self."""
    found = set()
    for owner in kind.__mro__:
        if not owner.__module__.startswith("txlib"):
            continue
        for name, thing in vars(owner).items():
            function = getattr(kind, name, None)
            plain = isinstance(thing, staticmethod | classmethod) or inspect.isfunction(thing)
            if plain and not name.startswith("_") and takes_arguments(function):
                found.add(name)
    return found


def takes_arguments(thing: object) -> bool:
    parameters = [p for p in inspect.signature(thing).parameters if p != "self"]
    return bool(parameters)


def exempt(name: str) -> bool:
    return name in EXEMPT or name.split(".")[-1] in EXEMPT


def missing(package: ModuleType, attacked: list[str]) -> set[str]:
    """Public callables that no target attacks."""
    return public_callables(package) - {name.split(",")[0] for name in attacked}
