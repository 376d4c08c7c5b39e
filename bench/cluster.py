"""A cluster of a benchmark's own, in which the library is preloaded; it goes with the program."""

import atexit
import os
import shutil
import subprocess
import tempfile

import psycopg

BIN = os.environ["BENCH_BIN"]
SETTINGS = """listen_addresses = ''
unix_socket_directories = '%s'
port = %d
fsync = off
shared_buffers = 256MB
max_wal_size = 4GB
max_connections = 60
max_worker_processes = 20
shared_preload_libraries = 'ingest'
ingest.discovery = 1
%s
"""


class Cluster:
    def __init__(self, name, port, settings=""):
        self.port = port
        self.folder = tempfile.mkdtemp(prefix=name, dir=os.environ["BENCH_SOCKET"])
        self.log = os.path.join(self.folder, "log")
        self.run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        with open(os.path.join(self.folder, "postgresql.conf"), "a", encoding="utf-8") as conf:
            conf.write(SETTINGS % (self.folder, port, settings))
        atexit.register(self.stop)
        self.run("pg_ctl", "-w", "-l", self.log, "start")

    def run(self, program, *arguments):
        subprocess.run([os.path.join(BIN, program), "-D", self.folder, *arguments], check=True, capture_output=True)

    def stop(self):
        try:
            self.run("pg_ctl", "-m", "immediate", "-w", "stop")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, user="postgres"):
        return psycopg.connect("host=%s port=%d user=%s dbname=postgres" % (self.folder, self.port, user), autocommit=True)
