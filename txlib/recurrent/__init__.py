"""Recurrent networks, readable and fused, and the translators of chapters 1 and 2."""

from txlib.recurrent.attention_translator import AttentionTranslator, AttentionTranslatorConfig
from txlib.recurrent.cells import GRUCell, LSTMCell, RNNCell
from txlib.recurrent.encoder import LSTMEncoder
from txlib.recurrent.forget_bias import set_forget_bias
from txlib.recurrent.fused import run_fused
from txlib.recurrent.layers import GRU, LSTM, RNN
from txlib.recurrent.seq2seq import LSTMTranslator, Seq2SeqConfig
from txlib.recurrent.tracing import trace_gates

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AttentionTranslator",
    "AttentionTranslatorConfig",
    "GRUCell",
    "LSTMCell",
    "LSTMEncoder",
    "LSTMTranslator",
    "RNNCell",
    "Seq2SeqConfig",
    "run_fused",
    "set_forget_bias",
    "trace_gates",
]
