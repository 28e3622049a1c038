"""What runs inside the container, too: any Python from 3.10 on, nothing installed.

These files travel as source, joined into one by shim.py. So they import the standard library and each other only, with
imports from each other on one line, and no two of them use one name for different things.
"""
