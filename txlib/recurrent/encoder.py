"""The encoder of the recurrent translators: a sentence in, a vector per token and a state out."""

from torch import Tensor, nn

from txlib.recurrent.fused import run_fused


class LSTMEncoder(nn.Module):
    """Reads a padded batch of sentences by the fused LSTM.

    Source: Sutskever et al. 2014, section 2; both directions as in Bahdanau et al. 2015, section
    3.2. The translator of chapter 1 keeps the state and drops the outputs; chapter 2 looks at them.

    Args:
        vocab_size: V, at least 1.
        d_embedding: features of a token's embedding, at least 1.
        hidden_size: H, features of each direction's state, at least 1.
        num_layers: L, at least 1.
        dropout: probability in [0, 1), on the embeddings and between layers.
        bidirectional: whether each layer also reads from the end.
        reverse: whether to read the sentence last token first, so that its first words are the
            freshest when the decoder starts (Sutskever et al. 2014, section 3.3).
        pad_id: the token whose embedding stays zero.
    """

    def __init__(
        self,
        vocab_size: int,
        d_embedding: int,
        hidden_size: int,
        *,
        num_layers: int = 1,
        dropout: float = 0.0,
        bidirectional: bool = False,
        reverse: bool = False,
        pad_id: int = 0,
    ):
        super().__init__()
        self.reverse = reverse
        self.embedding = nn.Embedding(vocab_size, d_embedding, padding_idx=pad_id)
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(
            d_embedding,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=dropout if num_layers > 1 else 0.0,  # torch warns where there is no "between"
            bidirectional=bidirectional,
        )

    def forward(self, source: Tensor, source_mask: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Encode a batch.

        Args:
            source: int64 (B, T), token ids.
            source_mask: bool (B, T), True = a real token.

        Returns:
            Outputs (B, T, directions * H), in the order of `source` and zero where masked; and the
            final state (h, c), each (L * directions, B, H), zero for a row without a real token.

        Raises:
            ValueError: if `source` is not (B, T) or `source_mask` is not bool of that shape.
        """
        if source.ndim != 2:
            raise ValueError(f"source must have shape (B, T), got {tuple(source.shape)}")
        embedded = self.dropout(self.embedding(source))  # (B, T, d_embedding)
        if not self.reverse:
            return run_fused(self.lstm, embedded, mask=source_mask)
        outputs, state = run_fused(self.lstm, embedded.flip(1), mask=source_mask.flip(1))
        return outputs.flip(1), state
