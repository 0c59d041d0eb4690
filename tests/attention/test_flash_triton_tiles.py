import pytest
import torch

pytest.importorskip("triton", exc_type=ImportError)
from txlib.attention import flash_triton_tiles as tiles
from txlib.attention.flash_triton_tiles import LARGE, SMALL, Tiles, candidates, choose

SLOW, QUICK = Tiles(64, 32, 4, 2), Tiles(128, 32, 8, 2)
KERNELS = {"forward", "key_grad", "query_grad"}


@pytest.fixture
def tried(monkeypatch):
    """Two candidates, the second one quicker; the tiles of each trial."""
    found = []

    def milliseconds(run):
        run()
        return 2.0 if found[-1] == SLOW else 1.0

    monkeypatch.setattr(tiles, "candidates", lambda *_: (SLOW, QUICK))
    monkeypatch.setattr(tiles, "_milliseconds", milliseconds)
    monkeypatch.setattr(tiles, "_CHOSEN", {})
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    return found


def call(tried, T_q=4096, T_k=4096, *, kind="forward", is_causal=True):
    query, key = torch.empty(1, 2, T_q, 64), torch.empty(1, 1, T_k, 64)
    return choose(kind, query, key, is_causal, tried.append)


def test_the_quickest_is_kept_for_calls_of_its_kind(tried):
    assert call(tried) == QUICK
    assert tried == [SLOW, QUICK]
    assert call(tried, 5000) == QUICK
    assert len(tried) == 2
    for other in ({"T_q": 9000, "T_k": 9000}, {"kind": "key_grad"}, {"is_causal": False}):
        call(tried, **other)
    assert len(tried) == 8
    first = tiles.tried()[0]
    assert first == {
        "kernel": "forward",
        "device": "cpu",
        "dtype": "torch.float32",
        "head_dim": 64,
        "is_causal": True,
        "length_bits": 13,
        "tile_q": 128,
        "tile_k": 32,
        "num_warps": 8,
        "num_stages": 2,
    }


def test_short_calls_and_graphs_take_the_first(tried, monkeypatch):
    assert call(tried, 1, 8192) == SLOW
    assert call(tried, 8192, 1023) == SLOW
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    assert call(tried) == SLOW
    assert tried == []


def test_one_candidate_is_not_tried(tried, monkeypatch):
    monkeypatch.setattr(tiles, "candidates", lambda *_: (SLOW,))
    assert call(tried) == SLOW
    assert tried == []


def test_what_does_not_fit_is_never_quickest(monkeypatch):
    def too_large(run, **_):
        raise tiles.OutOfResources(300, 200, "shared memory")

    monkeypatch.setattr(tiles.triton.testing, "do_bench", too_large)
    assert tiles._milliseconds(int) == float("inf")


@pytest.mark.parametrize(
    ("capability", "table"), [((8, 0), SMALL), ((9, 0), LARGE), ((12, 0), SMALL)]
)
def test_every_kernel_has_tiles_for_every_head_dim(capability, table, monkeypatch):
    monkeypatch.setattr(tiles, "INTERPRETED", False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert set(table) == KERNELS
    for kind in KERNELS:
        assert set(table[kind]) == {32, 64, 128}
        for head_dim in table[kind]:
            assert candidates(kind, head_dim, torch.device("cuda")) == table[kind][head_dim]


def test_heads_in_cache(monkeypatch):
    class Properties:
        L2_cache_size = 50 * 2**20

    monkeypatch.setattr(tiles, "INTERPRETED", False)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: Properties)
    key = value = torch.empty(1, 8, 16384, 128, dtype=torch.float16)  # 8 MiB a head, both together
    assert tiles.heads_in_cache(key, value) == 3
    assert tiles.heads_in_cache(key[:, :, :1], value[:, :, :1]) == 25 * 2**20 // 512
    long = torch.empty(1, 1, 2**18, 128, dtype=torch.float16, device="meta")
    assert tiles.heads_in_cache(long, long) == 1
