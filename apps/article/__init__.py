"""What tutorials on the subject ask a server for: a status, a long poll, a stream that ends.

Such client code is a few lines long and names no topic and no cursor. It works here unchanged; what it leaves out
(losing nothing, stopping at once) is the server's part.
"""
