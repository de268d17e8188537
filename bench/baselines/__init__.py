"""What Parley is compared with: small, as one would write it, and frozen. Changing it changes every ratio."""
