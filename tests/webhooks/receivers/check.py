"""Each line of the input is a vector, its fields in base64 between tabs; each line of the output says what verify said."""

import sys
from base64 import b64decode

from receiver import verify  # of docs/webhooks, by PYTHONPATH

for line in sys.stdin:
    keys, message_id, timestamp, signatures, body, now = map(b64decode, line.rstrip("\n").split("\t"))
    texts = (keys.decode().split(), message_id.decode(), timestamp.decode(), signatures.decode())
    print(int(verify(*texts, body, int(now))))
