#!/usr/bin/python3
"""A mail server (aiosmtpd) that writes down what it takes, as Python's email package reads it, and refuses as it is told.

--log FILE gets one line of JSON for each mail: {"from", "to", "user", "tls", "commands", "headers", "raw_headers", "text", "longest"}.
--behave FILE is read at each command: {"mail": "550 …", "rcpt": {"a@b": "550 …"}, "data": "552 …", "data_sleep": s, "silent_quit": true}.
"""

import argparse
import asyncio
import base64
import email
import email.policy
import json
import signal
import ssl

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

OPTIONS = None


def behaviour():
    try:
        with open(OPTIONS.behave, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError, TypeError):
        return {}


def authenticator(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and data.login == OPTIONS.user.encode() and data.password == OPTIONS.password.encode()
    session.by = mechanism
    return AuthResult(success=good, handled=False, message=None if good else "535 5.7.8 no")


class Handler:
    async def auth_XOAUTH2(self, server, args):
        given = base64.b64decode(args[1]) if len(args) > 1 else await server.challenge_auth("")
        good = given == b"user=" + OPTIONS.user.encode() + b"\x01auth=Bearer " + OPTIONS.token.encode() + b"\x01\x01"
        server.session.by = "XOAUTH2"
        if not good:
            return AuthResult(success=False, handled=False)
        return AuthResult(success=True, auth_data=OPTIONS.user)

    async def handle_MAIL(self, server, session, envelope, address, options):
        if "mail" in behaviour():
            return behaviour()["mail"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        refused = behaviour().get("rcpt", {}).get(address)
        if refused:
            return refused
        envelope.rcpt_tos.append(address)
        return "250-a long\r\n250 OK"

    async def handle_QUIT(self, server, session, envelope):
        if behaviour().get("silent_quit"):
            await asyncio.sleep(60)
        return "221 Bye"

    async def handle_DATA(self, server, session, envelope):
        how = behaviour()
        if how.get("data_sleep"):
            await asyncio.sleep(how["data_sleep"])
        if "data" in how:
            return how["data"]
        raw = envelope.original_content
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        line = {
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "user": getattr(session, "by", None), "tls": session.ssl is not None,
            "headers": {k: str(v) for k, v in mail.items()}, "names": [k for k, _ in mail.items()], "raw": raw.decode("ascii"),
            "text": mail.get_content().replace("\r\n", "\n"), "type": mail.get_content_type(), "defects": [str(d) for d in mail.defects],
            "longest": max(len(x) for x in raw.split(b"\r\n")), "bare": raw.replace(b"\r\n", b"").count(b"\n"),
        }
        with open(OPTIONS.log, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return "250 OK"


async def serve():
    context = None
    if OPTIONS.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(OPTIONS.cert)
    loop = asyncio.get_running_loop()

    def server():
        return SMTP(Handler(), authenticator=authenticator if OPTIONS.user else None, auth_required=bool(OPTIONS.user),
                    auth_require_tls=not (OPTIONS.plain or OPTIONS.smtps), require_starttls=False, decode_data=False,
                    tls_context=None if OPTIONS.smtps or OPTIONS.plain else context, hostname="mailbox.test", data_size_limit=OPTIONS.size)

    await loop.create_server(server, "127.0.0.1", OPTIONS.port, ssl=context if OPTIONS.smtps else None)
    await asyncio.Event().wait()


def main():
    global OPTIONS
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--behave")
    parser.add_argument("--cert")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--token", default="")
    parser.add_argument("--size", type=int, default=33554432)
    parser.add_argument("--smtps", action="store_true")
    parser.add_argument("--plain", action="store_true")
    OPTIONS = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    asyncio.run(serve())


if __name__ == "__main__":
    main()
