"""Where we talk: the terminal, the platforms, and the one place where everything is put together."""
