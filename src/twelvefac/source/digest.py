"""A digest of bytes, for what must be told apart and not kept secret."""

try:
    from _blake2 import blake2b  # hashlib loads OpenSSL too: 2 ms of each start
except ImportError:  # not every Python has it
    from hashlib import blake2b


def digest(data: bytes) -> str:
    """Thirty-two hexadecimal digits."""
    return blake2b(data, digest_size=16).hexdigest()
