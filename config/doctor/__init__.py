"""What a service needs, looked at piece by piece: what is well, what is not, and what to do about it.

A check is a generator of findings, in the module of its noun, and says of which other noun it needs that nothing has failed.
"""

from __future__ import annotations
