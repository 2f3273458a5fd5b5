"""The checker itself: it accepts what could have been, and nothing else."""

from __future__ import annotations

import math
import random

import pytest

from tests.faults.history import Answer, Node, Operation, serial_order


def oracle(node: Node, texts: tuple[str, ...]) -> Node:
    """The probability is drawn from what was read, the same in every run: it tells any two orders apart."""
    if texts not in node.next:
        seed = repr((node.probability if node.step else 0.0, texts))  # hash() of a text is another in every process
        node.next[texts] = Node(node.step + len(texts), b"", random.Random(seed).random())
    return node.next[texts]


def read(*texts: str) -> float:
    node = Node(0, None, math.nan)
    for text in texts:
        node = oracle(node, (text,))
    return node.probability


def write(
    text: str, when: tuple[float, float], step: int, reads: str, asked: int | None = None, kind: str = "scored"
) -> Operation:
    """A write that was answered: the session holds `step` then, and has read `reads`, one letter a sentence."""
    answer = Answer(kind, step, read(*reads), created=kind == "scored" and step == 1)  # type: ignore[arg-type]
    return Operation((text,), asked, *when, answer)


A = write("a", (0, 10), 1, "a")
B = write("b", (1, 9), 2, "ab")


def test_what_was_at_the_same_time_may_have_been_in_either_order() -> None:
    assert serial_order([A, B], oracle) == [A, B]
    assert serial_order([B, A], oracle) == [A, B]


@pytest.mark.parametrize(
    "bad",
    [
        [A, write("b", (11, 12), 1, "b")],  # a is lost
        [A, write("b", (11, 12), 2, "b")],  # it is counted, and its state is not there
        [A, write("b", (11, 12), 2, "ba")],  # in the wrong order
        [write("a", (11, 12), 1, "a"), write("b", (0, 10), 2, "ab")],  # b has seen what was not yet asked
        [A, B, write("c", (5, 20), 2, "ac")],  # b and c have both followed on a
        [A, write("a", (11, 12), 2, "aa", asked=0)],  # sent again, and counted twice
        [A, Operation((), None, 11, 12, Answer("held", 2, read("a")))],  # read one too many
        [A, Operation((), None, 11, 12, Answer("held", 1, read("b")))],  # read another's number
        [A, Operation((), None, 11, 12, Answer("gone"))],  # gone, and nobody erased it
        [A, Operation(("b",), 1, 11, 12, Answer("wrong_step", 1))],  # refused, though it fits
        [A, Operation(("b",), 7, 11, 12, Answer("gone")), write("b", (13, 14), 2, "ab")],
        [A, Operation((), None, 11, 12, Answer("erased")), write("b", (13, 14), 2, "ab")],  # from what was erased
        [write("b", (0, 1), 2, "ab"), Operation(("a",), None, 2)],  # from a write that was not yet asked
    ],
)
def test_a_history_that_cannot_have_been_is_found_out(bad: list[Operation]) -> None:
    assert serial_order(bad, oracle) is None


def test_what_was_not_answered_may_have_been_done_or_not() -> None:
    unknown = Operation(("a",), None, 0)
    assert serial_order([unknown, write("b", (5, 6), 2, "ab")], oracle) == [unknown, write("b", (5, 6), 2, "ab")]
    assert serial_order([unknown, write("b", (5, 6), 1, "b")], oracle) == [write("b", (5, 6), 1, "b")]
    # Nor twice.
    assert serial_order([unknown, write("b", (5, 6), 3, "aab")], oracle) is None


def test_a_session_may_be_gone_that_was_to_be_erased_without_an_answer() -> None:
    unknown = Operation((), None, 11)
    for left in (Operation((), None, 13, 14, Answer("gone")), write("b", (13, 14), 1, "b")):
        assert serial_order([A, unknown, left], oracle) == [A, unknown, left]
    held = Operation((), None, 13, 14, Answer("held", 1, read("a")))
    assert serial_order([A, unknown, held], oracle) == [A, held]
    assert serial_order([A, Operation((), None, 15), Operation((), None, 13, 14, Answer("gone"))], oracle) is None


def test_retries_refusals_and_a_new_start() -> None:
    history = [
        A,
        write("a", (11, 12), 1, "a", asked=0, kind="replayed"),
        Operation(("b",), 3, 13, 14, Answer("wrong_step", 1)),
        Operation((), None, 15, 16, Answer("held", 1, read("a"))),
        Operation((), None, 17, 18, Answer("erased")),
        Operation(("b",), 1, 19, 20, Answer("gone")),
        write("b", (21, 22), 1, "b"),
    ]
    assert serial_order(history, oracle) == history


def test_thousands_of_operations_of_many_callers_are_put_in_order() -> None:
    """As a real store would answer them, at a random moment of each; and one changed answer is found."""
    chance = random.Random(7)
    moments = sorted(chance.uniform(0, 300) for _ in range(3000))
    history, sent, node = [], 0, Node(0, None, math.nan)
    for moment in moments:
        text = chance.choice("abcd")
        node, sent = oracle(node, (text,)), sent + 1
        answer = Answer("scored", sent, node.probability, created=sent == 1)
        history.append(Operation((text,), None, moment - chance.random(), moment + chance.random(), answer))
    order = serial_order(history, oracle)
    assert order is not None
    assert [one.answer.step for one in order if one.answer] == list(range(1, 3001))
    middle = history[1500]
    assert middle.answer is not None
    history[1500] = Operation(
        middle.texts, None, middle.invoked, middle.returned, middle.answer._replace(probability=0.5)
    )
    assert serial_order(history, oracle) is None


@pytest.mark.timeout(60)
def test_many_requests_without_an_answer_do_not_make_as_many_orders() -> None:
    unknown = [Operation((letter,), None, 1) for letter in "cdefghijklmnopqrstuvwxyz"]
    assert serial_order([A, *unknown, write("b", (2, 9), 2, "ab")], oracle) is not None
    assert serial_order([A, *unknown, write("b", (2, 9), 2, "bb"), write("c", (10, 11), 3, "abc")], oracle) is None


def test_what_is_over_without_an_answer_is_not_tried_for_ever() -> None:
    calls = 0

    def counting(node: Node, texts: tuple[str, ...]) -> Node:
        nonlocal calls
        calls += 1
        assert calls < 10_000, "as many orders as the unanswered ones have"
        return oracle(node, texts)

    history = []
    for t in range(0, 1000, 10):  # not answered, erased, written anew
        history += [Operation(("u",), None, t, t + 5), Operation((), None, t + 6, t + 7, Answer("erased"))]
        history.append(write("a", (t + 8, t + 9), 1, "a"))
    assert len(serial_order(history, counting) or ()) == 200
    assert serial_order([*history, write("b", (1001, 1002), 3, "abc")], counting) is None
