"""Rules of factor X, dev/prod parity."""
