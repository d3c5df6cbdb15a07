"""Entry of the helper: `python -I -S main.py FD` serves requests on the inherited socket FD.

The package is put together by hand, because finding it by its full name would import the rooms above it.
"""

import sys

if __name__ == "__main__":
    package = type(sys)("helper")
    package.__path__ = [__file__.rpartition("/")[0]]
    sys.modules["helper"] = package
    server = __import__("helper._server", fromlist=["serve"])
    server.serve(int(sys.argv[1]))
