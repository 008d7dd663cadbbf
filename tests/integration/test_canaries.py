"""Secrets that would sing: every secret of a deployment is a canary here, all fronts are asked right and wrong, and then
everything that the processes wrote is searched: log, answers, figures, command line, and all that went to Redis.
"""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import boto3
import grpc
import httpx
import pytest
from botocore.config import Config

from tests.support.cluster import running_cluster
from tests.support.google_clients import asked, grpc_client, with_key
from tests.support.google_wire import GRPC_PATH
from tests.support.http_raw import exchange, request, with_image
from tests.support.pictures import picture
from tests.support.plain_http import WEB
from tests.support.redis_server import RedisServer
from tests.support.sdk import HURRIED
from tests.support.server import RunningServer

pytestmark = pytest.mark.redis

# A mark that all have in common would be found by chance in nothing; each has its own end, to say which one sang.
CANARY = "Zc7+canary/"
KEY, OTHER_KEY, WRONG_KEY = f"{CANARY}key", f"{CANARY}other", f"{CANARY}wrong"
SECRET, WRONG_SECRET, OPERATORS_SECRET = f"{CANARY}secret", f"{CANARY}guess", f"{CANARY}operators"
SESSION, TOKEN, REDIS_PASSWORD = f"{CANARY}session", f"{CANARY}token-long-enough", f"{CANARY}redis"
CLIENTS = f'[shop]\nkeys = ["{KEY}", "{OTHER_KEY}"]\n[shop.aws]\nAKIDSHOP = "{SECRET}"\n'
INJECTED = '"}\\n{"event": "forged"'
SCENE = picture(640, 480, 7)


def everything_written(folder: Path) -> Mapping[str, str]:
    """A run, and all that was written in it, by where."""
    clients, token = folder / "clients.toml", folder / "token"
    clients.write_text(CLIENTS)
    token.write_text(TOKEN)
    settings = {
        "TESSERA_CLIENTS": str(clients),
        "TESSERA_OPS_TOKEN_FILE": str(token),
        "TESSERA_LOG_LEVEL": "debug",
        "TESSERA_MAX_WAIT_MS": "20",
        "TESSERA_PROVIDER": "rekognition",
        "AWS_ACCESS_KEY_ID": "AKIDOPERATOR",
        "AWS_SECRET_ACCESS_KEY": OPERATORS_SECRET,
        "AWS_SESSION_TOKEN": SESSION,
    }
    texts: dict[str, str] = {}
    with running_cluster(folder, redis_password=quote(REDIS_PASSWORD, safe=""), settings=settings) as cluster:
        (api,), (worker,) = cluster.apis, cluster.workers
        with everything_sent_to(cluster.redis) as told:
            texts["answers"] = "\n".join(answers(api))
        texts["Redis"] = told.decode("latin-1")
        for name, server in (("api", api), ("worker", worker)):
            texts[f"{name}: figures"] = figures(server)
            texts[f"{name}: command line"] = Path(f"/proc/{server.process.pid}/cmdline").read_text()
        cluster.stop()
        for name, server in (("api", api), ("worker", worker)):
            texts[f"{name}: log"] = server.log_file.read_text(encoding="utf-8")
    return texts


@contextmanager
def everything_sent_to(redis: RedisServer) -> Iterator[bytearray]:
    """What all clients say to it, scripts' own commands included."""
    told = bytearray()

    def listen() -> None:
        with suppress(OSError):
            while piece := connection.recv(1 << 16):
                told.extend(piece)

    with socket.create_connection(("127.0.0.1", redis.port)) as connection:
        connection.sendall(b"MONITOR\r\n")
        assert connection.recv(5) == b"+OK\r\n"
        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield told
        finally:
            connection.shutdown(socket.SHUT_RDWR)
            thread.join()


def figures(server: RunningServer) -> str:
    shown = {"authorization": f"Bearer {TOKEN}"}
    replies = [WEB.get(server.url + path, headers=shown) for path in ("/v1/stats", "/metrics", "/dashboard")]
    replies += [WEB.get(server.url + path) for path in ("/v1/stats", "/metrics", "/dashboard", "/readyz", "/docs")]
    replies.append(WEB.get(f"{server.url}/v1/stats", headers={"authorization": f"Bearer {WRONG_KEY}"}))
    assert [reply.status_code for reply in replies] == [200] * 3 + [401] * 3 + [200, 200, 401]
    return "\n".join(heard(reply) for reply in replies)


def heard(reply: httpx.Response) -> str:
    return f"{reply.status_code} {dict(reply.headers)} {reply.text}"


def answers(api: RunningServer) -> Iterator[str]:
    yield from over_http(api.url)
    yield from over_aws(api.url)
    yield from over_grpc(api.grpc)
    for path in (f"/?key={quote(KEY)}", f"/{quote(KEY)}", f"/v1/images:annotate?key={quote(WRONG_KEY)}&x=%00"):
        reply = exchange(api.url, request(b"{" * 50, path=path, headers={"Authorization": f"AWS4 {SECRET}"}))
        yield f"{reply.status} {reply.headers} {reply.body!r}"
    torn = b"POST /v1/detect HTTP/1.1\r\nHost: a\r\nX-Api-Key: " + KEY.encode() + b"\x01\r\n\r\n"
    yield repr(exchange(api.url, torn))
    forged = {"X-Api-Key": INJECTED, "X-Request-Id": INJECTED, "Authorization": f"Bearer {KEY}"}
    yield repr(exchange(api.url, request(with_image(SCENE.content), path="/v1/detect", target=None, headers=forged)))


def over_http(url: str) -> Iterator[str]:
    """Every front with keys that are known and keys that are not, with an image and with rubbish."""
    image = {"content": base64.b64encode(SCENE.content).decode()}
    batch: Any = {"requests": [{"image": image, "features": [{"type": "OBJECT_LOCALIZATION"}]}]}
    analyze = "/computervision/imageanalysis:analyze?api-version=2024-02-01&features=objects"
    asks: list[tuple[str, dict[str, Any]]] = [
        ("/v1/detect", {"content": SCENE.content}),
        ("/v1/detect", {"content": b"no image"}),
        ("/v1/detect?features=nonsense", {"content": SCENE.content}),
        ("/v1/images:annotate", {"json": batch}),
        ("/v1/images:annotate", {"json": {"requests": [{"image": {"content": KEY}}]}}),
        (analyze, {"content": SCENE.content}),
        (analyze, {"json": {"url": f"http://user:{SECRET}@localhost/{SECRET}"}}),
        ("/vision/v3.2/analyze?visualFeatures=Objects", {"content": b"no image"}),
        ("/v1/nothing", {"content": SECRET.encode()}),
    ]
    names = ("x-api-key", "x-goog-api-key", "ocp-apim-subscription-key", "authorization", "cookie")
    with httpx.Client(base_url=url, trust_env=False, headers=HURRIED) as client:
        for key in (KEY, WRONG_KEY):
            shown = {name: f"Bearer {key}" if name == "authorization" else key for name in names}
            for path, body in asks:
                yield heard(client.post(path, headers=shown, **body))
                separator = "&" if "?" in path else "?"
                yield heard(client.post(f"{path}{separator}key={quote(key)}", **body))


def over_aws(url: str) -> Iterator[str]:
    for secret in (SECRET, WRONG_SECRET):
        client: Any = boto3.session.Session().client(
            "rekognition",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="AKIDSHOP",
            aws_secret_access_key=secret,
            aws_session_token=SESSION,
            config=Config(retries={"total_max_attempts": 1}),
        )
        images = ({"Bytes": SCENE.content}, {"Bytes": b"no image"}, {"S3Object": {"Bucket": "nobodys", "Name": SECRET}})
        for image in images:
            yield said_by(partial(client.detect_labels, Image=image))
        yield said_by(client.list_collections)


def over_grpc(address: str) -> Iterator[str]:
    wanted = asked((SCENE.content, ["OBJECT_LOCALIZATION"]))
    for key in (OTHER_KEY, WRONG_KEY):
        with grpc_client(address) as client:
            yield said_by(partial(client.batch_annotate_images, requests=wanted, metadata=with_key(key)))
        with grpc.insecure_channel(address) as channel:
            unary: Any = channel.unary_unary(GRPC_PATH)
            yield said_by(partial(unary, b"\xff" + key.encode(), timeout=30, metadata=with_key(key)))


def said_by(call: Callable[[], object]) -> str:
    try:
        return repr(call())
    except Exception as error:  # whatever each vendor's client makes of a refusal
        return repr(error)


def forms(secret: str) -> set[str]:
    """How a secret might stand in a text."""
    raw = secret.encode()
    encoded = base64.b64encode(raw).decode().rstrip("=")[:-1]
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        encoded,
        raw.hex(),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
    }


# What a client brings is given back to him where his own words are quoted; everything else is for nobody.
OWN_WORDS = frozenset({KEY, WRONG_KEY, SECRET})


ALL = (KEY, OTHER_KEY, WRONG_KEY, SECRET, WRONG_SECRET, OPERATORS_SECRET, SESSION, TOKEN, REDIS_PASSWORD)


def sings(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Secret and place of each that was heard."""
    for secret in ALL:
        for place, text in texts.items():
            if not (place == "answers" and secret in OWN_WORDS) and any(form in text for form in forms(secret)):
                yield secret, place


def test_no_canary_sings(tmp_path: Path) -> None:
    texts = everything_written(tmp_path)
    assert list(sings(texts)) == []
    all_were_there(texts)
    no_line_is_forged(texts)
    assert "client:shop" in texts["Redis"], "a tenant is known there by the name that the operator gave it"
    assert CANARY not in texts["Redis"]


def all_were_there(texts: Mapping[str, str]) -> None:
    """Right and wrong, answered and refused: the silence of a run that did nothing would prove nothing."""
    for word in ("200 {", "401 {", "'LabelModelVersion'", "InvalidSignature", "API key not valid", "AccessDenied"):
        assert word in texts["answers"], word
    for word in ("answered", "refused", "sheet done"):
        assert word in texts["api: log"] + texts["worker: log"]
    assert "evalsha" in texts["Redis"].lower()


def no_line_is_forged(texts: Mapping[str, str]) -> None:
    for place in ("api: log", "worker: log"):
        lines = [json.loads(line) for line in texts[place].splitlines()]
        assert "forged" not in {line["event"] for line in lines}
        assert all(line.keys() >= {"timestamp", "level", "event", "logger"} for line in lines)


@pytest.mark.parametrize("form", sorted(forms(SECRET)))
def test_a_canary_is_heard_in_whatever_form(form: str) -> None:
    assert list(sings({"a log": f"some {form} words", "answers": form})) == [(SECRET, "a log")]
