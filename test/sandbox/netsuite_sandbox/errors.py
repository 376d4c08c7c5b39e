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

    def body(self):
        detail = {"detail": self.detail, "o:errorCode": self.code}
        for name, value in self.extra.items():
            detail["o:" + name] = value
        section = SECTIONS.get(self.status, "10.4")
        return json.dumps({
            "type": "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec" + section,
            "title": TITLES.get(self.status, "Error"),
            "status": self.status,
            "o:errorDetails": [detail],
        }).encode()


def invalid_query(reason):
    """The 400 with which NetSuite answers a query that it cannot run."""
    return NetSuiteError(
        400, "INVALID_PARAMETER",
        "Invalid search query. Detailed unprocessed description follows. "
        "Search error occurred: " + reason)
