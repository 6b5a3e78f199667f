"""How we talk: messages in, replies out, with no platform and no network."""
