"""A chain to read from.

To import the EVM raises Python's limit of recursion for the whole process, so that what other tests nest too deep
would run out of the stack instead of being refused; no transfer of these tests needs that.
"""

import sys
from importlib import import_module

_limit = sys.getrecursionlimit()
import_module("eth")
sys.setrecursionlimit(_limit)
