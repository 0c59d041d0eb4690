from collections import deque

import pytest

from txlib.widgets import UnrolledNetwork
from txlib.widgets.unrolled_network import MOST_TOKENS


def shortest_path(edges, start, end) -> int | None:
    """Edges between two nodes by breadth-first search: knows nothing of the networks."""
    distance, queue = {start: 0}, deque([start])
    while queue:
        node = queue.popleft()
        for tail, head in edges:
            if tail == node and head not in distance:
                distance[head] = distance[node] + 1
                queue.append(head)
    return distance.get(end)


def test_numbers_by_hand(unrolled):
    assert unrolled.dependent_steps() == {"recurrence": 5, "attention": 1, "convolution": 2}
    assert unrolled.path_lengths() == {"recurrence": 4, "attention": 1, "convolution": 2}
    assert unrolled.alt == (
        "Unrolled networks over 5 tokens, from input 2 to output 5. Recurrence: 5 dependent steps, "
        "path of 4 edges; Attention: 1 dependent step, path of 1 edge; "
        "Convolution: 2 dependent steps, path of 2 edges."
    )


@pytest.mark.parametrize(("size", "kernel"), [(1, 2), (7, 2), (8, 2), (9, 2), (10, 3), (24, 5)])
def test_paths_are_the_shortest_of_the_drawn_graph(size, kernel):
    for source in range(0, size, 2):
        for target in range(0, size, 3):
            widget = UnrolledNetwork(size, kernel_size=kernel, source=source, target=target)
            for name, length in widget.path_lengths().items():
                rows = widget.num_layers if name == "convolution" else 1
                edges = widget._edges(name)
                assert set(widget._paths()[name] or ()) <= set(edges)
                assert shortest_path(edges, (source, 0), (target, rows)) == length


@pytest.mark.parametrize(("size", "kernel", "layers"), [(1, 2, 1), (8, 2, 3), (9, 2, 4), (9, 3, 2)])
def test_layers_grow_with_the_logarithm(size, kernel, layers):
    assert UnrolledNetwork(size, kernel_size=kernel).num_layers == layers


def test_ways_to_say_how_many():
    assert UnrolledNetwork().tokens == [f"x{i}" for i in range(1, 9)]
    assert UnrolledNetwork(3).tokens == UnrolledNetwork(num_tokens=3).tokens == ["x1", "x2", "x3"]
    assert UnrolledNetwork(("a", "b")).tokens == ["a", "b"]


def test_one_token_and_many_can_be_drawn():
    for widget in (UnrolledNetwork(1), UnrolledNetwork(MOST_TOKENS, show_convolution=True)):
        assert widget._repr_mimebundle_()[0]["image/png"]
    assert UnrolledNetwork(1).path_lengths()["recurrence"] == 1


def test_picture_shows_as_many_networks_as_are_on(unrolled):
    titles = [axes.get_title(loc="left") for axes in unrolled.fallback().axes]
    assert titles == [
        "Recurrence: 5 dependent steps, path of 4 edges",
        "Attention: 1 dependent step, path of 1 edge",
        "Convolution: 2 dependent steps, path of 2 edges",
    ]
    backwards = UnrolledNetwork(4, source=3, target=0)
    assert "no path" in backwards.fallback().axes[0].get_title(loc="left")
    assert len(backwards.fallback().axes) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tokens": 0}, "num_tokens must be a whole number from 1 to 24, got 0"),
        ({"num_tokens": 25}, "num_tokens must be a whole number from 1 to 24, got 25"),
        ({"tokens": []}, "tokens must hold 1 to 24 strings, got 0"),
        ({"tokens": "abc"}, "tokens must be a sequence of strings, got 'abc'"),
        ({"tokens": ["a", ""]}, r"tokens\[1\] must be a string that is not blank, got ''"),
        ({"tokens": 3, "num_tokens": 3}, "give tokens or num_tokens, not both, got 3, 3"),
        ({"kernel_size": 1}, "kernel_size must be a whole number from 2 to 5, got 1"),
        ({"num_tokens": 3, "source": 3}, "source must be a whole number from 0 to 2, got 3"),
        ({"num_tokens": 3, "target": -1}, "target must be a whole number from 0 to 2, got -1"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        UnrolledNetwork(**arguments)
