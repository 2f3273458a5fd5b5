"""The client for asyncio, on which the other one stands.

    call --httpx--> answer              429, 503, a lost race or connection: waits and asks again
    stream --Duplex--> events --'       the same, from the first byte with the id of the last event that came

A request is only sent again where it cannot count twice: without a session nothing is stored, and in a
session every request names its `step`.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Any, Final, Unpack

import httpx
import httpx_sse

from client.answers import Done, Event, Model, Prediction, Sentence, SessionState, Status
from client.duplex import Duplex
from client.errors import ClientError, InvalidAnswer, Refused, Unreachable
from client.options import Options, StreamOptions
from client.source import Source, Text, as_body, in_json

LONGEST_WAIT: Final = 60.0
"""Seconds; a Retry-After beyond is an answer, not a pause."""
SILENCE: Final = 60.0
"""Seconds without as much as a heartbeat, which comes every 15, after which a stream counts as broken."""
FIRST_PAUSE: Final = 0.1


class AsyncClient:
    """Talks to one service. `key` is an API key; `timeout` (seconds) holds for what is not a stream; a request
    is sent at most 1 + `retries` times, and a stream as often without an event between."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 5,
        verify: bool | ssl.SSLContext = True,
    ) -> None:
        self._retries = retries
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        context = verify if isinstance(verify, ssl.SSLContext) else httpx.create_ssl_context(verify)
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout, verify=context)
        times = httpx.Timeout(timeout, read=SILENCE, write=None)
        self._streams = httpx.AsyncClient(base_url=url, headers=headers, timeout=times, transport=Duplex(context))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()
        await self._streams.aclose()

    async def predict(
        self, text: str | None = None, *, email: bytes | None = None, task: str, **options: Unpack[Options]
    ) -> Prediction:
        """Scores one text, or one mail as it came; raises Refused, Unreachable or InvalidAnswer, as everything here."""
        asked = {**in_json(text, email), "task": task, **options}
        return Prediction.of(await self.call("POST", "/v1/predict", asked))

    async def predict_batch(
        self, texts: Sequence[str], *, task: str, **options: Unpack[Options]
    ) -> list[Prediction | Refused]:
        """Scores many; what is wrong with one of them stands in its place."""
        answer = await self.call("POST", "/v1/predict_batch", {"texts": list(texts), "task": task, **options})
        return [Refused.of(200, item) if "error" in item else Prediction.of(item) for item in answer["results"]]

    def stream(
        self, text: Text | None = None, *, email: bytes | None = None, task: str, **options: Unpack[StreamOptions]
    ) -> AsyncGenerator[Event]:
        """Sends text while it comes, or a mail, and gives a Sentence each as soon as it is scored, then one Done."""
        return self.events(as_body(text, email), {"task": task, **options})

    def session(self, session_id: str, *, task: str, step: int | None = None) -> AsyncSession:
        """A conversation; without `step` it goes on wherever it stands."""
        return AsyncSession(self, session_id, task, step)

    async def forget(self, session_id: str, *, task: str | None = None) -> None:
        """Deletes a session, for one task or for all that are loaded; there need not be one."""
        await self.call("DELETE", f"/v1/sessions/{session_id}", query={} if task is None else {"task": task})

    async def models(self) -> list[Model]:
        return [Model.of(model) for model in (await self.call("GET", "/v1/models"))["models"]]

    async def status(self) -> Status:
        return Status.of(await self.call("GET", "/v1/status"))

    async def call(self, method: str, path: str, data: object = None, query: dict[str, str] | None = None) -> Any:
        """One request that is not a stream: its JSON (None: no body), once it succeeds."""
        tries = _Tries(self._retries)
        while True:
            try:
                response = await self._http.request(method, path, json=data, params=query)
            except httpx.TransportError as error:
                await tries.again(error)
                continue
            if response.is_success:
                return _json(response.text, f"{method} {path}") if response.content else None
            await tries.again(Refused.answered(response))

    async def events(self, body: tuple[Text, str], query: dict[str, Any]) -> AsyncGenerator[Event]:
        """The events of a stream, each once, over as many connections as it takes; `body` has its content type."""
        text, media = body
        source = Source(text)
        tries = _Tries(self._retries)
        last = 0
        try:
            while True:
                async with aclosing(self._connection(source, media, query, last, tries)) as events:
                    while True:
                        try:
                            event = await anext(events)
                        except (httpx.TransportError, Refused) as error:
                            failure = error
                            break
                        if isinstance(event, Done):
                            yield event
                            return
                        if event.final and event.id <= last:
                            continue
                        tries.reset()
                        last = max(last, event.id) if event.final else last
                        yield event
                if not source.again:
                    raise _said(failure)
                await tries.again(failure)
        finally:
            source.close()

    async def _connection(
        self, source: Source, media: str, query: dict[str, Any], last: int, tries: _Tries
    ) -> AsyncGenerator[Event]:
        headers = {"Content-Type": media, "Accept": "text/event-stream"}
        if last:
            headers["Last-Event-ID"] = str(last)
        ask = self._streams.stream("POST", "/v1/stream", params=query, headers=headers, content=source.pieces())
        async with ask as response:
            if not response.is_success:
                await response.aread()
                raise Refused.answered(response)
            async for sent in httpx_sse.EventSource(response).aiter_sse():
                if sent.retry is not None:
                    tries.pause = sent.retry / 1000
                if sent.event == "sentence":
                    yield Sentence.of(_json(sent.data, "a sentence event"))
                elif sent.event == "done":
                    yield Done.of(_json(sent.data, "a done event"))
                    return
                elif sent.event == "error":
                    raise Refused.of(response.status_code, _json(sent.data, "an error event"))
        raise httpx.RemoteProtocolError("the stream ended without its last event")


class AsyncSession:
    """A conversation that the service remembers. `step` is how many sentences it holds (None: not asked yet).

    One request at a time. What was sent and not answered may be sent again: with the same `step` the same
    text is counted once.
    """

    def __init__(self, client: AsyncClient, session_id: str, task: str, step: int | None) -> None:
        self._client = client
        self.id = session_id
        self.task = task
        self.step = step

    async def predict(
        self, text: str | None = None, *, email: bytes | None = None, **options: Unpack[Options]
    ) -> Prediction:
        """Scores what comes next, and ends its last sentence."""
        said = in_json(text, email)
        asked = {**said, "task": self.task, "session_id": self.id, "step": await self._at(), **options}
        answer = Prediction.of(await self._client.call("POST", "/v1/predict", asked))
        self._moved(answer)
        return answer

    async def stream(
        self, text: Text | None = None, *, email: bytes | None = None, **options: Unpack[StreamOptions]
    ) -> AsyncGenerator[Event]:
        """As AsyncClient.stream. Who leaves it early cannot know what was still counted: `step` is asked anew."""
        body = as_body(text, email)
        query = {"task": self.task, "session_id": self.id, "step": await self._at(), **options}
        self.step = None
        async with aclosing(self._client.events(body, query)) as events:
            async for event in events:
                if isinstance(event, Done):
                    self._moved(event)
                yield event

    async def state(self) -> SessionState:
        """What is stored; raises Refused with code `session_not_found` where there is nothing."""
        answer = await self._client.call("GET", f"/v1/sessions/{self.id}", query={"task": self.task})
        state = SessionState.of(answer)
        self.step = state.step
        return state

    async def forget(self) -> None:
        """Deletes it."""
        await self._client.forget(self.id, task=self.task)
        self.step = 0

    async def _at(self) -> int:
        if self.step is None:
            try:
                await self.state()
            except Refused as error:
                if error.code != "session_not_found":
                    raise
                self.step = 0
        return self.step or 0

    def _moved(self, answer: Prediction | Done) -> None:
        if answer.session is not None:
            self.step = answer.session.step


class _Tries:
    """How often, and after how long, one request is sent again."""

    def __init__(self, retries: int) -> None:
        self._retries = retries
        self._failed = 0
        self.pause: float | None = None
        """Seconds that the service asks for before a stream is opened again."""

    def reset(self) -> None:
        self._failed = 0

    async def again(self, failure: httpx.TransportError | Refused) -> None:
        """Returns when it is time to try again; raises the failure where that would not help."""
        self._failed += 1
        pause = FIRST_PAUSE * 2 ** (self._failed - 1) * random.uniform(0.5, 1)  # noqa: S311 - spreads clients out
        if isinstance(failure, Refused):
            wanted = pause if failure.retry_after is None else failure.retry_after
        else:
            wanted = pause if self.pause is None else self.pause
        passing = not isinstance(failure, Refused) or failure.passing
        if not passing or self._failed > self._retries or wanted > LONGEST_WAIT:
            raise _said(failure)
        await asyncio.sleep(wanted)


def _said(failure: httpx.TransportError | Refused) -> ClientError:
    if isinstance(failure, Refused):
        return failure
    what = f"{type(failure).__name__}{': ' if str(failure) else ''}{failure}"
    try:
        where = f" at {failure.request.url.copy_with(query=None)}"
    except RuntimeError:
        where = ""
    said = Unreachable(f"no whole answer{where} ({what}): is the service there, and is the address right?")
    said.__cause__ = failure
    return said


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise InvalidAnswer(f"{what} was answered with something that is not JSON: is this Undertone?") from None
