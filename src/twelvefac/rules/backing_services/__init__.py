"""Rules of factor IV, backing services."""
