"""Every public callable of txlib.recurrent but its translators, with a lawful call of it."""

from targets import Sizes, Target, constructor, method
from torch import nn

from txlib import recurrent

FLOATS = frozenset({"other float", "half"})
CELLS = (recurrent.RNNCell, recurrent.LSTMCell, recurrent.GRUCell)
LAYERS = (recurrent.RNN, recurrent.LSTM, recurrent.GRU)


def states(s: Sizes, cell: type, *shape: int):
    each = tuple(s.floats(*shape) for _ in range(cell.num_states))
    return each if len(each) > 1 else each[0]


def cell_arguments(cell: type):
    return lambda s, _: {"input": s.floats(s.B, s.M), "state": states(s, cell, s.B, s.D)}


def combine(cell: type):
    def make(s: Sizes):
        gates = s.floats(s.B, cell.num_gates * s.D)
        before = states(s, cell, s.B, s.D)
        before = before if isinstance(before, tuple) else (before,)
        return cell.combine, {"from_input": gates, "from_hidden": gates + 1, "states": before}

    return make


def layer_arguments(kind: type, rows: int):
    return lambda s, _: {
        "input": s.floats(s.B, s.T_k, s.M),
        "state": states(s, kind.cell, rows, s.B, s.D),
        "mask": s.mask(s.B, s.T_k),
    }


def fused(s: Sizes):
    module = nn.LSTM(s.M, s.D, batch_first=True)
    state = states(s, recurrent.LSTMCell, 1, s.B, s.D)
    arguments = {"module": module, "input": s.floats(s.B, s.T_k, s.M), "state": state}
    return recurrent.run_fused, arguments | {"mask": s.mask(s.B, s.T_k)}


def encoder(s: Sizes) -> recurrent.LSTMEncoder:
    return recurrent.LSTMEncoder(11, s.C, s.D).eval()


def traced(s: Sizes):
    lstm = recurrent.LSTM(s.M, s.D)
    return recurrent.trace_gates, {"lstm": lstm, "input": s.floats(s.T_k, s.M)}


SEQUENCES = frozenset({"batch of 1", "batch - 1", "batch + 1", "no batch", "longer", "shorter"})
KINDS = {"input": "floats", "state": "states?"}
TARGETS = [
    *(
        Target(
            name=cell.__name__,
            make=constructor(cell, lambda s: {"input_size": s.M, "hidden_size": s.D, "bias": True}),
            kinds={"input_size": "size", "hidden_size": "size", "bias": "flag"},
        )
        for cell in CELLS
    ),
    *(
        Target(
            name=f"{cell.__name__}.forward",
            make=method(lambda s, cell=cell: cell(s.M, s.D), "forward", cell_arguments(cell)),
            kinds=KINDS,
            also=("input", "state"),
        )
        for cell in CELLS
    ),
    *(
        Target(
            name=kind.__name__,
            make=constructor(
                kind,
                lambda s: {"input_size": s.M, "hidden_size": s.D, "num_layers": 2, "bias": True},
                dropout=0.1,
                bidirectional=True,
            ),
            kinds={"input_size": "size", "hidden_size": "size", "num_layers": "size"}
            | {"bias": "flag", "dropout": "share", "bidirectional": "flag"},
        )
        for kind in LAYERS
    ),
    *(
        Target(
            name=f"{kind.__name__}.forward",
            make=method(lambda s, kind=kind: kind(s.M, s.D), "forward", layer_arguments(kind, 1)),
            kinds=KINDS | {"mask": "mask?"},
            also=("input", "state", "mask"),
        )
        for kind in LAYERS
    ),
    Target(
        name="run_fused",
        make=fused,
        kinds=KINDS | {"module": "module", "mask": "mask?"},
        also=("input", "state", "mask"),
    ),
    Target(
        name="set_forget_bias",
        make=lambda s: (
            recurrent.set_forget_bias,
            {"module": recurrent.LSTM(s.M, s.D), "value": 1.0},
        ),
        kinds={"module": "module", "value": "number"},
        changes=("module",),
    ),
    Target(
        name="trace_gates",
        make=traced,
        kinds={"lstm": "module", "input": "floats"},
        allows={"input": SEQUENCES - {"no batch"}},
    ),
    Target(
        name="LSTMEncoder",
        make=constructor(
            recurrent.LSTMEncoder,
            lambda s: {"vocab_size": 11, "d_embedding": s.C, "hidden_size": s.D, "num_layers": 2},
            dropout=0.1,
            bidirectional=True,
            reverse=True,
            pad_id=0,
        ),
        kinds={"vocab_size": "size", "d_embedding": "size", "hidden_size": "size"}
        | {"num_layers": "size", "dropout": "share", "bidirectional": "flag"}
        | {"reverse": "flag", "pad_id": "count"},
    ),
    Target(
        name="LSTMEncoder.forward",
        make=method(
            encoder,
            "forward",
            lambda s, _: {"source": s.ids(s.B, s.T_k), "source_mask": s.mask(s.B, s.T_k)},
        ),
        kinds={"source": "ids", "source_mask": "mask"},
        also=("source", "source_mask"),
    ),
]
