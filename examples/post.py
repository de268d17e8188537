"""Posts a text into a room: `python3 post.py RUN TEXT`. The same RUN posts once, however often it is repeated.

PARLEY_URL (http://127.0.0.1:8000), PARLEY_TOKEN and ROOM come from the environment.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("run", metavar="RUN", help="the name of this run of the job")
parser.add_argument("text", metavar="TEXT")
given = parser.parse_args()
url = os.environ.get("PARLEY_URL") or f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"
token, room = os.environ.get("PARLEY_TOKEN"), os.environ.get("ROOM")
if not token or not room:
    parser.error("set PARLEY_TOKEN and ROOM")
request = urllib.request.Request(
    f"{url}/api/v1/rooms/{room}/messages/",
    data=json.dumps({"client_id": given.run, "body": given.text}).encode(),
    headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
)
try:
    with urllib.request.urlopen(request, timeout=30) as answer:
        print(json.load(answer)["seq"])
except urllib.error.HTTPError as problem:
    sys.exit(problem.read().decode())
except OSError as error:
    sys.exit(f"Nothing answers at {url}: {error}")
