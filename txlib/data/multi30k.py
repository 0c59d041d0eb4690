"""Multi30k: photo captions in English with their French translations.

Elliott, Frank, Sima'an and Specia 2016, "Multi30K: Multilingual English-German Image Descriptions";
the French side is of Elliott, Frank, Barrault, Bougares and Specia 2017, "Findings of the Second
Shared Task on Multimodal Machine Translation and Multilingual Image Description".
"""

import gzip
from pathlib import Path

from txlib.checks import check_one_of
from txlib.data.download import DataError, cache_dir, fetch_bytes

COMMIT = "c9be912dc05a3ebf9ae5bb5f7f58c1791cda43ab"
BASE_URL = f"https://raw.githubusercontent.com/multi30k/dataset/{COMMIT}/data/task1/raw"
FILES = {"train": "train", "validation": "val", "test": "test_2016_flickr"}
SPLITS: tuple[str, ...] = tuple(FILES)
SHA256 = {
    "train.en.gz": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
    "train.fr.gz": "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c",
    "val.en.gz": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
    "val.fr.gz": "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9",
    "test_2016_flickr.en.gz": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
    "test_2016_flickr.fr.gz": "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90",
}


def load(
    split: str, *, root: Path | None = None, base_url: str | None = None
) -> list[tuple[str, str]]:
    """One split of Multi30k, fetched at a pinned commit when it is not cached (1.2 MB in all).

    Args:
        split: "train" (29 000 pairs), "validation" (1 014) or "test" (1 000, the 2016 Flickr set).
        root: the cache folder; `$TXLIB_DATA`, or else the platform's, if not given. The files lie
            in its folder `multi30k`.
        base_url: the folder to download from, for a mirror; the hashes hold there too.

    Returns:
        Pairs (English, French) of sentences as written, without blanks at either end.

    Raises:
        ValueError: if `split` is none of the three.
        DataError: if a file can be neither found nor fetched intact.
    """
    check_one_of("split", split, SPLITS)
    folder = cache_dir(root) / "multi30k"
    address = BASE_URL if base_url is None else base_url.rstrip("/")
    names = [f"{FILES[split]}.{language}.gz" for language in ("en", "fr")]
    contents = [fetch_bytes(f"{address}/{name}", folder / name, SHA256[name]) for name in names]
    english, french = map(_sentences, contents)
    if len(english) != len(french):
        raise DataError(
            f"{names[0]} and {names[1]} must have as many lines as each other, "
            f"got {len(english)} and {len(french)} in {folder}"
        )
    return list(zip(english, french, strict=True))


def _sentences(content: bytes) -> list[str]:
    text = gzip.decompress(content).decode("utf-8")
    return [line.strip() for line in text.removesuffix("\n").split("\n")]
