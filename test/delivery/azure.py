#!/usr/bin/python3
"""A stand-in for what Azure has beside the database: the authority that gives tokens, a vault, the metadata service, App Service, event hubs.

--https PORT: authority, vaults (Host: NAME.vault.localhost) and event hubs.  --http PORT: metadata service and App Service.
--secrets FILE: {"name": "value" or {"version": "value", …, "": "newest"}}, read at each request.
--behave FILE: {"vault"|"token"|"metadata"|"app"|"hub": {"fail": [429, 503], "retry_after": 1, "resource": …, "tenant": …, "refuse": true}};
    the statuses of fail are answered one after the other whenever the file is another one.
--log FILE gets a line of JSON for each request: {"what", "method", "path", "query", "headers", "form", "body", "status"}.
It takes a path with a slash before the question mark and one without, and parameters in any spelling.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOCK = threading.Lock()
TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
SECRET = "a~client+secret/with=odd&letters"
TOKENS = {}  # token: resource
BEHAVIOUR = {"stamp": None, "now": {}}


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def is_signed_by(assertion, certificate, audience):
    """A client assertion by a certificate: PS256, x5t#S256, the claims that the authority wants."""
    head, claims, signature = assertion.split(".")
    header, said = json.loads(unpadded(head)), json.loads(unpadded(claims))
    pem = open(certificate, encoding="utf-8").read()
    der = ssl.PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN CERTIFICATE-----"):])
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/sig", "wb") as out:
            out.write(unpadded(signature))
        with open(f"{folder}/text", "w", encoding="ascii") as out:
            out.write(f"{head}.{claims}")
        with open(f"{folder}/key", "wb") as out:
            out.write(subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"], check=True, capture_output=True).stdout)
        good = subprocess.run(["openssl", "dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest",
                               "-verify", f"{folder}/key", "-signature", f"{folder}/sig", f"{folder}/text"], capture_output=True, check=False)
    return (good.returncode == 0 and header["alg"] == "PS256" and header.get("x5t#S256") == thumbprint and said["iss"] == said["sub"] == CLIENT
            and said["aud"] == audience and said["nbf"] <= time.time() + 5 < said["exp"] and bool(said["jti"]))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def behaviour(self, what):
        options = self.server.options
        with LOCK:
            try:
                stamp = os.stat(options.behave).st_mtime_ns
                if stamp != BEHAVIOUR["stamp"]:
                    with open(options.behave, encoding="utf-8") as file:
                        BEHAVIOUR.update(stamp=stamp, now=json.load(file))
            except (OSError, ValueError, TypeError):
                return {}, None
            how = BEHAVIOUR["now"].get(what, {})
            return how, how["fail"].pop(0) if how.get("fail") else None

    def answer(self, what, status, reply=None, headers=None):
        body = json.dumps(reply).encode() if reply is not None else b""
        with LOCK:
            self.server.out.write(json.dumps({
                "at": time.time(), "what": what, "method": self.command, "path": self.url.path, "query": self.query, "status": status,
                "headers": {k.lower(): v for k, v in self.headers.items()}, "form": self.form, "body": self.body.decode("utf-8", "replace")}) + "\n")
            self.server.out.flush()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def token(self, wanted, **more):
        token = "tok." + base64.urlsafe_b64encode(os.urandom(24)).decode() + ".end"
        with LOCK:
            TOKENS[token] = wanted
            if self.server.options.tokens:
                with open(self.server.options.tokens, "a", encoding="utf-8") as file:
                    file.write(f"{token} {wanted}\n")
        return {"token_type": "Bearer", "access_token": token, **more}

    def fail(self, what, status, how):
        headers = {"retry-after": str(how["retry_after"])} if "retry_after" in how else {}
        self.answer(what, status, {"error": {"code": "Throttled", "message": "not now"}}, headers)

    # -- who gives tokens --

    def authority(self, tenant):
        how, status = self.behaviour("token")
        form = self.form
        if status:
            return self.fail("token", status, how)
        audience = f"https://{self.headers['host']}/{tenant}/oauth2/v2.0/token"
        good = form.get("grant_type") == "client_credentials" and form.get("client_id") == CLIENT and tenant == TENANT
        if "client_assertion" in form:
            good = good and form.get("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            with open(self.server.options.federated, encoding="utf-8") as file:
                good = good and (form["client_assertion"] == file.read().strip()
                                 or is_signed_by(form["client_assertion"], self.server.options.certificate, audience))
        else:
            good = good and form.get("client_secret") == SECRET
        if not good or not form.get("scope", "").endswith("/.default"):
            return self.answer("token", 401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1"})
        return self.answer("token", 200, self.token(form["scope"].removesuffix("/.default"), expires_in=3599, ext_expires_in=3599))

    def metadata(self):
        how, status = self.behaviour("metadata")
        if status:
            return self.fail("metadata", status, how)
        if self.headers.get("metadata") != "true" or self.query.get("api-version") != "2018-02-01" or "resource" not in self.query:
            return self.answer("metadata", 400, {"error": "invalid_request", "error_description": "Identity not found"})
        return self.answer("metadata", 200, self.token(self.query["resource"], expires_in="86399", expires_on=str(int(time.time()) + 86399), resource=self.query["resource"]))

    def app_service(self):
        how, status = self.behaviour("app")
        if status:
            return self.fail("app", status, how)
        if self.headers.get("x-identity-header") != "the-header" or self.query.get("api-version") != "2019-08-01":
            return self.answer("app", 401, {"statusCode": 401, "message": "no"})
        return self.answer("app", 200, self.token(self.query["resource"], expires_on=str(int(time.time()) + 7200), resource=self.query["resource"]))

    # -- who wants them --

    def bearer(self):
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return TOKENS.get(token) if kind == "Bearer" else None

    def vault(self, name, version):
        how, status = self.behaviour("vault")
        if status:
            return self.fail("vault", status, how)
        domain = self.headers["host"].split(":")[0].split(".", 1)[1]
        resource = how.get("resource", f"https://{domain}")
        if self.bearer() != f"https://{domain}" or how.get("refuse"):
            authority = f"https://{how.get('authority', 'login.localhost')}:{self.server.server_port}/{how.get('tenant', TENANT)}"
            return self.answer("vault", 401, {"error": {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."}},
                               {"www-authenticate": f'Bearer authorization="{authority}", resource="{resource}"'})
        if not self.query.get("api-version"):
            return self.answer("vault", 400, {"error": {"code": "BadParameter", "message": "api-version must be specified"}})
        with open(self.server.options.secrets, encoding="utf-8") as file:
            found = json.load(file).get(name)
        value = found.get(version) if isinstance(found, dict) else found if not version else None
        if value is None:
            return self.answer("vault", 404, {"error": {"code": "SecretNotFound", "message": f"A secret with (name/id) {name} was not found in this key vault."}})
        return self.answer("vault", 200, {"value": value, "id": f"https://{self.headers['host']}/secrets/{name}/{version or 'f' * 32}",
                                          "attributes": {"enabled": True, "created": 1700000000, "updated": 1700000000, "recoveryLevel": "Recoverable"}, "tags": {}})

    def is_shared_access(self, hub):
        kind, _, rest = self.headers.get("authorization", "").partition(" ")
        said = dict(urllib.parse.parse_qsl(rest))
        raw = dict(p.split("=", 1) for p in rest.split("&") if "=" in p)
        if kind != "SharedAccessSignature" or said.get("skn") != self.server.options.key_name or int(said.get("se", 0)) < time.time():
            return False
        uri = urllib.parse.urlsplit(said["sr"])
        host = self.headers["host"].split(":")[0]
        if uri.scheme not in ("https", "http", "sb") or uri.hostname != host or uri.path.rstrip("/") not in ("", f"/{hub}"):
            return False
        expected = hmac.new(self.server.options.key.encode(), f"{raw['sr']}\n{raw['se']}".encode(), hashlib.sha256).digest()
        return hmac.compare_digest(base64.b64encode(expected).decode(), said["sig"])

    def hub(self, hub):
        how, status = self.behaviour("hub")
        if status:
            return self.fail("hub", status, how)
        if not self.is_shared_access(hub) and self.bearer() != "https://eventhubs.azure.net":
            return self.answer("hub", 401, None)
        kind = self.headers.get("content-type", "").split(";")[0]
        if self.query.get("api-version") != "2014-01" or kind not in ("application/vnd.microsoft.servicebus.json", "application/atom+xml"):
            return self.answer("hub", 400, None)
        if len(self.body) > 1024 * 1024:
            return self.answer("hub", 413, None)
        for message in json.loads(self.body) if kind.endswith("json") else []:
            if not isinstance(message.get("Body"), str) or set(message) - {"Body", "UserProperties", "BrokerProperties"}:
                return self.answer("hub", 400, None)
            if not all(isinstance(v, (str, int, float, bool)) for v in message.get("UserProperties", {}).values()):
                return self.answer("hub", 400, None)
        return self.answer("hub", 201, None)

    # -- requests --

    def handle_any(self):
        length = int(self.headers.get("content-length") or 0)
        self.body = self.rfile.read(length)
        self.url = urllib.parse.urlsplit(self.path)
        self.query = {urllib.parse.unquote(k): v for k, v in urllib.parse.parse_qsl(self.url.query, keep_blank_values=True)}
        is_form = self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        self.form = dict(urllib.parse.parse_qsl(self.body.decode())) if is_form else None
        parts = [urllib.parse.unquote(p) for p in self.url.path.strip("/").split("/")]
        if not self.server.secure:
            if parts == ["metadata", "identity", "oauth2", "token"] and self.command == "GET":
                return self.metadata()
            if parts == ["msi", "token"] and self.command == "GET":
                return self.app_service()
        elif parts[1:] == ["v2.0", ".well-known", "openid-configuration"]:
            base = f"https://{self.headers['host']}/{parts[0]}"
            return self.answer("discovery", 200, {"token_endpoint": f"{base}/oauth2/v2.0/token", "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                                                  "issuer": f"{base}/v2.0", "jwks_uri": f"{base}/keys", "end_session_endpoint": f"{base}/logout"})
        elif parts[1:] == ["oauth2", "v2.0", "token"] and self.command == "POST":
            return self.authority(parts[0])
        elif parts[0] == "secrets" and len(parts) in (2, 3) and self.command == "GET":
            return self.vault(parts[1], parts[2] if len(parts) > 2 else "")
        elif parts[1:] == ["messages"] and self.command == "POST":
            return self.hub(parts[0])
        return self.answer("unknown", 404, {"error": "not_found"})

    do_GET = do_POST = do_PUT = do_HEAD = handle_any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--https", type=int, required=True)
    parser.add_argument("--http", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--cert", required=True, help="certificate and key of the server")
    parser.add_argument("--certificate", required=True, help="of the application")
    parser.add_argument("--federated", required=True, help="the workload's token file")
    parser.add_argument("--tokens", help="each token that was given, with what it is for, is written there")
    parser.add_argument("--secrets", required=True)
    parser.add_argument("--behave", default="")
    parser.add_argument("--key-name", default="send")
    parser.add_argument("--key", default="")
    options = parser.parse_args()
    out = open(options.log, "a", encoding="utf-8")
    servers = []
    for port, secure in ((options.https, True), (options.http, False)):
        server = Server(("127.0.0.1", port), Handler)
        server.options, server.out, server.secure = options, out, secure
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(options.cert)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
