"""Every setting, read once from the environment into one frozen object.

environment --Settings.read--> Settings --> whoever needs a number
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from models.shipped import DEFAULTS

NAME: Final = (
    r"^(?:[A-Za-z0-9_~-][A-Za-z0-9_.~-]{0,127}|\.[A-Za-z0-9_~-][A-Za-z0-9_.~-]{0,126}|\.\.[A-Za-z0-9_.~-]{1,126})$"
)
"""Of a session and of a task: both are parts of a key in Redis, and a colon parts them."""

KEY_BYTES: Final = 32


class SettingsError(ValueError):
    """The environment asks for something that cannot be; the message names the variable."""


@dataclass(frozen=True)
class Settings:
    """Times are seconds, sizes are what their comment says."""

    models: tuple[str, ...] = DEFAULTS  # UNDERTONE_MODELS: names or folders; the first of a task is its default
    workers: int = 1  # UNDERTONE_WORKERS: processes
    redis_url: str = field(default="", repr=False)  # REDIS_URL: may hold a password
    redis_cluster: bool = False  # UNDERTONE_REDIS_CLUSTER=1: REDIS_URL is a node of a Redis Cluster
    redis_timeout: float = 0.25  # UNDERTONE_REDIS_TIMEOUT: of a session request, in all
    state_keys: tuple[bytes, ...] = field(default=(), repr=False)  # UNDERTONE_STATE_KEY: base64, the first one writes
    grace: int = 10  # UNDERTONE_GRACE: seconds that running requests get at the end
    device: str = "auto"  # UNDERTONE_DEVICE: cpu, cuda (each worker another), cuda:N, or auto: cuda if there is any
    session_ttl: int = 86_400  # UNDERTONE_SESSION_TTL: how long a session lives after its last new sentence
    api_keys: Mapping[str, str] = field(default_factory=dict, repr=False)  # UNDERTONE_API_KEYS: sha256 -> name
    open: bool = False  # UNDERTONE_OPEN=1: anybody is served
    metrics_open: bool = False  # UNDERTONE_METRICS_OPEN=1: /metrics needs no key
    origins: frozenset[str] = frozenset()  # UNDERTONE_ORIGINS: other pages whose scripts may call
    traces: str = ""  # UNDERTONE_TRACES: the http(s) address of an OTLP receiver; empty: there are no traces
    rate: float = 0.0  # UNDERTONE_RATE: requests a second and caller, over all workers; 0: no limit
    queue: int = 1024  # UNDERTONE_QUEUE: turns that may wait for the engine
    timeout: float = 30.0  # UNDERTONE_TIMEOUT: of a request that is not a stream
    max_body: int = 8 * 2**20  # UNDERTONE_MAX_BODY: bytes
    max_text: int = 1_000_000  # UNDERTONE_MAX_TEXT: code points
    max_batch: int = 256  # UNDERTONE_MAX_BATCH: texts
    max_stream: int = 200_000_000  # UNDERTONE_MAX_STREAM: code points of a text that comes piece by piece
    max_frame: int = 2**20  # UNDERTONE_MAX_FRAME: code points of a WebSocket's frame
    frame_rate: float = 200.0  # UNDERTONE_FRAME_RATE: frames a second that are read of a WebSocket
    idle: float = 60.0  # UNDERTONE_IDLE: how long a stream waits for its client

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Raises SettingsError for what cannot be read; unset and empty variables are the default."""
        got = {name: value.strip() for name, value in environment.items() if value.strip()}
        settings = cls(
            models=_list(got.get("UNDERTONE_MODELS", "")) or DEFAULTS,
            workers=_whole(got, "UNDERTONE_WORKERS", cls.workers, 1, 512),
            redis_url=_redis_url(got.get("REDIS_URL", "")),
            redis_cluster=_flag(got, "UNDERTONE_REDIS_CLUSTER"),
            redis_timeout=_number(got, "UNDERTONE_REDIS_TIMEOUT", cls.redis_timeout, 0.001, 60),
            state_keys=tuple(_state_key(key) for key in _list(got.get("UNDERTONE_STATE_KEY", ""))),
            grace=_whole(got, "UNDERTONE_GRACE", cls.grace, 0, 3600),
            device=_device(got.get("UNDERTONE_DEVICE", cls.device)),
            session_ttl=_whole(got, "UNDERTONE_SESSION_TTL", cls.session_ttl, 1, 10 * 365 * 86_400),
            api_keys=dict(_api_key(pair) for pair in _list(got.get("UNDERTONE_API_KEYS", ""))),
            open=_flag(got, "UNDERTONE_OPEN"),
            metrics_open=_flag(got, "UNDERTONE_METRICS_OPEN"),
            origins=frozenset(map(_origin, _list(got.get("UNDERTONE_ORIGINS", "")))),
            traces=_traces(got.get("UNDERTONE_TRACES", "")),
            rate=_number(got, "UNDERTONE_RATE", cls.rate, 0, 1e6),
            queue=_whole(got, "UNDERTONE_QUEUE", cls.queue, 1, 1_000_000),
            timeout=_number(got, "UNDERTONE_TIMEOUT", cls.timeout, 0.01, 3600),
            max_body=_whole(got, "UNDERTONE_MAX_BODY", cls.max_body, 1024, 2**30),
            max_text=_whole(got, "UNDERTONE_MAX_TEXT", cls.max_text, 1, 2**28),
            max_batch=_whole(got, "UNDERTONE_MAX_BATCH", cls.max_batch, 1, 65_536),
            max_stream=_whole(got, "UNDERTONE_MAX_STREAM", cls.max_stream, 1, 2**40),
            max_frame=_whole(got, "UNDERTONE_MAX_FRAME", cls.max_frame, 1024, 2**22),
            frame_rate=_number(got, "UNDERTONE_FRAME_RATE", cls.frame_rate, 1, 1e6),
            idle=_number(got, "UNDERTONE_IDLE", cls.idle, 0.01, 86_400),
        )
        if settings.redis_url and not settings.state_keys:
            raise SettingsError(
                "REDIS_URL is set and UNDERTONE_STATE_KEY is not: stored states are encrypted with it, and a key made "
                "up at each start could not read them again. Make one with `openssl rand -base64 32` and set it"
            )
        if settings.redis_cluster and not re.fullmatch(r"rediss?://[^/]*(/0?)?(\?.*)?", settings.redis_url):
            raise SettingsError(
                "UNDERTONE_REDIS_CLUSTER is 1, and REDIS_URL is not that of a cluster's node: wanted is redis:// or "
                "rediss:// with a host, a port, and no database but 0"
            )
        return settings


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _flag(got: Mapping[str, str], name: str) -> bool:
    value = got.get(name, "0")
    if value not in ("0", "1"):
        raise SettingsError(f"{name} is {value!r}, wanted is 1 (yes) or 0 (no)")
    return value == "1"


def _number(got: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    text = got.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise SettingsError(f"{name} is {text!r}, wanted is a number from {least:g} to {most:g}")
    return value


def _whole(got: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    value = _number(got, name, default, least, most)
    if not value.is_integer():
        raise SettingsError(f"{name} is {got[name]!r}, wanted is a whole number from {least} to {most}")
    return int(value)


def _redis_url(url: str) -> str:
    scheme = url.partition("://")[0]
    if url and scheme not in ("redis", "rediss", "unix"):
        raise SettingsError(f"REDIS_URL begins with {scheme[:20]!r}, wanted is redis://, rediss:// or unix://")
    return url


def _origin(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#\s*]+", text):
        raise SettingsError(
            f"UNDERTONE_ORIGINS holds {text!r}, wanted are origins as a browser sends them, a scheme and a host: "
            "https://mail.example"
        )
    return text


def _traces(url: str) -> str:
    if url and not re.fullmatch(r"https?://[^/@?#\s]+(/[^@?#\s]*)?", url):
        raise SettingsError(
            "UNDERTONE_TRACES is not the address of an OTLP receiver over HTTP: wanted is http:// or https:// with a "
            "host, such as http://127.0.0.1:4318"
        )
    return url


def _device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", text):
        raise SettingsError(f"UNDERTONE_DEVICE is {text!r}, wanted is auto, cpu, cuda or cuda:N")
    return text


def _state_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(
            f"UNDERTONE_STATE_KEY holds a key that is not base64 of {KEY_BYTES} bytes: "
            "make one with `openssl rand -base64 32`; several are separated by commas"
        )
    return key


def _api_key(pair: str) -> tuple[str, str]:
    name, _, digest = pair.partition(":")
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.~-")
    digest = digest.lower()
    if not name or set(name) - allowed or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise SettingsError(
            "UNDERTONE_API_KEYS wants NAME:SHA256,… with names of letters, digits and _.~- and the sha256 of each key "
            "in hexadecimal, as `printf %s KEY | sha256sum` prints it"
        )
    return digest, name
