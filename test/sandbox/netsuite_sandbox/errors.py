"""NetSuite's error bodies (PROTOCOL section 5)."""

import json

TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 429: "Too Many Requests",
    500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
}
SECTIONS = {400: "10.4.1", 401: "10.4.2", 403: "10.4.4", 404: "10.4.5", 405: "10.4.6",
            406: "10.4.7", 500: "10.5.1", 502: "10.5.3", 503: "10.5.4"}


class NetSuiteError(Exception):
    """A refusal as NetSuite words it."""

    def __init__(self, status, code, detail, headers=None, **extra):
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.headers = headers or {}
        self.extra = extra          # errorPath, errorUrl, errorQueryParam, errorHeader

    def body(self, shape="details"):
        detail = {"detail": self.detail, "o:errorCode": self.code}
        for name, value in self.extra.items():
            detail["o:" + name] = value
        if shape == "nested":
            return json.dumps({"error": {"code": self.code, "message": self.detail}}).encode()
        result = {
            "type": "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec"
                    + SECTIONS.get(self.status, "10.4"),
            "title": TITLES.get(self.status, "Error"),
            "status": self.status,
        }
        if shape == "top":
            return json.dumps(dict(result, **detail)).encode()
        if self.status == 429:
            result["o:errorCode"] = self.code       # which this one repeats at the top
        return json.dumps(dict(result, **{"o:errorDetails": [detail]})).encode()


class InvalidQuery(NetSuiteError):
    """A query that cannot be run."""


def invalid_query(reason):
    """The 400 with which NetSuite answers a query that it cannot run."""
    return InvalidQuery(
        400, "INVALID_PARAMETER",
        "Invalid search query. Detailed unprocessed description follows. "
        "Search error occurred: " + reason)
