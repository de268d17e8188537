"""A stress run that checks itself: faults, members and clients as a seed has drawn them."""
