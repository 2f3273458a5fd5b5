"""Every variable is read, bad values are refused by name, and secrets stay out of what is printed."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any, Final

import pytest

from models.shipped import DEFAULTS
from service import settings
from service.settings import Settings, SettingsError

STATE_KEY: Final = base64.b64encode(b"0123456789abcdef" * 2).decode()
OTHER_KEY: Final = base64.b64encode(b"fedcba9876543210" * 2).decode()
SHA: Final = hashlib.sha256(b"a key").hexdigest()
GOOD: Final[dict[str, tuple[str, str, Any]]] = {
    "UNDERTONE_MODELS": ("spam-gru, /models/mine,", "models", ("spam-gru", "/models/mine")),
    "UNDERTONE_WORKERS": ("3", "workers", 3),
    "REDIS_URL": ("rediss://redis:6380/2", "redis_url", "rediss://redis:6380/2"),
    "UNDERTONE_REDIS_TIMEOUT": ("1.5", "redis_timeout", 1.5),
    "UNDERTONE_STATE_KEY": (
        f"{STATE_KEY},{OTHER_KEY}",
        "state_keys",
        (b"0123456789abcdef" * 2, b"fedcba9876543210" * 2),
    ),
    "UNDERTONE_REDIS_CLUSTER": ("1", "redis_cluster", True),
    "UNDERTONE_GRACE": ("3", "grace", 3),
    "UNDERTONE_DEVICE": ("cuda:1", "device", "cuda:1"),
    "UNDERTONE_SESSION_TTL": ("60", "session_ttl", 60),
    "UNDERTONE_API_KEYS": (f"anna:{SHA.upper()}", "api_keys", {SHA: "anna"}),
    "UNDERTONE_OPEN": ("1", "open", True),
    "UNDERTONE_METRICS_OPEN": ("1", "metrics_open", True),
    "UNDERTONE_ORIGINS": (
        "https://a.example, https://b.example",
        "origins",
        {"https://a.example", "https://b.example"},
    ),
    "UNDERTONE_TRACES": ("https://collector:4318/otlp", "traces", "https://collector:4318/otlp"),
    "UNDERTONE_RATE": ("0.5", "rate", 0.5),
    "UNDERTONE_QUEUE": ("10", "queue", 10),
    "UNDERTONE_TIMEOUT": ("2.5", "timeout", 2.5),
    "UNDERTONE_MAX_BODY": ("4096", "max_body", 4096),
    "UNDERTONE_MAX_TEXT": ("100", "max_text", 100),
    "UNDERTONE_MAX_BATCH": ("7", "max_batch", 7),
    "UNDERTONE_MAX_STREAM": ("1000000000", "max_stream", 10**9),
    "UNDERTONE_MAX_FRAME": ("65536", "max_frame", 65_536),
    "UNDERTONE_FRAME_RATE": ("12.5", "frame_rate", 12.5),
    "UNDERTONE_IDLE": ("0.5", "idle", 0.5),
}


@pytest.mark.parametrize("name", GOOD)
def test_every_variable_is_read(name: str) -> None:
    text, attribute, value = GOOD[name]
    besides = {"UNDERTONE_STATE_KEY": STATE_KEY, "REDIS_URL": "redis://redis"}
    read = Settings.read(besides | {name: f" {text} "})
    assert getattr(read, attribute) == value != getattr(Settings(), attribute)


def test_the_table_above_is_complete() -> None:
    named = set(re.findall(r"\b(?:UNDERTONE_[A-Z_]+|REDIS_URL)\b", Path(settings.__file__).read_text("utf-8")))
    assert named == set(GOOD)


@pytest.mark.parametrize("name", GOOD)
def test_an_empty_variable_is_as_good_as_none(name: str) -> None:
    assert Settings.read({name: "  "}) == Settings.read({}) == Settings()


def test_the_defaults_are_the_four_shipped_models_and_nobody_but_this_machine() -> None:
    assert Settings().models == DEFAULTS
    assert (Settings().open, Settings().metrics_open, dict(Settings().api_keys)) == (False, False, {})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("UNDERTONE_WORKERS", "0"),
        ("UNDERTONE_WORKERS", "2.7"),
        ("UNDERTONE_WORKERS", "two"),
        ("UNDERTONE_QUEUE", "nan"),
        ("UNDERTONE_TIMEOUT", "inf"),
        ("UNDERTONE_TIMEOUT", "-1"),
        ("UNDERTONE_REDIS_TIMEOUT", "0"),
        ("UNDERTONE_SESSION_TTL", "1.5"),
        ("UNDERTONE_GRACE", "-1"),
        ("UNDERTONE_DEVICE", "tpu"),
        ("UNDERTONE_DEVICE", "cuda:x"),
        ("UNDERTONE_REDIS_CLUSTER", "2"),
        ("UNDERTONE_RATE", "-0.1"),
        ("UNDERTONE_MAX_BODY", "1023"),
        ("UNDERTONE_MAX_TEXT", "1e30"),
        ("UNDERTONE_MAX_BATCH", "0"),
        ("UNDERTONE_ORIGINS", "*"),
        ("UNDERTONE_ORIGINS", "mail.example"),
        ("UNDERTONE_ORIGINS", "https://mail.example/"),
        ("UNDERTONE_OPEN", "yes"),
        ("UNDERTONE_METRICS_OPEN", "true"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://localhost"),
    ],
)
def test_a_bad_value_is_refused_with_its_name_and_itself(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.read({"UNDERTONE_STATE_KEY": STATE_KEY, name: text})
    assert name in str(refused.value)
    assert text.partition("://")[0] in str(refused.value)


@pytest.mark.parametrize("text", ["c2hvcnQ=", "not base64!", f"{STATE_KEY},c2hvcnQ=", "é"])
def test_a_bad_state_key_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(SettingsError, match="UNDERTONE_STATE_KEY") as refused:
        Settings.read({"UNDERTONE_STATE_KEY": text})
    assert "c2hvcnQ" not in str(refused.value)


@pytest.mark.parametrize("text", ["anna", f":{SHA}", f"an na:{SHA}", f"a:b:{SHA}", f"anna:{SHA[1:]}", "anna:the key"])
def test_bad_api_keys_are_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(SettingsError, match="UNDERTONE_API_KEYS") as refused:
        Settings.read({"UNDERTONE_API_KEYS": text})
    assert text.rpartition(":")[2] not in str(refused.value)


def test_a_redis_of_ones_own_wants_a_state_key() -> None:
    with pytest.raises(SettingsError, match=r"REDIS_URL is set and UNDERTONE_STATE_KEY is not.*openssl"):
        Settings.read({"REDIS_URL": "redis://redis"})


@pytest.mark.parametrize("url", ["", "unix:///redis.sock", "redis://redis:6379/1"])
def test_a_cluster_wants_a_node_and_no_other_database(url: str) -> None:
    with pytest.raises(SettingsError, match="UNDERTONE_REDIS_CLUSTER"):
        Settings.read({"UNDERTONE_REDIS_CLUSTER": "1", "UNDERTONE_STATE_KEY": STATE_KEY, "REDIS_URL": url})


def test_secrets_are_not_in_the_repr() -> None:
    environment = {name: text for name, (text, _, _) in GOOD.items()}
    shown = repr(Settings.read(environment | {"REDIS_URL": "redis://:password@redis/0"}))
    assert "max_batch=7" in shown
    assert not any(secret in shown for secret in ("password", SHA, "0123456789abcdef", STATE_KEY))
