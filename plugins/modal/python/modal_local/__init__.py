"""Local Modal: a server on loopback that speaks Modal's gRPC protocol and really runs the deployed functions.

Started with ``python -m modal_local serve --state DIR``. See README.md beside this file.
"""
