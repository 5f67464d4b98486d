"""Fake clouds, fake platforms and a registry that enforces, on 127.0.0.1, behind one HTTPS proxy.

Production code knows nothing of it: while the sandbox is on, the ordinary proxy and certificate variables lead every
client, ours and the vendors', to one server that answers for all hosts by their real names and refuses unknown ones.
"""
