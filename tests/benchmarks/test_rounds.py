"""Rounds: everything in turn, medians, and ratios of the same round."""

from __future__ import annotations

from benchmarks.rounds import Times, in_turn, measure


def test_everything_takes_its_turn_in_every_round() -> None:
    done: list[str] = []
    times = measure({"a": lambda: done.append("a"), "b": lambda: done.append("b")}, rounds=3, pieces=5, repeat=2)
    assert "".join(done) == "aabb" * 4
    assert list(times) == ["a", "b"]
    assert all(len(t.seconds) == len(t.ratios) == 3 and t.pieces == 10 for t in times.values())


def test_a_median_is_not_moved_by_one_bad_round() -> None:
    times = Times((4.0, 2.0, 100.0), (2.0, 3.0, 0.1), pieces=4)
    assert (times.each, times.spread, times.ratio) == (1.0, (0.5, 25.0), 2.0)


def test_what_the_first_time_gave_does_not_count() -> None:
    numbers = iter(range(10))
    assert in_turn({"a": lambda: next(numbers), "b": lambda: -next(numbers)}, rounds=2) == {"a": [2, 4], "b": [-3, -5]}
