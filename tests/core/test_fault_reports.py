"""What is reported to Sentry when something breaks says where, and holds nobody's credential."""

import gzip
import http.server
import os
import subprocess
import sys
import threading

import brotli

DECODERS = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}
SECRET = "pk_live_that-nobody-may-read"
BREAKS = """
import django, sentry_sdk
django.setup()

def issue(text):
    raise RuntimeError("no room")

try:
    issue("".join(["pk_live_", "that-nobody-may-read"]))
except RuntimeError:
    sentry_sdk.capture_exception()
sentry_sdk.flush(10)
"""


def test_local_variables_stay_here() -> None:
    got: list[bytes] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(DECODERS[self.headers.get("Content-Encoding", "")](body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        env = {**os.environ, "PORTICO_SENTRY_DSN": f"http://key@127.0.0.1:{receiver.server_port}/1"}
        env["DJANGO_SETTINGS_MODULE"] = "config.settings"
        subprocess.run([sys.executable, "-c", BREAKS], check=True, env=env, timeout=60)
        receiver.shutdown()
    report = b"".join(got)
    assert b"no room" in report
    assert SECRET.encode() not in report
