"""The API as strangers use it: Schemathesis asks a running gateway everything the contract allows, and much that it does not.

`python -m tests.fuzz` (or `make fuzz`) starts a gateway on SQLite with its lab, sets a merchant up whose returns are under way, and
lets Schemathesis loose on it: the contract's examples, each limit and each breach of it, random requests, and chains of calls along
the contract's links. What fits the contract goes to what there is, at times with the contract's example as its body. Anything above
499, any answer the contract does not tell, anything wrong that is taken ends it with 1.
"""
