"""Which alias answers a request that names none: a part of the traffic may go to others than `production`."""

import hashlib
from collections.abc import Mapping

from mlp.aliases import PRODUCTION


def alias_for(key: str, model: str, shares: Mapping[str, float]) -> str:
    """Give the alias for a key: the same one for the same key and shares, each for its share of all keys.

    The key's place between 0 and 1 is a hash of it and the model's name. The aliases' shares lie beside each other from
    0 on, in the order of their names; what they leave is production's. So a share that grows keeps the keys it had.
    """
    if not shares:
        return PRODUCTION
    digest = hashlib.blake2b(f"{model}\n{key}".encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    for alias, share in sorted(shares.items()):
        if place < share:
            return alias
        place -= share
    return PRODUCTION
