"""Django's settings of both servers, but for what makes them differ."""

import os

import environ

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "channels",
    "rest_framework_simplejwt",
    "bench.baselines.chat",
]
DATABASES = {"default": environ.Env.db_url_config(os.environ["DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
SIMPLE_JWT = {"SIGNING_KEY": SECRET_KEY}
REDIS_HOSTS = [{"address": os.environ["REDIS_URL"], "socket_timeout": 15, "max_connections": 5000}]
MIGRATION_MODULES = {"auth": None, "contenttypes": None}  # all tables at once, without a history
