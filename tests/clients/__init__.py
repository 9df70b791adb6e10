"""The same request under the same key from many clients at the same moment: one pickup, one booking, one answer for all of them.

`make clients KEYS=1000` says so at length, with a gateway of real processes; the tests do the same with a few keys.
"""
