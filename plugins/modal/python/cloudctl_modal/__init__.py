"""The Python child of CloudCTL's Modal plugin: drives Modal's SDK on behalf of the TypeScript parent.

Importing this package imports nothing else, so that the child answers `hello` at once.
"""

__all__: list[str] = []
