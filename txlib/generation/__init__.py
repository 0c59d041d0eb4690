"""Writing the output, for any model that advances a state token by token."""

from txlib.generation.greedy import evaluating, greedy_continue

__all__ = ["evaluating", "greedy_continue"]
