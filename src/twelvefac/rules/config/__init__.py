"""Rules of factor III, config."""
