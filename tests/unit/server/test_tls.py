"""The certificate follows its files; a pair that does not fit changes nothing. (Over sockets: integration/test_tls.py.)"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from app.server.tls import Certificate
from tests.support.google_upstream import Tls, tls_for


def written(folder: Path, tls: Tls) -> tuple[Path, Path]:
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(tls.certificate_pem)
    key.write_bytes(tls.key_pem)
    return chain, key


def test_nothing_older_than_tls_1_2(tmp_path: Path) -> None:
    context = Certificate(*written(tmp_path, tls_for("127.0.0.1"))).context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_new_pair_is_taken_over_once_it_is_whole(tmp_path: Path) -> None:
    old, new = tls_for("127.0.0.1"), tls_for("127.0.0.1")
    chain, _ = written(tmp_path, old)
    certificate = Certificate(*written(tmp_path, old))
    certificate.look()
    assert certificate.pair.key == old.key_pem
    chain.write_bytes(new.certificate_pem)
    assert not certificate.look()
    assert certificate.pair.chain == old.certificate_pem, "the new key is not there yet"
    written(tmp_path, new)
    assert certificate.look()
    assert (certificate.pair.chain, certificate.pair.key) == (new.certificate_pem, new.key_pem)


def test_files_that_are_gone_change_nothing(tmp_path: Path) -> None:
    own = tls_for("127.0.0.1")
    chain, key = written(tmp_path, own)
    certificate = Certificate(chain, key)
    key.unlink()
    assert not certificate.look()
    assert certificate.pair.key == own.key_pem


def test_a_secret_of_kubernetes_is_followed_through_its_links(tmp_path: Path) -> None:
    """chain.pem -> ..data/chain.pem, ..data -> a folder of that moment, which is exchanged with both files in it."""
    old, new = tls_for("127.0.0.1"), tls_for("127.0.0.1")
    for name, tls in (("..first", old), ("..second", new)):
        (tmp_path / name).mkdir()
        written(tmp_path / name, tls)
    (tmp_path / "..data").symlink_to("..first")
    for name in ("chain.pem", "key.pem"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    certificate = Certificate(tmp_path / "chain.pem", tmp_path / "key.pem")
    (tmp_path / "..data_tmp").symlink_to("..second")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    assert certificate.look()
    assert certificate.pair.key == new.key_pem


@dataclass(slots=True)
class Gauge:
    values: list[bool] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def certificate(self, *, ok: bool) -> None:
        self.values.append(ok)
        self.told.set()


async def test_whether_the_files_are_in_use_is_told_at_each_look(tmp_path: Path) -> None:
    chain, _ = written(tmp_path, tls_for("127.0.0.1"))
    certificate, gauge = Certificate(*written(tmp_path, tls_for("127.0.0.1"))), Gauge()
    chain.write_bytes(tls_for("127.0.0.1").certificate_pem)
    following = asyncio.create_task(certificate.follow(gauge, 0.0))
    try:
        for ok in (False, True):
            async with asyncio.timeout(10):
                while ok not in gauge.values:
                    gauge.told.clear()
                    await gauge.told.wait()
            written(tmp_path, tls_for("127.0.0.1"))
    finally:
        following.cancel()
        await asyncio.wait({following})


def test_what_cannot_be_used_says_which_settings(tmp_path: Path) -> None:
    chain, key = written(tmp_path, tls_for("127.0.0.1"))
    key.write_bytes(tls_for("127.0.0.1").key_pem)
    with pytest.raises(OSError, match="TESSERA_TLS_CERT and TESSERA_TLS_KEY"):
        Certificate(chain, key)


def test_a_key_with_a_password_is_refused_and_asks_nobody(tmp_path: Path) -> None:
    chain, key = written(tmp_path, tls_for("127.0.0.1"))
    locked = ec.generate_private_key(ec.SECP256R1())
    key.write_bytes(locked.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))
    with pytest.raises(OSError, match="encrypted"):
        Certificate(chain, key)
    assert b"PRIVATE" not in repr(Certificate(*written(tmp_path, tls_for("127.0.0.1"))).pair).encode()
