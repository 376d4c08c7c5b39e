"""Who is asking: TBA (OAuth 1.0a) and OAuth 2.0 client credentials (PROTOCOL section 2)."""

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from urllib.parse import parse_qsl, quote, unquote

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import NameOID

from .errors import NetSuiteError

HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVES = {"256": (ec.SECP256R1, 32), "384": (ec.SECP384R1, 48), "512": (ec.SECP521R1, 66)}

# Credentials that open nothing but a sandbox.
DEFAULTS = {
    "consumer_key": "sandbox-consumer-key", "consumer_secret": "sandbox-consumer-secret",
    "token_id": "sandbox-token-id", "token_secret": "sandbox-token-secret",
    "client_id": "sandbox-client-id", "ec_certificate_id": "sandbox-ec-certificate",
    "rsa_certificate_id": "sandbox-rsa-certificate",
}


def enc(text):
    return quote(str(text), safe="-._~")


def b64decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def invalid_login(reason):
    """NetSuite does not say why; the reason goes to the request log only."""
    error = NetSuiteError(
        401, "INVALID_LOGIN",
        "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at "
        "Setup > Users/Roles > User Management > View Login Audit Trail.",
        headers={"WWW-Authenticate": 'OAuth realm="NetSuite"'})
    error.reason = reason
    return error


class Authenticator:
    def __init__(self, account, clock, state_dir):
        self.account, self.clock = account, clock
        self.credentials = dict(DEFAULTS)
        self.nonces, self.tokens = {}, {}
        self.lock = threading.Lock()
        self.token_lifetime = 3600
        self.keys = {}
        for name, key_id in (("ec", "ec_certificate_id"), ("rsa", "rsa_certificate_id")):
            path = os.path.join(state_dir, "client_%s.pem" % name)
            key = load_or_make(path, name)
            self.keys[self.credentials[key_id]] = key.public_key()
            for words, days in (("certified", 700), ("ending", 20), ("expired", -1)):
                write_private(os.path.join(state_dir, "client_%s_%s.pem" % (name, words)),
                              with_certificate(key, days))

    # -- the door ----------------------------------------------------------------------------
    def check(self, request, tba=True):
        """Raise unless the request bears a valid signature or token."""
        header = request.headers.get("authorization", "")
        if header.startswith("Bearer "):
            return self.check_bearer(header[7:].strip())
        if header.startswith("OAuth "):
            if not tba:
                raise invalid_login("token-based authentication is not accepted")
            return self.check_tba(request, header[6:])
        raise invalid_login("no credentials")

    def check_bearer(self, token):
        expiry = self.tokens.get(token)
        if expiry is None or self.clock() >= expiry:
            raise invalid_login("unknown or expired bearer token")

    def expire_tokens(self):
        self.tokens.clear()

    def check_tba(self, request, header):
        given = {}
        for name, value in re.findall(r'([a-z_]+)="([^"]*)"', header):
            if name in given:
                raise invalid_login("parameter %s twice" % name)
            given[name] = unquote(value)
        want = self.credentials
        for name, value in (("realm", self.account), ("oauth_consumer_key", want["consumer_key"]),
                            ("oauth_token", want["token_id"]),
                            ("oauth_signature_method", "HMAC-SHA256"), ("oauth_version", "1.0")):
            if given.get(name) != value:
                raise invalid_login("%s is wrong" % name)
        try:
            stamp = int(given.get("oauth_timestamp", ""))
        except ValueError:
            raise invalid_login("oauth_timestamp is no number") from None
        if abs(stamp - self.clock()) > 300:
            raise invalid_login("oauth_timestamp is stale")
        signature = given.pop("oauth_signature", "")
        given.pop("realm")
        if not hmac.compare_digest(signature, self.sign(request, given)):
            raise invalid_login("signature is wrong")
        nonce = given.get("oauth_nonce", "")
        if len(nonce) < 6:
            raise invalid_login("nonce is too short")
        with self.lock:
            if nonce in self.nonces:
                raise invalid_login("nonce was used before")
            self.nonces[nonce] = stamp
            if len(self.nonces) > 200000:
                limit = self.clock() - 600
                self.nonces = {n: t for n, t in self.nonces.items() if t > limit}

    def sign(self, request, oauth):
        params = [(enc(k), enc(v)) for k, v in oauth.items()]
        params += [(enc(k), enc(v)) for k, v in parse_qsl(request.query, keep_blank_values=True)]
        text = "&".join("%s=%s" % p for p in sorted(params))
        url = "%s://%s%s" % (request.scheme, request.host, request.path)
        base = "&".join((request.method, enc(url), enc(text)))
        key = "%s&%s" % (enc(self.credentials["consumer_secret"]),
                         enc(self.credentials["token_secret"]))
        digest = hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    # -- OAuth 2.0 ---------------------------------------------------------------------------
    def grant(self, request, as_string, expired=False, token_type="bearer"):
        """The token endpoint."""
        kind = request.headers.get("content-type", "").split(";")[0].strip()
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if kind != "application/x-www-form-urlencoded":
            return 400, {"error": "invalid_request"}
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        if form.get("client_assertion_type") != (
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"):
            return 400, {"error": "invalid_request"}
        problem = self.check_assertion(request, form.get("client_assertion", ""))
        if problem is None and expired:
            problem = "the certificate has expired"
        if problem:
            request.reason = problem
            return 400, {"error": "invalid_grant" if problem != "client" else "invalid_client"}
        token = secrets.token_urlsafe(48)
        self.tokens[token] = self.clock() + self.token_lifetime
        lifetime = str(self.token_lifetime) if as_string else self.token_lifetime
        return 200, {"access_token": token, "expires_in": lifetime, "token_type": token_type}

    def check_assertion(self, request, assertion):
        """None if the JWT is good, else what is wrong with it."""
        try:
            head64, claims64, signature64 = assertion.split(".")
            head, claims = json.loads(b64decode(head64)), json.loads(b64decode(claims64))
            signature = b64decode(signature64)
        except ValueError:
            return "malformed JWT"
        if head.get("typ") != "JWT":
            return "typ is not JWT"
        key = self.keys.get(head.get("kid"))
        if key is None:
            return "unknown kid"
        problem = verify(key, str(head.get("alg")), (head64 + "." + claims64).encode(), signature)
        if problem:
            return problem
        if claims.get("iss") != self.credentials["client_id"]:
            return "client"
        scope = claims.get("scope")
        scope = scope if isinstance(scope, list) else [scope]
        if "rest_webservices" not in scope:
            return "scope lacks rest_webservices"
        if claims.get("aud") != "%s://%s%s" % (request.scheme, request.host, request.path):
            return "aud is not the token URL"
        try:
            issued, expires = int(claims["iat"]), int(claims["exp"])
        except (KeyError, TypeError, ValueError):
            return "iat or exp is missing"
        now = self.clock()
        if issued > now + 300 or expires < now or expires - issued > 3600:
            return "iat or exp is out of range"
        return None


def verify(key, alg, message, signature):
    family, bits = alg[:2], alg[2:]
    if family not in ("PS", "ES") or bits not in HASHES:
        return "algorithm %s is refused" % alg
    digest = HASHES[bits]()
    try:
        if family == "PS":
            if not isinstance(key, rsa.RSAPublicKey):
                return "key is not RSA"
            key.verify(signature, message,
                       padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        else:
            curve, size = CURVES[bits]
            if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, curve):
                return "key does not fit the algorithm"
            if len(signature) != 2 * size:
                return "signature has a wrong length"
            r = int.from_bytes(signature[:size], "big")
            s = int.from_bytes(signature[size:], "big")
            key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(digest))
    except InvalidSignature:
        return "signature is wrong"
    return None


# -- keys and certificates -----------------------------------------------------------------------
def load_or_make(path, kind):
    if os.path.exists(path):
        with open(path, "rb") as file:
            return serialization.load_pem_private_key(file.read(), None)
    if kind == "ec":
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        key = rsa.generate_private_key(65537, 2048)
    write_private(path, key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return key


def with_certificate(key, days):
    """A private key and behind it a certificate that is valid for some days from now."""
    import datetime
    now = datetime.datetime.utcnow()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pg_ingest")])
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=30))
                   .not_valid_after(now + datetime.timedelta(days=days)).sign(key, hashes.SHA256()))
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()) + certificate.public_bytes(serialization.Encoding.PEM)


def write_private(path, data):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)


def throw_away_certificate(state_dir):
    """A certificate authority and a certificate for localhost; returns (certificate, key) paths."""
    import datetime
    import ipaddress
    now = datetime.datetime.utcnow()
    paths = [os.path.join(state_dir, n) for n in ("ca.pem", "server.pem", "server.key")]
    if all(os.path.exists(p) for p in paths):
        return paths[1], paths[2]
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "NetSuite sandbox CA")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])

    def certificate(subject, issuer, public, signer, *extensions):
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
                   .public_key(public).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=30)))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    ca = certificate(ca_name, ca_name, ca_key.public_key(), ca_key,
                     (x509.BasicConstraints(True, 0), True))
    leaf = certificate(name, ca_name, key.public_key(), ca_key,
                       (x509.SubjectAlternativeName([
                           x509.DNSName("localhost"),
                           x509.DNSName("1234567-sb1.suitetalk.api.netsuite.com"),
                           x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False))
    for path, cert in zip(paths, (ca, leaf)):
        with open(path, "wb") as file:
            file.write(cert.public_bytes(serialization.Encoding.PEM))
    write_private(paths[2], key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return paths[1], paths[2]
