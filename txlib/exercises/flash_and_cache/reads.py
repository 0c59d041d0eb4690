"""`causal_reads`: what tiled attention fetches when it skips the tiles that lie in the future."""

from collections.abc import Callable

from txlib.exercises.exercise import Exercise, Misconception

Reads = Callable[[int, int, int, int], int]
Reach = Callable[[int, int, int, int], int]


def _reference(n: int, d: int, tile_q: int, tile_k: int) -> int:
    """By going through the tiles."""
    read = 0
    for i in range(0, n, tile_q):
        queries = min(tile_q, n - i)
        read += queries * d
        for j in range(0, n, tile_k):
            if j > i + queries - 1:
                break
            keys = min(tile_k, n - j)
            read += keys * d + keys * d
    return read


def _up(count: int, size: int) -> int:
    """Filled up to whole tiles."""
    return -(-count // size) * size


def _whole_tiles(i: int, end: int, n: int, k: int) -> int:
    """Keys fetched for the queries from i to `end`: all tiles up to the one with key `end` - 1."""
    return min(_up(end, k), n)


def _reads(
    reach: Reach = _whole_tiles,
    per_key: int = 2,
    queries: Callable[[int, int, int, int], int] = lambda n, q, k, rounds: n,
) -> Reads:
    """Right in all parts but the ones that are named; `rounds` are the pairs of tiles computed."""

    def answer(n: int, d: int, tile_q: int, tile_k: int) -> int:
        fetched = [reach(i, min(i + tile_q, n), n, tile_k) for i in range(0, n, tile_q)]
        rounds = sum(-(-keys // tile_k) for keys in fetched)
        return queries(n, tile_q, tile_k, rounds) * d + per_key * sum(fetched) * d

    return answer


def _unmasked(n: int, d: int, q: int, k: int) -> int:
    return _reads(lambda i, end, n, k: n)(n, d, q, k)


def _by_number(n: int, d: int, q: int, k: int) -> int:
    """Tile i of the queries meets tiles 0 to i of the keys."""
    fetched = (min((i // q + 1) * k, n) for i in range(0, n, q))
    return n * d + 2 * d * sum(fetched)


def _full_tiles(i: int, end: int, n: int, k: int) -> int:
    """Only tiles that end before or with the last query."""
    return n if end == n else end // k * k


def _queries_in_each_round(n: int, d: int, q: int, k: int) -> int:
    read = 0
    for i in range(0, n, q):
        end = min(i + q, n)
        keys = _whole_tiles(i, end, n, k)
        read += (end - i) * -(-keys // k) + 2 * keys
    return read * d


def _ragged(n: int, d: int, q: int, k: int) -> bool:
    return n % q > 0 and n % k > 0


CAUSAL_READS = Exercise(
    name="causal_reads",
    chapter=8,
    parameters=("n", "d", "tile_q", "tile_k"),
    outputs=("the numbers read",),
    reference=_reference,
    cases=lambda: [(12, 5, 4, 3), (10, 3, 4, 3), (11, 4, 2, 5), (9, 2, 9, 4), (23, 6, 5, 7)],
    hint="Draw a square of n by n and cut it into tiles. In each row of tiles, mark those that hold"
    " at least one pair of a query and a key that is not in its future. Count those.",
    misconceptions=(
        Misconception(
            name="nothing-skipped",
            answers=(_unmasked,),
            message="All tiles are counted, as without a mask. Where every key of a tile is in the"
            " future of every query, the tile is never fetched.",
            hint="The first tile of queries ends at query `tile_q - 1`. Which keys can it do"
            " without?",
        ),
        Misconception(
            name="half-of-all",
            answers=(
                lambda n, d, q, k: n * d + n * d * -(-n // q),
                lambda n, d, q, k: _unmasked(n, d, q, k) // 2,
                lambda n, d, q, k: round(_unmasked(n, d, q, k) / 2),
                lambda n, d, q, k: n * d + n * (n + 1) * d // q,
            ),
            message="You take half of the reads without a mask. The diagonal runs through the"
            " middle of tiles, and those are fetched as well: it is more than half.",
            hint="Count the tiles of a small square one by one.",
        ),
        Misconception(
            name="tiles-cut-at-the-diagonal",
            answers=(
                _reads(lambda i, end, n, k: end),
                _reads(lambda i, end, n, k: i),
                lambda n, d, q, k: n * d + 2 * d * n * (n + 1) // 2,
            ),
            message="Keys are fetched up to the last query and no further. A tile of keys comes as"
            " a whole: who needs its first key gets the others too.",
            hint="With `tile_k` 3 and queries up to place 3: which tiles of keys are fetched, and"
            " how many keys are in them?",
        ),
        Misconception(
            name="by-the-first-query",
            answers=(_reads(lambda i, end, n, k: min(_up(i + 1, k), n)),),
            message="You stop at the tile that the first query of a tile may see. The last query of"
            " the same tile may see more.",
            hint="A tile of keys is skipped if not even the last query needs it.",
        ),
        Misconception(
            name="diagonal-skipped",
            answers=(
                _reads(lambda i, end, n, k: end // k * k),
                _reads(_full_tiles),
                _reads(lambda i, end, n, k: i // k * k),
                _reads(lambda i, end, n, k: min(_up(i, k), n)),
            ),
            message="Tiles that the diagonal crosses are skipped. Only a part of them is in the"
            " future; the rest must be computed.",
            hint="Query 0 may see key 0. In which tile do they meet?",
        ),
        Misconception(
            name="one-tile-too-many",
            answers=(
                _reads(lambda i, end, n, k: min(end // k * k + k, n)),
                _reads(lambda i, end, n, k: min(_up(end, k) + k, n)),
            ),
            message="One tile too many: a tile of keys that begins right behind the last query lies"
            " in the future altogether.",
            hint="Four queries, places 0 to 3. Is a tile of keys that begins at place 4 needed?",
        ),
        Misconception(
            name="past-skipped",
            answers=(
                _reads(lambda i, end, n, k: n - i // k * k),
                _reads(lambda i, end, n, k: n - i),
                _reads(lambda i, end, n, k: n - end // k * k),
                _reads(lambda i, end, n, k: n - _full_tiles(i, end, n, k)),
            ),
            message="The past is skipped and the future is read: the first tile of queries fetches"
            " the most. With a causal mask it needs the least.",
            hint="Which keys may query 0 see?",
        ),
        Misconception(
            name="by-number-of-the-tile",
            answers=(_by_number,),
            message="Tile number i of the queries meets the tiles 0 to i of the keys. That holds"
            " only if both kinds of tiles have the same size.",
            hint="Compare places, not numbers of tiles: where do the queries end, where does the"
            " tile of keys begin?",
        ),
        Misconception(
            name="padded",
            answers=(
                _reads(lambda i, end, n, k: _up(end, k)),
                _reads(lambda i, end, n, k: _up(end, k), queries=lambda n, q, k, r: _up(n, q)),
                _reads(queries=lambda n, q, k, r: _up(n, q)),
                lambda n, d, q, k: sum(
                    (q + 2 * min(_up(i + q, k), _up(n, k))) * d for i in range(0, n, q)
                ),
            ),
            applies=_ragged,
            message="Short last tiles are counted as full ones. Where the tensor ends there is"
            " nothing to read.",
            hint="10 keys in tiles of 3: how many keys does the last tile have?",
        ),
        Misconception(
            name="keys-or-values",
            answers=(_reads(per_key=1),),
            message="Keys or values are forgotten: with each tile of keys its values come along.",
            hint="What does the context add up?",
        ),
        Misconception(
            name="queries-forgotten",
            answers=(_reads(queries=lambda n, q, k, r: 0),),
            message="The keys and values are right. The queries lie in slow memory too, and must"
            " be fetched.",
            hint="How often is each query read, if its tile stays until it is finished?",
        ),
        Misconception(
            name="queries-again",
            answers=(_queries_in_each_round, _reads(queries=lambda n, q, k, r: q * r)),
            message="The queries are read again with every tile of keys. A tile of queries stays"
            " until all of its keys have passed.",
            hint="Which loop is the outer one, and what is loaded before the inner one begins?",
        ),
        Misconception(
            name="context-too",
            answers=(
                _reads(queries=lambda n, q, k, r: 2 * n),
                lambda n, d, q, k: _reads()(n, d, q, k) + n * n,
            ),
            message="Something is counted that is only written, or that never leaves the chip.",
            hint="What is read: queries, keys and values. Nothing else.",
        ),
        Misconception(
            name="vectors-for-numbers",
            answers=(lambda n, d, q, k: _reads()(n, 1, q, k),),
            message="Vectors are counted where numbers were asked for: a query, a key and a value"
            " have `d` numbers each.",
            hint="How many numbers make one key? That factor is missing.",
        ),
    ),
)
