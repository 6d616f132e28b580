"""How far simulated data are from those that were observed, for methods that need no density."""
