"""What is kept of a stream begins with a key frame and stays within its bounds, whatever comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.streams.ring import Kept, PacketRing

PACKETS = st.lists(
    st.tuples(
        st.floats(0.0, 3.0), st.integers(1, 400), st.booleans(), st.booleans()
    ),  # gap in s, bytes, key frame, goes on
    max_size=120,
)


@given(PACKETS, st.floats(1, 10), st.integers(100, 3000))
def test_bounds_hold_for_any_stream(
    packets: list[tuple[float, int, bool, bool]], seconds: float, most: int
) -> None:
    ring = PacketRing(seconds, most_bytes=most)
    # What it is asked of is kept only from begin() on; put() takes what add() has made of packets.
    now, longest_gop, key_at = 0.0, 0.0, 0.0
    for gap, size, is_key, goes_on in packets:
        now += gap
        ring.put(Kept(now, bytes(size), is_key and not goes_on), goes_on=goes_on)
        if is_key and not goes_on:
            key_at = now
        longest_gop = max(longest_gop, now - key_at)
        _, kept = ring.kept()
        assert len(ring) == sum(len(each.data) for each in kept) <= most
        assert not kept or kept[0].is_key
        keys = [each.came_s for each in kept if each.is_key]
        assert len(keys) < 2 or now - keys[1] < seconds, "no GOP more than it takes"


def test_enough_is_kept_for_a_clip() -> None:
    """At a GOP of 2 s and 10 pictures a second, 10 s are there whenever somebody asks."""
    ring = PacketRing(10)
    for number in range(600):
        ring.put(Kept(number / 10, bytes(100), number % 20 == 0))
        _, kept = ring.kept()
        if number >= 100:
            assert 10 <= number / 10 - kept[0].came_s <= 12
