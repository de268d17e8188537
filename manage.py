#!/usr/bin/env python
"""Django's command line. For a first look, `python3 dev.py run` sets everything up by itself."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    execute_from_command_line(sys.argv)
