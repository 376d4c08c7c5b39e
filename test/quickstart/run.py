#!/usr/bin/python3
"""README's quick starts, in the root that this was started in: what it says, in its order, as whom it says.

    run.py install MAJOR    its install lines, with the network
    run.py start MAJOR      the rest, without one: settings, the server's start, and each example

A line "-- as alice" or "-- as a superuser, in the database shop" in an example says who runs what follows; before the first
one it is a superuser in the database postgres.  Others log in with the password that the page gave them.  For NetSuite the
sandbox stands in: its address and its credentials are put in the place of the page's, and nothing else.
"""
import os
import re
import subprocess
import sys
import time

PAGE = open("README.md", encoding="utf-8").read()
# what is not for this machine, or another way
OTHER = re.compile(r"\bdnf\b|\bdocker\b|\bmake (demo|check)")
ELSEWHERE = (
    (re.compile(r"account '1234567_SB1'(?!, base_url)"), "account '1234567_SB1', base_url 'https://localhost:8443', ca_file '/tmp/netsuite-sandbox/ca.pem'"),
    (re.compile(r"client_id '…', certificate_id '…'"), "client_id 'sandbox-client-id', certificate_id 'sandbox-ec-certificate'"),
)


def fail(words):
    print("not ok: " + words, flush=True)
    sys.exit(1)


def blocks(language):
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.M | re.S)
    return [text for named, text in fences if named == language and not OTHER.search(text)]


def shell(command):
    print("$ " + command.strip().replace("\n", "\n$ "), flush=True)
    done = subprocess.run(["bash", "-e", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        fail(f"{command.strip()}\n{done.stdout[-3000:]}")


def install(major):
    lines = [block for block in blocks("sh") if re.search(r"\bapt(-get)? install\b", block)]
    if not lines:
        packages = open("deploy/build-packages", encoding="utf-8").read().strip()
        lines = [f"apt install postgresql-15 postgresql-server-dev-15 {packages}\nmake && make install"]
    for block in lines:
        shell(re.sub(r"\b(postgresql(?:-server-dev)?-)15\b", r"\g<1>" + major, block))


class Reader:
    """Who types the examples in"""

    def __init__(self):
        self.role, self.database, self.passwords = None, "postgres", {}

    def psql(self, text):
        for what, here in ELSEWHERE:
            text = what.sub(here, text)
        self.passwords.update(re.findall(r"CREATE ROLE (\w+)[^;]*? PASSWORD '([^']*)'", text))
        command, environment = ["psql", "-XAq", "-d", self.database], dict(os.environ, PGCLIENTENCODING="UTF8")
        if self.role:
            command += ["-h", "localhost", "-U", self.role]
            environment["PGPASSWORD"] = self.passwords.get(self.role, "")
        else:
            command = ["runuser", "-u", "postgres", "--"] + command
        done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        print(done.stdout, end="", flush=True)
        if re.search(r"\b(ERROR|WARNING|FATAL):|^psql: ", done.stderr) or done.returncode:
            fail(f"as {self.role or 'a superuser'} in {self.database}: {done.stderr.strip()}\n{text}")
        return done.stdout

    def example(self, text):
        shown = ""
        for part in re.split(r"^(?=-- as (?:a superuser|\w+)(?:, in the database \w+)?$)", text, flags=re.M):
            who = re.match(r"-- as (a superuser|\w+)(?:, in the database (\w+))?$", part, re.M)
            if who:
                self.role = None if who[1] == "a superuser" else who[1]
                self.database = who[2] or self.database
            shown += self.psql(part)
        return shown


def start(major):
    for block in blocks(""):
        with open(f"/etc/postgresql/{major}/main/postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(block)
    shell(f"pg_ctlcluster {major} main start")
    shell("runuser -u postgres -- createdb sandbox")
    log = open("/tmp/sandbox.log", "w+b")
    sandbox = subprocess.Popen(["runuser", "-u", "postgres", "--", "test/sandbox/netsuite-sandbox", "--port", "8443", "--dsn", "dbname=sandbox", "--state", "/tmp/netsuite-sandbox", "--ready", "/tmp/ready.json"],
                               stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    until = time.monotonic() + 900
    while not os.path.exists("/tmp/ready.json"):
        if sandbox.poll() is not None or time.monotonic() > until:
            log.seek(0)
            fail("the sandbox did not start:\n" + log.read().decode(errors="replace")[-3000:])
        time.sleep(0.1)
    # the page's key.pem is in the folder where its commands run
    shell("cp /tmp/netsuite-sandbox/client_ec.pem key.pem")
    for command in re.findall(r"`(sudo [^`]+)`", re.sub(r"^```.*?^```$", "", PAGE, flags=re.M | re.S)) + [b for b in blocks("sh") if "apt" not in b and "sudo" in b]:
        if "make" not in command:
            shell(command)
    reader, shown = Reader(), ""
    for text in blocks("sql"):
        shown += reader.example(text)
    copies = reader.psql("SELECT sync, rows, last_state FROM ingest.table_status ORDER BY 1")
    found = re.findall(r"^(\S+)\|(\d+)\|(\w+)$", copies, re.M)
    if len(found) < 2 or any(int(rows) == 0 or state != "succeeded" for _, rows, state in found):
        fail("not every copy is filled:\n" + copies)


{"install": install, "start": start}[sys.argv[1]](sys.argv[2])
