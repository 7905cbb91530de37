"""The chat exports that are known: one module a format, each a stream of what was said."""
