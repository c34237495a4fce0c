"""Rules of factor XI, logs."""
