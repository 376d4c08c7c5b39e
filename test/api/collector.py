# python3 collector.py FOLDER: takes what is sent by OTLP over HTTP, as FOLDER/n.json with its head as FOLDER/n.head, and answers as
# FOLDER/answer says when it comes: a status, and seconds for Retry-After; "hang": nothing, for a minute; "partial": some of it was not taken.
# Prints its port.
import gzip, http.server, json, os, sys, threading, time

folder = sys.argv[1]
lock = threading.Lock()
count = 0
under_way = 0


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global count, under_way
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        with open(folder + "/answer") as f:
            said = f.read().split()
        with lock:
            count += 1
            under_way += 1
            n = count
            head = {"path": self.path, "at": time.time(), "under_way": under_way, **{k.lower(): v for k, v in self.headers.items()}}
        with open(f"{folder}/{n}.head", "w") as f:
            json.dump(head, f)
        with open(f"{folder}/new", "wb") as f:
            f.write(body)
        os.rename(f"{folder}/new", f"{folder}/{n}.json")
        try:
            if said[0] == "hang":
                time.sleep(60)
                return
            answer = b'{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"too old"}}' if said[0] == "partial" else b"{}"
            self.send_response(200 if said[0] == "partial" else int(said[0]))
            if len(said) > 1:
                self.send_header("Retry-After", said[1])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        finally:
            with lock:
                under_way -= 1

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Collector)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
