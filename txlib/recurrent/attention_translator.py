"""The translator that looks back: every step of the decoder reads the encoder's outputs anew."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from txlib.attention import AdditiveAttention, SingleHeadAttention
from txlib.attention.cache_checks import check_rows
from txlib.checks import check_kind, check_one_of
from txlib.generation import EncoderDecoder
from txlib.layers.token_lookup import look_up
from txlib.recurrent.encoder import LSTMEncoder
from txlib.recurrent.seq2seq import LSTMState, Seq2SeqConfig, StateBridge, check_rows_fit

Look = Literal["before", "after"]
Score = Literal["additive", "additive_linear", "dot", "scaled_dot"]


@dataclass(frozen=True, kw_only=True)
class AttentionTranslatorConfig(Seq2SeqConfig):
    """Sizes and choices of an `AttentionTranslator`.

    Attributes:
        d_attention: A, features in which queries and keys are compared.
        look: `"before"` each step of the decoder (Bahdanau et al. 2015): its old state asks, and
            what it finds enters the step. `"after"` (Luong et al. 2015): its new state asks, and
            what it finds goes to the output only, so that training asks all questions in one call.
        score: `"additive"`; `"additive_linear"`, the same without its tanh; `"dot"`; or
            `"scaled_dot"`, divided by the square root of A.
    """

    bidirectional: bool = True
    d_attention: int = 128
    look: Look = "before"
    score: Score = "additive"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_sizes("d_attention")
        for name, choices in (("look", get_args(Look)), ("score", get_args(Score))):
            check_one_of(name, getattr(self, name), choices)


class AttentionState(NamedTuple):
    """What a decoder goes on from.

    Attributes:
        lstm: (h, c), each (L, B, H).
        keys: (B, T_s, A), the memory as it is compared with.
        values: (B, T_s, K), the memory as it is averaged.
        mask: bool (B, 1, T_s), True = a real token.
    """

    lstm: LSTMState
    keys: Tensor
    values: Tensor
    mask: Tensor


class AttentionTranslator(EncoderDecoder):
    r"""An LSTM reads the sentence, another writes the translation and looks back at every word.

    Source: Bahdanau et al. 2015, section 3 and appendix A; Luong et al. 2015, section 3.1, for
    `look="after"`; chapters 2 and 3. Paper and code differ: LSTMs for the paper's GRUs; the first
    state comes from both directions' last states, not from the backward one's alone; and one layer,
    $\tanh(W [s; c])$ (Luong's equation 5), stands for the maxout layer before the logits.
    """

    def __init__(self, config: AttentionTranslatorConfig):
        check_kind("config", config, AttentionTranslatorConfig)
        super().__init__(config)
        self.encoder = LSTMEncoder(
            config.source_vocab_size,
            config.d_embedding,
            config.hidden_size,
            num_layers=config.num_layers,
            dropout=config.dropout,
            bidirectional=config.bidirectional,
            reverse=config.reverse_source,
            pad_id=config.pad_id,
        )
        self.bridge = StateBridge(config.num_layers, config.hidden_size, config.bidirectional)
        self.embedding = nn.Embedding(
            config.target_vocab_size, config.d_embedding, padding_idx=config.pad_id
        )
        self.dropout = nn.Dropout(config.dropout)
        memory_size = config.hidden_size * (2 if config.bidirectional else 1)
        self.look = _new_attention(config, memory_size)
        self.decoder = nn.LSTM(
            config.d_embedding + (memory_size if config.look == "before" else 0),
            config.hidden_size,
            config.num_layers,
            batch_first=True,
            dropout=config.dropout if config.num_layers > 1 else 0.0,
        )
        self.combine = nn.Linear(config.hidden_size + memory_size, config.hidden_size)
        self.out_proj = nn.Linear(config.hidden_size, config.target_vocab_size)

    def encode(self, source: Tensor, source_mask: Tensor) -> AttentionState:
        """Read sentences; keep a vector for each word, and project the keys once.

        Args:
            source: int64 (B, T_s), token ids.
            source_mask: bool (B, T_s), True = a real token.

        Returns:
            What the decoder starts from.

        Raises:
            ValueError: if `source` is not (B, T_s) or `source_mask` is not bool of that shape.
        """
        memory, final = self.encoder(source, source_mask)  # memory: (B, T_s, K)
        return AttentionState(self.bridge(final), *self.look.project(memory), source_mask[:, None])

    def advance(self, state: AttentionState, target_in: Tensor) -> tuple[Tensor, AttentionState]:
        """Look and write: (B, T) tokens to logits (B, T, V_t) and the next state."""
        check_kind("state", state, AttentionState)
        embedded = self.dropout(look_up("target_in", target_in, self.embedding))
        check_rows_fit(target_in, len(state.keys))
        run = self._look_before if self.config.look == "before" else self._look_after
        hidden, context, lstm = run(state, embedded)  # (B, T_t, H), (B, T_t, K)
        combined = self.combine(torch.cat((hidden, context), dim=-1)).tanh()  # (B, T_t, H)
        return self.out_proj(self.dropout(combined)), state._replace(lstm=lstm)

    @staticmethod
    def select(state: AttentionState, rows: Tensor) -> AttentionState:
        """The same state for other rows of the batch: int64 (B_new,), repeats allowed."""
        check_kind("state", state, AttentionState)
        check_rows(rows, len(state.keys), state.keys)
        h, c = (part[:, rows] for part in state.lstm)
        return AttentionState((h, c), state.keys[rows], state.values[rows], state.mask[rows])

    def _look_before(
        self, state: AttentionState, embedded: Tensor
    ) -> tuple[Tensor, Tensor, LSTMState]:
        lstm, steps = state.lstm, []
        for word in embedded.split(1, dim=1):  # (B, 1, d_embedding)
            query = lstm[0][-1][:, None]  # (B, 1, H): the state before this step
            context = self.look.attend(query, state.keys, state.values, state.mask)
            hidden, lstm = self.decoder(torch.cat((word, context), dim=-1), lstm)
            steps.append((hidden, context))
        hidden, context = (torch.cat(parts, dim=1) for parts in zip(*steps, strict=True))
        return hidden, context, lstm

    def _look_after(
        self, state: AttentionState, embedded: Tensor
    ) -> tuple[Tensor, Tensor, LSTMState]:
        hidden, lstm = self.decoder(embedded, state.lstm)
        return hidden, self.look.attend(hidden, state.keys, state.values, state.mask), lstm


def _new_attention(
    config: AttentionTranslatorConfig, memory_size: int
) -> AdditiveAttention | SingleHeadAttention:
    sizes = config.hidden_size, memory_size, config.d_attention
    match config.score:
        case "additive":
            return AdditiveAttention(*sizes)
        case "additive_linear":
            return AdditiveAttention(*sizes, activation=nn.Identity())
        case "dot":
            return SingleHeadAttention(*sizes, scale=1.0)
        case "scaled_dot":
            return SingleHeadAttention(*sizes)
