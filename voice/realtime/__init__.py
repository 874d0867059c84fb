"""Live conversation: who hears, who answers, and the protocol between."""
