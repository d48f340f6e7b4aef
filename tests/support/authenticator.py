"""A passkey in software: what a browser and its authenticator answer, with a real key."""

import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One passkey; `flags` is what it tells of the person, `counts` whether it counts its uses."""

    origin: str
    host: str
    flags: int = PRESENT | VERIFIED
    counts: bool = True
    uses: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def made(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer a request for a new passkey."""
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        about = b"\0" * 16 + struct.pack(">H", len(self.id)) + self.id + cbor2.dumps(public)
        attested = {"fmt": "none", "attStmt": {}, "authData": self._about(ATTESTED) + about}
        response = {
            "clientDataJSON": bytes_to_base64url(self._client("webauthn.create", asked)),
            "attestationObject": bytes_to_base64url(cbor2.dumps(attested)),
        }
        return self._credential(response)

    def signed(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer a request to show who one is."""
        if self.counts:
            self.uses += 1
        about, client = self._about(), self._client("webauthn.get", asked)
        mark = self.key.sign(about + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": bytes_to_base64url(client),
            "authenticatorData": bytes_to_base64url(about),
            "signature": bytes_to_base64url(mark),
        }
        return self._credential(response)

    def _about(self, more: int = 0) -> bytes:
        flags = struct.pack(">BI", self.flags | more, self.uses)
        return hashlib.sha256(self.host.encode()).digest() + flags

    def _client(self, kind: str, asked: dict[str, Any]) -> bytes:
        challenge = bytes_to_base64url(base64url_to_bytes(asked["challenge"]))
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        name = bytes_to_base64url(self.id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}
