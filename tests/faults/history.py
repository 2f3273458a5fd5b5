"""Is there an order, one request after the other, that explains every answer of a history?

    Operation (asked, answered, from when to when) --serial_order--> a list, or None

The search is that of Wing and Gong (1993) with the memory of Lowe (2017): the next operation is one that
was asked before any other that is left was answered. What a session does in a serial world is `after`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

CLOSE: Final = 1e-5
"""Of probabilities: what the README promises."""


class Answer(NamedTuple):
    """What came back, but for what does not matter here: `step` is how many sentences the session holds."""

    kind: Literal["scored", "replayed", "wrong_step", "gone", "held", "erased"]
    step: int = 0
    probability: float = math.nan
    created: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """`texts` are the sentences sent (none: it only reads, or erases), `step` what the caller took the session's to be.

    `answer` is None where none came, or 503: it may have been done until it `returned`, or never.
    """

    texts: tuple[str, ...]
    step: int | None
    invoked: float
    returned: float = math.inf
    answer: Answer | None = None
    worker: int | None = None
    """The pid of who answered."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A session that has read some sentences; the same sentences are the same node."""

    step: int
    state: bytes | None
    probability: float
    next: dict[tuple[str, ...], Node] = field(default_factory=dict)


class Session(NamedTuple):
    """What is stored: where it stands, and where its last request began and what it said (no one: None)."""

    now: Node
    before: Node | None = None
    texts: tuple[str, ...] = ()


EMPTY: Final = Session(Node(0, None, math.nan))

Oracle = Callable[[Node, tuple[str, ...]], Node]
"""Reads sentences on from a node, by itself and without a service."""


def after(session: Session, done: Operation, oracle: Oracle, *, numbers: bool = True) -> Session | None:
    """The session after an operation; None where it could not have got its answer then."""
    now, before, answer = session.now, session.before, done.answer
    empty = before is None
    fits = done.step is None or done.step == now.step
    again = before is not None and done.step == before.step != now.step and done.texts == session.texts
    if answer is None:
        if not done.texts:
            return EMPTY  # it was to erase the session
        return _added(session, done, oracle) if fits else None
    if answer.kind == "scored":
        if not fits or answer.step != now.step + len(done.texts) or answer.created is not empty:
            return None  # before the oracle is asked, which takes its time
        added = _added(session, done, oracle)
        return added if not numbers or abs(answer.probability - added.now.probability) < CLOSE else None
    if answer.kind == "replayed":
        right = not numbers or abs(answer.probability - now.probability) < CLOSE
        return session if again and answer.step == now.step and right else None
    if answer.kind == "wrong_step":
        return session if not empty and not fits and not again and answer.step == now.step else None
    if answer.kind == "held":
        right = not numbers or abs(answer.probability - now.probability) < CLOSE
        return session if not empty and answer.step == now.step and right else None
    if answer.kind == "gone":
        return session if empty and (not done.texts or bool(done.step)) else None
    return EMPTY


def _added(session: Session, done: Operation, oracle: Oracle) -> Session:
    return Session(oracle(session.now, done.texts), session.now, done.texts)


def serial_order(history: Sequence[Operation], oracle: Oracle, *, numbers: bool = True) -> list[Operation] | None:
    """One order that explains all answers; operations without one may be left out of it."""
    waiting = sorted(history, key=lambda operation: operation.invoked)
    everything = sum(1 << i for i, operation in enumerate(waiting) if operation.answer is not None)
    unknown = [i for i, operation in enumerate(waiting) if operation.answer is None]
    grows = all(operation.texts or (operation.answer and operation.answer.kind != "erased") for operation in waiting)
    path: list[tuple[int, Session, list[int]]] = [(0, EMPTY, _next(waiting, 0, everything, unknown))]
    order: list[Operation] = []
    seen: set[tuple[int, Session]] = set()
    while path:
        done, session, choices = path[-1]
        if done & everything == everything:
            return order
        if not choices:
            path.pop()
            if order:
                order.pop()
            continue
        index = choices.pop(0)
        then = after(session, waiting[index], oracle, numbers=numbers)
        done = _dismissed(waiting, done | 1 << index, unknown)
        if then is None or (done, then) in seen:
            continue
        seen.add((done, then))
        following = _next(waiting, done, everything, unknown)
        if grows and any((answer := waiting[i].answer) and answer.step < then.now.step for i in following):
            continue  # what comes next has seen less: without this, as many orders are tried as the unknown ones have
        order.append(waiting[index])
        path.append((done, then, following))
    return None


def _dismissed(waiting: Sequence[Operation], done: int, unknown: Sequence[int]) -> int:
    """`done`, and with it what was not answered and was over when something that is done was asked: it never will be.
    Otherwise as many orders are tried as all that were not answered have."""
    asked = waiting[done.bit_length() - 1].invoked
    return done | sum(1 << index for index in unknown if waiting[index].returned < asked)


def _next(waiting: Sequence[Operation], done: int, everything: int, unknown: Sequence[int]) -> list[int]:
    """What could come next; those without an answer last, since mostly they are not needed."""
    found: list[int] = []
    first_answer = math.inf
    left = everything & ~done
    for index in range((left & -left).bit_length() - 1 if left else len(waiting), len(waiting)):
        operation = waiting[index]
        if operation.invoked > first_answer:
            break
        if left >> index & 1:
            found.append(index)
            first_answer = min(first_answer, operation.returned)
    return found + [index for index in unknown if not done >> index & 1 and waiting[index].invoked <= first_answer]
