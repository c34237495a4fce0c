"""Rules of factor IX, disposability."""
