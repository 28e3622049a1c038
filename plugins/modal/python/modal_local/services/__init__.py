"""The RPCs, grouped as Modal's documentation groups them."""
