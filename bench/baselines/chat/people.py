"""`python -m bench.baselines.chat.people N`: make N people, print their access tokens as JSON."""

import json
import secrets
import sys
from datetime import timedelta

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from rest_framework_simplejwt.tokens import AccessToken  # noqa: E402


def main() -> None:
    assert not settings.DEBUG
    mark = secrets.token_hex(4)
    count = int(sys.argv[1])
    users = User.objects.bulk_create([User(username=f"ada-{mark}-{number}") for number in range(count)])
    tokens = []
    for user in users:
        token = AccessToken.for_user(user)
        token.set_exp(lifetime=timedelta(days=1))
        tokens.append(str(token))
    print(json.dumps(tokens))


main()
