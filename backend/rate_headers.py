"""The headers that tell how a client stands with a limit.

`RateLimit` and `RateLimit-Policy` are those of draft-ietf-httpapi-ratelimit-headers-10: a burst is the
quota, and the time it takes to flow back the window. The three older ones are of the limit that refused,
else of the requests.
"""

import math

from django.http.response import HttpResponseBase

from common.standing import Standing


def add_rate_headers(response: HttpResponseBase, standing: Standing) -> None:
    """Put how somebody stands with a limit in front of what the answer says of another."""
    window_s = math.ceil(standing.burst / standing.per_s)
    reset_s = math.ceil(standing.reset_s)
    policy = f'"{standing.limit}";q={standing.burst};w={window_s}'
    state = f'"{standing.limit}";r={standing.remaining};t={reset_s}'
    headers = response.headers
    if "RateLimit" in headers:
        headers["RateLimit-Policy"] = f"{policy}, {headers['RateLimit-Policy']}"
        headers["RateLimit"] = f"{state}, {headers['RateLimit']}"
        return
    headers["RateLimit-Policy"] = policy
    headers["RateLimit"] = state
    headers["RateLimit-Limit"] = str(standing.burst)
    headers["RateLimit-Remaining"] = str(standing.remaining)
    headers["RateLimit-Reset"] = str(reset_s)
