"""Speech of words that are still being written: text comes in piece by piece over a socket, sound goes out in its order."""
