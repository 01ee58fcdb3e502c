"""The providers' signatures, written from their documents and not with their libraries.

So a test that verifies with the libraries compares two independent readings.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class EventSigner:
    """Signs SendGrid's event webhook: ECDSA P-256 with SHA-256 over timestamp and raw body."""

    def __init__(self, private_key_pem: str = "") -> None:
        """Raise ValueError where the text is no P-256 private key in PEM; empty makes a new one."""
        self._key = _read_key(private_key_pem) if private_key_pem else _new_key()

    @property
    def public_key(self) -> str:
        """Base64 of the DER form on one line, as SendGrid's settings page shows it."""
        der = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def sign(self, timestamp: str, body: bytes) -> str:
        signature = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return base64.b64encode(signature).decode()


def ensure_key_file(path: Path) -> EventSigner:
    """The signer whose private key lies at ``path``; made there, readable by its owner, if absent.

    The sandbox's settings call this to know the public key before the simulator runs.
    """
    if not path.exists():
        pem = _new_key().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_bytes(pem)
        _publish(draft, path)
    return EventSigner(path.read_text("ascii"))


def _publish(draft: Path, path: Path) -> None:
    """Two processes may start together: the first file wins, both go on with it."""
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def twilio_signature(auth_token: str, url: str, params: Mapping[str, str]) -> str:
    """``X-Twilio-Signature``: HMAC-SHA1 over the URL as given and the sorted form parameters."""
    signed = url + "".join(name + params[name] for name in sorted(params))
    digest = hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _read_key(pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise ValueError("The event webhook's key has to be an ECDSA key on the curve P-256.")
    return key
