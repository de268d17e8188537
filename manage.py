#!/usr/bin/env python
"""Django's command line. For a first look, `python3 dev.py run` sets everything up by itself."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting that is missing: the sentence says which
        sys.exit(f"{sys.argv[0]}: {error}")
