"""The weights of a feature for all heads as one whole number, with a lane for each head. Pure."""

import base64
import struct
from collections.abc import Iterator, Mapping

LANE = 32
"""Bits of a head's lane, so that one addition adds the weights of all heads."""

HALF = 1 << (LANE - 1)
"""What is added to a lane so that it is never below nothing."""

_BITS = (1 << LANE) - 1


class LaneWeights(Mapping[str, Mapping[int, int]]):
    """Feature → head index → weight, kept as one number a feature: tens of thousands are read at a start.

    Args:
        totals: feature → the sum over its heads of `weight << LANE * head`.
        heads: how many there are.
    """

    def __init__(self, totals: Mapping[str, int], heads: int) -> None:
        self.totals = totals
        self._lanes = struct.Struct(f"<{heads}I")
        self._base = base_of(heads)

    def __getitem__(self, name: str) -> Mapping[int, int]:
        lanes = self._lanes.unpack((self.totals[name] + self._base).to_bytes(self._lanes.size, "little"))
        return {head: lane - HALF for head, lane in enumerate(lanes) if lane != HALF}

    def __iter__(self) -> Iterator[str]:
        return iter(self.totals)

    def __len__(self) -> int:
        return len(self.totals)


def base_of(heads: int) -> int:
    """Return what makes every lane of a total a number from nothing upwards."""
    return sum(HALF << LANE * head for head in range(heads))


def lane_of(total: int, head: int) -> int:
    """Return what is in a head's lane of a total to which `base_of` was added."""
    return ((total >> LANE * head) & _BITS) - HALF


def laned(weights: Mapping[str, Mapping[int, int]], heads: int) -> LaneWeights:
    """Return weights in lanes.

    Raises:
        ValueError: a weight is of no head, or too large for a lane.
    """
    totals: dict[str, int] = {}
    for name, by_head in weights.items():
        total = 0
        for head, weight in by_head.items():
            if not 0 <= head < heads or not -HALF <= weight < HALF:
                raise ValueError("a weight of no head, or one too large")
            total += weight << LANE * head
        totals[name] = total
    return LaneWeights(totals, heads)


def packed_lanes(weights: Mapping[str, Mapping[int, int]], heads: int) -> str:
    """Return the weights of all features in order, for each head in order: 16 bits each, as base64.

    Raises:
        ValueError: a weight does not fit.
    """
    numbers = [by_head.get(head, 0) for by_head in weights.values() for head in range(heads)]
    try:
        return base64.b64encode(struct.pack(f"<{len(numbers)}h", *numbers)).decode()
    except struct.error:
        raise ValueError("a weight needs more than 16 bits") from None


def unpacked_lanes(names: list[str], packed: str, heads: int) -> LaneWeights:
    """Return what `packed_lanes` packed of features with these names.

    Raises:
        ValueError: it is not that.
    """
    data = base64.b64decode(packed, validate=True)
    count = len(names) * heads
    if not heads or len(data) != 2 * count:
        raise ValueError("not as many weights as there are features and heads")
    lanes = struct.pack(f"<{count}i", *struct.unpack(f"<{count}h", data))
    size, base, read = heads * LANE // 8, base_of(heads), int.from_bytes
    # Turning its highest bit adds half of a lane's range to a number that is kept as two's complement.
    totals = {
        name: (read(lanes[at : at + size], "little") ^ base) - base
        for name, at in zip(names, range(0, len(lanes), size), strict=True)
    }
    return LaneWeights(totals, heads)
