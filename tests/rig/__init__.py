"""Real servers for the tests: PostgreSQL, Valkey, daphne, Chromium and Node, each from a package, none mocked."""
