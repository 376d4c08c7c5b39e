"""A small client for the sandbox's own tests and benchmarks: TBA signing, queries, control."""

import base64
import gzip
import hashlib
import hmac
import http.client
import json
import secrets
import ssl
import time
from urllib.parse import quote, urlencode


def enc(text):
    return quote(str(text), safe="-._~")


class Client:
    def __init__(self, facts, **credentials):
        self.facts = facts
        self.credentials = dict(facts["credentials"], **credentials)
        self.base = facts["url"]
        self.conn = None
        self.data = None            # the last reply's body as it came

    def connect(self):
        scheme, _, address = self.base.partition("://")
        if scheme == "https":
            context = ssl.create_default_context(cafile=self.facts["ca_file"])
            self.conn = http.client.HTTPSConnection(address, context=context, timeout=60)
        else:
            self.conn = http.client.HTTPConnection(address, timeout=60)

    def authorization(self, method, path, query, **overrides):
        c = self.credentials
        oauth = {"oauth_consumer_key": c["consumer_key"], "oauth_token": c["token_id"],
                 "oauth_signature_method": "HMAC-SHA256", "oauth_timestamp": int(time.time()),
                 "oauth_nonce": secrets.token_hex(12), "oauth_version": "1.0"}
        oauth.update(overrides)
        pairs = sorted((enc(k), enc(v)) for k, v in list(oauth.items()) + list(query.items()))
        base = "&".join((method, enc(self.base + path), enc("&".join("%s=%s" % p for p in pairs))))
        key = "%s&%s" % (enc(c["consumer_secret"]), enc(c["token_secret"]))
        digest = hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()
        oauth["oauth_signature"] = base64.b64encode(digest).decode()
        return 'OAuth realm="%s",%s' % (self.facts["account"], ",".join(
            '%s="%s"' % (k, enc(v)) for k, v in oauth.items()))

    def request(self, method, path, query=None, body=None, headers=None, sign=True):
        """(status, headers, parsed body)."""
        query = query or {}
        headers = dict(headers or {})
        headers["Accept-Encoding"] = headers.get("Accept-Encoding", "gzip")
        if sign and "Authorization" not in headers:
            headers["Authorization"] = self.authorization(method, path, query)
        if self.conn is None:
            self.connect()
        try:
            self.conn.request(method, path + ("?" + urlencode(query) if query else ""), body,
                              headers)
            reply = self.conn.getresponse()
            data = reply.read()
        except Exception:
            self.conn.close()
            self.conn = None
            raise
        if reply.headers.get("Content-Encoding") == "gzip":
            data = gzip.decompress(data)
        self.data = data
        try:
            data = json.loads(data)
        except ValueError:
            pass
        return reply.status, reply.headers, data

    def suiteql(self, q, params=None, limit=1000, offset=0, **headers):
        body = {"q": q}
        if params is not None:
            body["params"] = params
        return self.request(
            "POST", "/services/rest/query/v1/suiteql", {"limit": limit, "offset": offset},
            json.dumps(body), {"Content-Type": "application/json", "Prefer": "transient",
                               **headers})

    def control(self, op, **args):
        status, _, reply = self.request("POST", "/sandbox/control", None,
                                        json.dumps(dict(args, op=op)), sign=False)
        if status != 200:
            raise RuntimeError(reply)
        return reply["result"]
