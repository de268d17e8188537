"""What `dev.py` is made of. Standard library only: it has to run before anything is installed."""
