"""The client for programs without asyncio: the other one, in a loop of its own in a thread.

Client.predict --portal--> AsyncClient.predict        nothing is written twice, and a stream can be read
Client.stream  --portal, one event at a time-->       while a slow iterator is still being asked for text
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import ParamSpec, TypeVar, Unpack

from anyio.from_thread import start_blocking_portal

from client.answers import Event, Model, Prediction, SessionState, Status
from client.asynchronous import AsyncClient, AsyncSession
from client.errors import Refused
from client.options import Options, StreamOptions
from client.source import Text

P = ParamSpec("P")
T = TypeVar("T")


class Client:
    """AsyncClient, without `await`; threads may share one."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 5,
        verify: bool | ssl.SSLContext = True,
    ) -> None:
        self._client = AsyncClient(url, key, timeout=timeout, retries=retries, verify=verify)
        self._stack = ExitStack()
        self._portal = self._stack.enter_context(start_blocking_portal())
        self._stack.callback(self._portal.call, self._client.aclose)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._stack.close()

    def predict(
        self, text: str | None = None, *, email: bytes | None = None, task: str, **options: Unpack[Options]
    ) -> Prediction:
        """Scores one text, or one mail as it came; raises Refused, Unreachable or InvalidAnswer, as everything here."""
        return self.run(self._client.predict, text, email=email, task=task, **options)

    def predict_batch(
        self, texts: Sequence[str], *, task: str, **options: Unpack[Options]
    ) -> list[Prediction | Refused]:
        """Scores many; what is wrong with one of them stands in its place."""
        return self.run(self._client.predict_batch, texts, task=task, **options)

    def stream(
        self, text: Text | None = None, *, email: bytes | None = None, task: str, **options: Unpack[StreamOptions]
    ) -> Iterator[Event]:
        """Sends text while it comes, or a mail, and gives a Sentence each as soon as it is scored, then one Done.

        An iterator is asked for its pieces in a thread of its own.
        """
        return self.each(lambda: self._client.stream(text, email=email, task=task, **options))

    def session(self, session_id: str, *, task: str, step: int | None = None) -> Session:
        """A conversation; without `step` it goes on wherever it stands."""
        return Session(self, self._client.session(session_id, task=task, step=step))

    def forget(self, session_id: str, *, task: str | None = None) -> None:
        """Deletes a session, for one task or for all; there need not be one."""
        self.run(self._client.forget, session_id, task=task)

    def models(self) -> list[Model]:
        return self.run(self._client.models)

    def status(self) -> Status:
        return self.run(self._client.status)

    def run(self, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `call` gives, from the loop."""

        async def called() -> T:
            return await call(*args, **kwargs)

        future = self._portal.start_task_soon(called)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C ends the request, too
            raise

    def each(self, begin: Callable[[], AsyncGenerator[T]]) -> Iterator[T]:
        """What the generator that `begin` makes gives, one by one."""

        async def step() -> T | None:
            async with one:
                return await anext(events, None)

        async def close() -> None:
            async with one:  # Ctrl-C may have left a step behind that is still being cancelled
                await events.aclose()

        one = asyncio.Lock()
        events = begin()
        try:
            while (event := self.run(step)) is not None:
                yield event
        finally:
            self.run(close)


class Session:
    """AsyncSession, without `await`."""

    def __init__(self, client: Client, session: AsyncSession) -> None:
        self._client = client
        self._session = session

    @property
    def id(self) -> str:
        return self._session.id

    @property
    def step(self) -> int | None:
        """Sentences that it holds; None where that has to be asked."""
        return self._session.step

    def predict(self, text: str | None = None, *, email: bytes | None = None, **options: Unpack[Options]) -> Prediction:
        """Scores what comes next, and ends its last sentence."""
        return self._client.run(self._session.predict, text, email=email, **options)

    def stream(
        self, text: Text | None = None, *, email: bytes | None = None, **options: Unpack[StreamOptions]
    ) -> Iterator[Event]:
        """As Client.stream."""
        return self._client.each(lambda: self._session.stream(text, email=email, **options))

    def state(self) -> SessionState:
        """What is stored; raises Refused with code `session_not_found` where there is nothing."""
        return self._client.run(self._session.state)

    def forget(self) -> None:
        """Deletes it."""
        self._client.run(self._session.forget)
