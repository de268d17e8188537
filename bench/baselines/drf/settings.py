"""Parley's settings, pool included; only the URLs are others."""

from backend.settings import *  # noqa: F403

ROOT_URLCONF = "bench.baselines.drf.urls"
