"""Daphne, made fit: flow control, bounded input, drain. It serves any ASGI application and imports nothing of ours."""
