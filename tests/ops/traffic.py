"""Sample traffic of every kind, and a tally of it: what the metrics have to say.

Traffic(url).round() --predict, batch, stream, sessions, mail, errors, one after another--> service      --> tally
"""

from __future__ import annotations

import json
import secrets
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from websockets.sync.client import connect

from tests.e2e.server import ROOT

PHISH: Final = (ROOT / "docs" / "phishing.txt").read_text("utf-8")
MAIL: Final = (ROOT / "tests" / "phishing.eml").read_bytes()
TEXTS: Final = {
    "spam": (
        "Hello Anna, are we still on for lunch tomorrow? I booked the table at noon. See you there!",
        "The minutes of Monday's meeting are attached. Please send me your corrections by Friday.",
        "You have won a prize! Click here now to claim your free voucher.",
        PHISH,
    ),
    "sentiment": (
        "A wonderful film. I loved every minute of it.",
        "A wonderful film. Then it falls apart!",
        "Dull, badly acted and far too long. I left before the end.",
        "It arrived on Tuesday. The box was blue.",
    ),
}


@dataclass
class Tally:
    """What was sent, and what was answered."""

    requests: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # route, method, status
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)  # route, code
    sentences: Counter[str] = field(default_factory=Counter)  # model
    lengths: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # model: of each text
    probabilities: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # model
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)  # model, label
    sessions: Counter[str] = field(default_factory=Counter)  # event


class Traffic:
    """Callers of one service, who take turns."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30)
        self._socket = url.replace("http://", "ws://")
        self.tally = Tally()

    def close(self) -> None:
        self._client.close()

    def round(self) -> None:
        """Every kind of request once, and some more often."""
        for task, texts in TEXTS.items():
            for text in texts:
                self.predict(task=task, text=text)
            self._batch(task, [*texts, ""])
            self._stream(task, texts[-1])
        self._websocket("sentiment", TEXTS["sentiment"][1])
        self._mail()
        self._session("spam", TEXTS["spam"])
        self._refused()

    def _ask(self, method: str, route: str, path: str | None = None, **more: Any) -> httpx.Response:
        answer = self._client.request(method, path or route, **more)
        self.tally.requests[route, method, str(answer.status_code)] += 1
        if answer.is_error:
            self.tally.errors[route, answer.json()["error"]["code"]] += 1
        return answer

    def _scored(self, said: dict[str, Any], sentences: int) -> None:
        model = said["model"]["name"]
        self.tally.sentences[model] += sentences
        self.tally.lengths[model].append(sentences)
        self.tally.probabilities[model].append(said["probability"])
        self.tally.labels[model, said["label"]] += 1

    def predict(self, **asked: Any) -> dict[str, Any]:
        answer = self._ask("POST", "/v1/predict", json=asked)
        said: dict[str, Any] = answer.json()
        if answer.is_success:
            self._scored(said, len(said["sentences"]))
        return said

    def _batch(self, task: str, texts: list[str]) -> None:
        for said in self._ask("POST", "/v1/predict_batch", json={"texts": texts, "task": task}).json()["results"]:
            if "error" not in said:
                self._scored(said, len(said["sentences"]))

    def _stream(self, task: str, text: str) -> None:
        headers = {"accept": "application/x-ndjson"}
        answer = self._ask("POST", "/v1/stream", json={"text": text, "task": task}, headers=headers)
        *sentences, done = [json.loads(line) for line in answer.text.splitlines()]
        self._scored(done, len(sentences))

    def _websocket(self, task: str, text: str) -> None:
        with connect(f"{self._socket}/v1/stream?task={task}") as socket:
            socket.send(json.dumps({"text": text}))
            socket.send(json.dumps({"end": True}))
            events = [json.loads(event) for event in socket]
        self.tally.requests["/v1/stream", "WEBSOCKET", "101"] += 1
        self._scored(events[-1], sum(event["event"] == "sentence" for event in events))

    def _mail(self) -> None:
        headers = {"content-type": "message/rfc822"}
        said = self._ask("POST", "/v1/predict", "/v1/predict?task=spam", content=MAIL, headers=headers).json()
        self._scored(said, len(said["sentences"]))

    def _session(self, task: str, texts: tuple[str, ...]) -> None:
        """Made, gone on with, sent again, out of order, deleted, and asked for in vain; another one is left alive."""
        self.predict(text=texts[0], task=task, session_id=secrets.token_hex(8))
        asked: dict[str, Any] = {"task": task, "session_id": secrets.token_hex(8)}
        step = 0
        for text in texts:
            before, step = step, self.predict(text=text, step=step, **asked)["session"]["step"]
        self.predict(text=texts[-1], step=before, **asked)
        self.predict(text=texts[0], step=step + 1, **asked)
        self._ask("DELETE", "/v1/sessions/{id}", f"/v1/sessions/{asked['session_id']}")
        self.predict(text=texts[0], step=step, **asked)
        self.tally.sessions.update(
            {"created": 2, "resumed": len(texts) - 1, "replayed": 1, "conflict": 1, "deleted": 1, "not_found": 1}
        )

    def _refused(self) -> None:
        self.predict(text=" ", task="spam")
        self.predict(text="Hello", task="weather")
        self.predict(text="Hello " * 200_000, task="spam")
        self._ask("GET", "/v1/predict")
        self._ask("GET", "other", "/wp-login.php")
