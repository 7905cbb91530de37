"""godmode: background jobs that watch a small company, and stop when told to."""

__version__ = "0.1.0"
