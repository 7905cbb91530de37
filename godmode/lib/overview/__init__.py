"""How everything is: what is wrong, what nobody has looked at, and the command that follows each up. Pure."""
