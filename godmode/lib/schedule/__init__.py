"""What starts the jobs: the lines of a crontab, the units of systemd, and how both get to where they work."""
