"""The answer is read while the body is written, in clear and over TLS, against uvicorn."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from client.duplex import Duplex


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Says every piece of the body at once; at /refuse it says no without reading."""
    refused = scope["path"] == "/refuse"
    await send({"type": "http.response.start", "status": 403 if refused else 200, "headers": []})
    more = not refused
    while more:
        message = await receive()
        more = message.get("more_body", False)
        await send({"type": "http.response.body", "body": message.get("body", b""), "more_body": True})
    await send({"type": "http.response.body", "body": b"no" if refused else b""})


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[int]:
    server = uvicorn.Server(uvicorn.Config(echo, port=0, lifespan="off", log_config=None, **options))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running


def certificate(folder: Path) -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))
    return {"ssl_certfile": str(folder / "cert.pem"), "ssl_keyfile": str(folder / "key.pem")}


@pytest.mark.parametrize("secure", [False, True])
def test_a_piece_comes_back_before_the_next_is_sent(secure: bool, tmp_path: Path) -> None:
    async def main() -> list[bytes]:
        options = certificate(tmp_path) if secure else {}
        context = ssl.create_default_context(cafile=options.get("ssl_certfile"))
        come = asyncio.Semaphore(1)

        async def pieces() -> AsyncIterator[bytes]:
            for n in range(5):
                async with asyncio.timeout(60):
                    await come.acquire()
                yield b"%d" % n

        async with serving(**options) as port, httpx.AsyncClient(transport=Duplex(context)) as client:
            url = f"{'https' if secure else 'http'}://127.0.0.1:{port}/"
            got = []
            async with client.stream("POST", url, content=pieces()) as answer:
                async for piece in answer.aiter_raw():
                    got.append(piece)
                    come.release()
            return got

    assert asyncio.run(main()) == [b"0", b"1", b"2", b"3", b"4"]


def test_an_answer_that_does_not_wait_for_the_body() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    async def main() -> tuple[int, bytes]:
        async with (
            asyncio.timeout(60),
            serving() as port,
            httpx.AsyncClient(transport=Duplex(ssl.create_default_context())) as client,
            client.stream("POST", f"http://127.0.0.1:{port}/refuse", content=endless()) as answer,
        ):
            return answer.status_code, await answer.aread()

    assert asyncio.run(main()) == (403, b"no")


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serving(**certificate(tmp_path)) as port,
            httpx.AsyncClient(transport=Duplex(ssl.create_default_context())) as client,
        ):
            await client.post(f"https://127.0.0.1:{port}/", content=b"secret")

    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        asyncio.run(main())
