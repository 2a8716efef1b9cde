"""push_service.py CERTIFICATE KEY

A push service and the browser behind it, made with Python's cryptography: it checks the VAPID token
and decrypts what came as RFC 8291 and RFC 8188 say. Says `port N`, then `keys P256DH AUTH`, then
one line of JSON for each message. The endpoint's path decides its answer.
"""
import base64
import hashlib
import hmac
import http.server
import json
import ssl
import sys
import threading
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

BROWSER = ec.generate_private_key(ec.SECP256R1())
AUTH = b"0123456789abcdef"


def point(key):
    return key.public_bytes(serialization.Encoding.X962,
                            serialization.PublicFormat.UncompressedPoint)


def letters(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unletters(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hkdf(salt, key, info, size):
    first = hmac.new(salt, key, hashlib.sha256).digest()
    return hmac.new(first, info + b"\1", hashlib.sha256).digest()[:size]


def decrypt(body):
    salt, record, size = body[:16], int.from_bytes(body[16:20], "big"), body[20]
    sender = body[21:21 + size]
    sealed = body[21 + size:]
    if len(sealed) > record:
        raise ValueError("more than one record")
    peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
    shared = BROWSER.exchange(ec.ECDH(), peer)
    own = point(BROWSER.public_key())
    ikm = hkdf(AUTH, shared, b"WebPush: info\0" + own + sender, 32)
    key = hkdf(salt, ikm, b"Content-Encoding: aes128gcm\0", 16)
    nonce = hkdf(salt, ikm, b"Content-Encoding: nonce\0", 12)
    plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
    if plain[-1:] != b"\2":
        raise ValueError("the last record is not marked")
    return plain[:-1]


def claims_of(header, origin):
    """The token's claims, or an exception."""
    if not header.startswith("vapid "):
        raise ValueError("no VAPID")
    fields = dict(field.strip().split("=", 1) for field in header[6:].split(","))
    head, body, signature = fields["t"].split(".")
    if json.loads(unletters(head)) != {"typ": "JWT", "alg": "ES256"}:
        raise ValueError("another algorithm")
    raw = unletters(signature)
    if len(raw) != 64:
        raise ValueError("a signature of another length")
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"),
                                     int.from_bytes(raw[32:], "big"))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unletters(fields["k"]))
    key.verify(der, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    claims = json.loads(unletters(body))
    if claims["aud"] != origin:
        raise ValueError(f"for {claims['aud']}, not {origin}")
    if not time.time() < claims["exp"] <= time.time() + 86400:
        raise ValueError("expired, or for too long")
    return claims


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def answer(self, status, text="", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answers = {"/gone": (410, "push subscription has unsubscribed or expired.", {}),
                   "/unknown": (404, "", {}),
                   "/slow-down": (429, "too many", {"Retry_After": "17"}),
                   "/broken": (500, "oops", {}),
                   "/large": (413, "payload too large", {})}
        if self.path in answers:
            status, text, headers = answers[self.path]
            return self.answer(status, text, **headers)
        try:
            claims = claims_of(self.headers["Authorization"], "https://" + self.headers["Host"])
        except (ValueError, KeyError, InvalidSignature) as error:
            return self.answer(403, f"token refused: {error!r}")
        if self.headers["Content-Encoding"] != "aes128gcm" or len(body) > 4096:
            return self.answer(400, "not aes128gcm, or too large")
        plain = decrypt(body)
        print(json.dumps({
            "text": plain.decode(errors="replace"), "size": len(plain), "sub": claims["sub"],
            "ttl": self.headers["TTL"], "urgency": self.headers["Urgency"],
            "topic": self.headers["Topic"]}), flush=True)
        self.answer(201, "", Location=f"https://{self.headers['Host']}/m/abc")


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print("port", server.server_address[1], flush=True)
    print("keys", letters(point(BROWSER.public_key())), letters(AUTH), flush=True)
    threading.Thread(target=server.serve_forever).start()


main()
