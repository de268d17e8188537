"""Posts a text into a room: `python3 post.py RUN TEXT`. The same RUN posts once, however often it is repeated."""

import json
import os
import sys
import urllib.error
import urllib.request

url, token, room = (os.environ[name] for name in ("PARLEY_URL", "PARLEY_TOKEN", "ROOM"))
run, text = sys.argv[1:]
request = urllib.request.Request(
    f"{url}/api/v1/rooms/{room}/messages/",
    data=json.dumps({"client_id": run, "body": text}).encode(),
    headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
)
try:
    with urllib.request.urlopen(request, timeout=30) as answer:
        print(json.load(answer)["seq"])
except urllib.error.HTTPError as problem:
    sys.exit(problem.read().decode())
